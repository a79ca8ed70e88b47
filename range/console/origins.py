"""Which pages may open a console: exactly our own, whatever cookies a browser would send."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

# Only what browsers send: no user, path, query, upper case or trailing dot.
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of a page."""

    scheme: str
    host: str
    port: int


def parse(text: str) -> Origin | None:
    """Return an origin, or None for `null`, nothing, or anything that is not one."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, host, port = match.groups()
    return Origin(scheme, host, int(port) if port else _DEFAULT_PORTS[scheme])


def is_own(
    given: Collection[str], *, host: str, web_port: int, secure: bool, configured: Iterable[str]
) -> bool:
    """Tell whether a WebSocket comes from one of our pages.

    Args:
        given: Every Origin header of the handshake; a browser sends exactly one.
        host: Host name the handshake was sent to, already checked against the allowed hosts.
        web_port: Where the pages are; cookies ignore ports, so the port is compared here.
        secure: Whether pages are served over https.
        configured: Full origins that take the place of this rule when there are any.
    """
    if len(given) != 1:
        return False
    origin = parse(next(iter(given)))
    if origin is None:
        return False
    allowed = {parse(text) for text in configured}
    if not allowed:
        allowed = {Origin("https" if secure else "http", host, web_port)}
    return origin in allowed
