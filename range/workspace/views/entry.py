"""Sign-in, sign-out and home: the ways into the site."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from range.accounts import throttle
from range.accounts.access import can_launch, has_role
from range.accounts.models import Membership

THROTTLED = "throttled"


class SignInForm(AuthenticationForm):
    """Name and password; refuses both right and wrong ones once there were too many tries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("username", "Name"), ("password", "Password")):
            field = self.fields[name]
            field.label = label
            field.widget.attrs["class"] = "input"
        self.error_messages["invalid_login"] = (
            "That name and password do not match an account here. Check both and try again."
        )

    def clean(self) -> dict[str, Any]:
        """Authenticate, counting what fails."""
        name = self.cleaned_data.get("username") or ""
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            throttle.refuse_if_throttled(name=name, address=address)
        except throttle.TooManyTries as refusal:
            raise ValidationError(refusal.message, code=THROTTLED) from refusal
        try:
            cleaned = super().clean()
        except ValidationError:
            throttle.note_failure(name=name, address=address)
            raise
        throttle.forget(name=name)
        return cleaned


class SignIn(LoginView):
    """Django's sign-in with our form and our page."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again; 429 where the throttle spoke."""
        response = super().form_invalid(form)
        if form.has_error("__all__", code=THROTTLED):
            response.status_code = throttle.TooManyTries().status
        return response


sign_in = SignIn.as_view()
sign_out = LogoutView.as_view(http_method_names=["post", "options"])


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everyone to where their work is."""
    if can_launch(request.user):
        return redirect("catalogue")
    if has_role(request.user, Membership.Role.ASSESSOR):
        return redirect("people")
    return redirect("catalogue")
