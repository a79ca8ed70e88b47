"""What the view role says in a machine's place: short pages of words, and small files."""

from pathlib import Path

import h11
from django.conf import settings
from django.template.loader import render_to_string

from range.lib.errors import RangeError
from range.webview import headers
from range.webview.addresses import STYLES, page_origins
from range.webview.wire import Wire

RETRY_SECONDS = 3
_TITLES = {
    400: "That cannot be asked",
    403: "Not from here",
    404: "Nothing is here",
    410: "The machines have ended",
    413: "That is too much",
    431: "That is too much",
    502: "No page yet",
    503: "One moment",
    504: "No answer",
}
_POLICY = b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"


async def say(browser: Wire, error: RangeError) -> None:
    """Answer with a page of words; one that may succeed later tries again by itself."""
    page = render_to_string(
        "webview/words.html",
        {"title": _TITLES.get(error.status, "Not now"), "error": error, "styles": STYLES},
    )
    extra: headers.Headers = [(b"content-security-policy", _POLICY)]
    if error.retryable:
        extra.append((b"refresh", str(RETRY_SECONDS).encode()))
    if error.status == 410:
        # What the ended machine's page kept in the browser goes with it.
        extra.append((b"clear-site-data", b'"storage"'))
    await answer(browser, error.status, b"text/html; charset=utf-8", page.encode(), extra)


async def give_styles(browser: Wire) -> None:
    """Answer with the style sheet of these pages."""
    path = Path(settings.BASE_DIR) / "static" / "css" / "view-words.css"
    await answer(browser, 200, b"text/css; charset=utf-8", path.read_bytes())


async def lead_on(browser: Wire, location: str, cookie: bytes) -> None:
    """Answer with a way on, and the ticket for it."""
    extra = [(b"location", location.encode()), (b"set-cookie", cookie)]
    await answer(browser, 303, b"text/plain", b"", extra)


async def answer(
    browser: Wire,
    status: int,
    content_type: bytes,
    body: bytes,
    extra: headers.Headers | None = None,
) -> None:
    """Write one whole answer of ours."""
    sent: headers.Headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *headers.guards(page_origins()),
        *(extra or []),
    ]
    await browser.send(h11.Response(status_code=status, headers=sent))
    if body:
        await browser.send(h11.Data(data=body))
    await browser.send(h11.EndOfMessage())
