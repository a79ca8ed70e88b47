"""Answers anticipated errors in words; lets the workspace reach its consoles and web views."""

from typing import cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from range.console.console_origin import console_origin
from range.lib.bodies import TOO_LARGE
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.webview.addresses import every_origin, offered_to

log = get_logger(__name__)

# Pages that connect to the console role.
_WITH_CONSOLES = frozenset({"workspace", "look", "exercise-wall", "trial"})
_TITLES = {
    403: "You may not do that",
    404: "There is nothing here",
    409: "That is not possible now",
    410: "That is over",
    413: "Too much was sent",
    429: "Too many at once",
    503: "The range is busy",
}


class TooLarge(RangeError):
    """More was sent to a page than it takes; nothing of it was kept."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"That was more than this page takes, which is {limit_bytes >> 20} MiB in all. Nothing "
            "of it was kept.",
            reason="body-too-large",
            status=413,
        )


class ConsoleOriginMiddleware(MiddlewareMixin):
    """Adds what a few pages may reach: consoles, and from the workspace web views as well."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Widen the policy of those pages."""
        match = request.resolver_match
        if match is not None and match.url_name in _WITH_CONSOLES:
            # Where Django's middleware looks for a policy other than the settings' own.
            wider = _wider_policy(request, views=match.url_name == "workspace")
            response._csp_config = wider  # type: ignore[attr-defined]
        return response


def _wider_policy(request: HttpRequest, *, views: bool) -> dict[str, object]:
    usual = settings.SECURE_CSP
    connect = [*cast(list[str], usual["connect-src"]), console_origin(request)]
    if not views or not offered_to(f"{request.scheme}://{request.get_host()}"):
        return {**usual, "connect-src": connect}
    origins = every_origin()
    return {
        **usual,
        "connect-src": [*connect, origins],
        "frame-src": [origins],
        # A form opens a view in a tab of its own; what it is led to counts as well.
        "form-action": [*cast(list[str], usual["form-action"]), origins],
    }


class ChoosePasswordMiddleware(MiddlewareMixin):
    """Leads whoever signed in with a one-time password to choose their own, and nowhere else."""

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        """Return the way to the form; None for everybody else and for the form itself."""
        match = request.resolver_match
        free = match is not None and match.url_name in ("choose-password", "sign-out")
        # What asks nobody who they are, such as a health answer, must not need the database.
        if free or not getattr(view, "login_required", True):
            return None
        if not getattr(request.user, "must_choose_password", False):
            return None
        return redirect_to_login(request.get_full_path(), reverse("choose-password"))


class RangeErrorMiddleware(MiddlewareMixin):
    """Answers a `RangeError` with its own status and words; everything else stays a bug."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Refuse what was too large to be kept, before anything looks at what is left of it."""
        limit_bytes = getattr(request, "scope", {}).get(TOO_LARGE)
        return self.process_exception(request, TooLarge(limit_bytes)) if limit_bytes else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to an anticipated error; None for any other."""
        if not isinstance(exception, RangeError):
            return None
        log.info("request.refused", reason=exception.reason, status=exception.status)
        if request.headers.get("HX-Request") == "true":
            return _notice(request, exception)
        context = {
            "status": exception.status,
            "title": _TITLES.get(exception.status, ""),
            "message": exception.message,
            "retryable": exception.retryable,
        }
        return render(request, "fault.html", context, status=exception.status)


def _notice(request: HttpRequest, error: RangeError) -> HttpResponse:
    context = {"kind": "error", "text": error.message}
    answer = render(request, "workspace/_toast.html", context, status=error.status)
    answer.headers["HX-Retarget"] = "#toasts"
    answer.headers["HX-Reswap"] = "beforeend"
    return answer
