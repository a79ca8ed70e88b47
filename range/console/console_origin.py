"""Where a page's terminals connect to: beside the page, or where the settings say."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def console_origin(request: HttpRequest) -> str:
    """Return scheme, host and port of the console role as a WebSocket address."""
    configured = settings.RANGE_CONSOLE_ORIGIN
    if configured:
        # An origin written for people begins with http; a socket's begins with ws.
        return str(configured).rstrip("/").replace("http", "ws", 1)
    scheme = "wss" if request.is_secure() else "ws"
    host = urlsplit(f"//{request.get_host()}").hostname or "localhost"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{settings.RANGE_CONSOLE_PORT}"
