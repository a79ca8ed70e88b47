"""Sign-in, sign-out, a password of one's own, and home: the ways into the site."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from range.accounts import throttle
from range.accounts.access import agencies_run_by, can_launch, has_role
from range.accounts.models import Membership, User

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


class ChoosePasswordForm(SetPasswordForm[User]):
    """A password of one's own in place of a one-time one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for name, label in (("new_password1", "New password"), ("new_password2", "Once more")):
            self.fields[name].label = label
            self.fields[name].widget.attrs["class"] = "input"
        self.fields["new_password1"].help_text = "At least 8 characters, and not a common one."
        self.fields["new_password2"].help_text = ""

    def clean_new_password1(self) -> str:
        """Refuse the one-time password itself: somebody else knows it."""
        password: str = self.cleaned_data["new_password1"]
        if self.user.check_password(password):
            raise ValidationError("Choose another than the one you signed in with.")
        return password

    def save(self, commit: bool = True) -> User:
        """Keep it, and let everything else be done again."""
        self.user.must_choose_password = False
        return super().save(commit)


class ChoosePassword(PasswordChangeView):
    """Django's change of a password without asking for the old one, which was just used."""

    form_class = ChoosePasswordForm  # type: ignore[assignment]
    template_name = "registration/choose_password.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send whoever has a password of their own away: an open page is no proof of it."""
        if not getattr(request.user, "must_choose_password", False):
            return redirect("home")
        return super().dispatch(request, *args, **kwargs)

    def get_success_url(self) -> str:
        """Lead to the page that was asked for, where it is one of ours."""
        wanted = self.request.GET.get("next", "")
        ours = url_has_allowed_host_and_scheme(
            wanted, {self.request.get_host()}, require_https=self.request.is_secure()
        )
        return wanted if ours else reverse("home")


choose_password = ChoosePassword.as_view()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everyone to where their work is."""
    if can_launch(request.user):
        return redirect("catalogue")
    if has_role(request.user, Membership.Role.ASSESSOR):
        return redirect("people")
    if agencies_run_by(request.user).exists():
        return redirect("impact")
    return redirect("catalogue")
