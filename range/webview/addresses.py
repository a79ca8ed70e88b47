"""Where web views are: an origin for each machine of each sandbox, apart from the site's own."""

import base64
import re
import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.crypto import salted_hmac

from range.console.origins import parse

# Paths that the view role answers by itself; a machine's page cannot use them.
ENTER = "/.muster/enter"
WHERE = "/.muster/where"
STYLES = "/.muster/view.css"

_LABEL_BYTES = 20
_LABEL = re.compile(r"[a-z2-7]{32}")


def label_of(sandbox_id: uuid.UUID, person_id: uuid.UUID, machine: str) -> str:
    """Return the first part of a view's host name: 160 bits that only this range can derive.

    The same sandbox has the same one, so that what a page keeps in the browser outlives a reload.
    """
    text = f"{sandbox_id} {person_id} {machine}"
    digest = salted_hmac("range.webview.label", text, algorithm="sha256").digest()
    return base64.b32encode(digest[:_LABEL_BYTES]).decode().lower()


def origin_of(label: str) -> str:
    """Return the origin at which browsers reach a view."""
    return f"{scheme()}://{label}.{_authority()}"


def every_origin() -> str:
    """Return what a content security policy calls all views."""
    return f"{scheme()}://*.{_authority()}"


def label_in(host: str) -> str | None:
    """Return the label of a Host header that names a view exactly, None for any other."""
    label, _, rest = host.lower().partition(".")
    named = bool(settings.RANGE_VIEW_HOST) and rest == _authority()
    return label if named and _LABEL.fullmatch(label) else None


def page_origins() -> tuple[str, ...]:
    """Return the origins whose pages may show views, as the settings say."""
    if _is_local():
        port = settings.RANGE_WEB_PORT
        return (f"http://localhost:{port}", f"http://127.0.0.1:{port}")
    return tuple(each for each in settings.RANGE_WEB_ORIGINS if parse(each))


def offered_to(page_origin: str) -> bool:
    """Tell whether a page may show views: they are on, and reachable from where it is read.

    Names below localhost lead every browser to its own machine, so they serve only pages that
    were asked for on this one.
    """
    return bool(settings.RANGE_VIEW_HOST) and page_origin in page_origins()


def scheme() -> str:
    """Return the scheme of views."""
    return "https" if settings.HTTPS and not _is_local() else "http"


def _authority() -> str:
    host = str(settings.RANGE_VIEW_HOST).lower()
    return f"{host}:{settings.RANGE_VIEW_PORT}" if _is_local() else host


def _is_local() -> bool:
    name = urlsplit(f"//{settings.RANGE_VIEW_HOST}").hostname or ""
    return name == "localhost" or name.endswith(".localhost")
