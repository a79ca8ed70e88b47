"""What work roles ask: shown with who decided it and why, changed, and put back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from range.accounts.access import can_set_requirements
from range.accounts.cohorts import NotStaff, actor_of
from range.competencies import requirements
from range.competencies.frameworks import Role, any_role, other_roles, roles_with_requirements
from range.competencies.models import ObservableSkill
from range.competencies.requirements import RequirementsRefused
from range.teaching.roles import role_page
from range.teaching.views.cohorts import teacher

ROLES = "teaching/roles.html"
ROLE = "teaching/role.html"
NOT_FOUND = 404


@never_cache
@require_safe
def roles(request: HttpRequest) -> HttpResponse:
    """List the roles that readiness can be said for, and offer the others."""
    _refuse_others(request)
    context = {"roles": roles_with_requirements(), "others": other_roles(), "tab": "roles"}
    return render(request, ROLES, context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: HttpRequest, code: str) -> HttpResponse:
    """Show what one role asks, or change it."""
    _refuse_others(request)
    found = any_role(code)
    if found is None:
        raise RequirementsRefused(
            "The framework in use has no such work role.", reason="role-unknown", status=NOT_FOUND
        )
    if request.method == "POST":
        return _changed(request, found)
    return render(request, ROLE, role_page(found, requirements.levels_asked(code)))


def _changed(request: HttpRequest, found: Role) -> HttpResponse:
    wanted, reason = _wanted(request, found.code), request.POST.get("reason", "")
    viewer = teacher(request)
    try:
        requirements.set_requirements(
            found.code, wanted, author=viewer.shown_name, actor=actor_of(viewer), reason=reason
        )
    except RequirementsRefused as refusal:
        # What was chosen and written stays in the form.
        context = role_page(found, wanted) | {"problem": refusal.message, "reason": reason}
        return render(request, ROLE, context, status=422)
    messages.success(request, f"{found.title} asks this from now on; readiness follows at once.")
    return redirect("role-requirements", found.code)


def _refuse_others(request: HttpRequest) -> None:
    if not can_set_requirements(request.user):
        raise NotStaff


def _wanted(request: HttpRequest, code: str) -> dict[str, str]:
    """Read the form: a level for each skill, or the number of the change to put back."""
    if number := request.POST.get("put_back", ""):
        changes = requirements.changes_of(code)
        return next((dict(each.before) for each in changes if str(each.event.seq) == number), {})
    chosen = {key.removeprefix("level-"): level for key, level in request.POST.items()}
    skills = ObservableSkill.objects.values_list("key", flat=True)
    return {key: str(chosen[key]) for key in skills if chosen.get(key)}
