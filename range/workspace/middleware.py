"""What every page shares: anticipated errors become pages, and the console's origin is allowed."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from range.lib.errors import RangeError
from range.lib.logs import get_logger

log = get_logger(__name__)
type GetResponse = Callable[[HttpRequest], HttpResponseBase]


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def error_response(request: HttpRequest, error: RangeError) -> HttpResponse:
    """Turn an anticipated error into a page, or into a notice for an htmx request."""
    log.info("page.refused", reason=error.reason, status=error.status)
    context = {"error": error}
    if not _is_htmx(request):
        return render(request, "error.html", context, status=error.status)
    response = render(request, "error.html#notice", context, status=error.status)
    response["HX-Retarget"] = "#notices"
    response["HX-Reswap"] = "beforeend"
    return response


class RangeErrorMiddleware:
    """Answers a `RangeError` with its own status, message and reason; other errors are bugs."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer anticipated errors; leave the rest to Django."""
        return error_response(request, error) if isinstance(error, RangeError) else None


def console_origin(request: HttpRequest) -> str:
    """Return the WebSocket origin of the console role as this browser must address it."""
    if settings.RANGE_CONSOLE_ORIGIN:
        return str(settings.RANGE_CONSOLE_ORIGIN)
    scheme = "wss" if request.is_secure() else "ws"
    host = urlsplit(f"//{request.get_host()}").hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{settings.RANGE_CONSOLE_PORT}"


class ConsoleOriginMiddleware:
    """Adds the console's own origin to this response's connect-src, and nothing wider."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not hasattr(response, "_csp_config"):
            sources = [*settings.SECURE_CSP["connect-src"], console_origin(request)]
            response._csp_config = settings.SECURE_CSP | {"connect-src": sources}  # type: ignore[attr-defined]
        return response
