"""What of a request reaches the machine, and what of its answer reaches the browser; pure."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

type Headers = list[tuple[bytes, bytes]]

# The machine's page shall not learn of, read or set it.
TICKET_COOKIE = b"muster-view"
# Belong to one connection. Source: RFC 9110, section 7.6.1, and what older programs send.
_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
# What proxies in front of us tell of the person, and what would have the machine wait for a
# permission that is given here.
_NOT_FOR_MACHINE = frozenset(b"host expect cookie origin referer forwarded via x-real-ip".split())
# What would reach beyond the page, or is ours to say: other origins of the same site, the frame
# around it, workers that outlive it, reports that leave.
_NOT_FOR_BROWSER = frozenset(
    b"x-frame-options strict-transport-security clear-site-data service-worker-allowed alt-svc "
    b"nel report-to reporting-endpoints public-key-pins referrer-policy permissions-policy "
    b"cross-origin-resource-policy content-security-policy-report-only content-location".split()
)
_REPLACED_DIRECTIVES = frozenset({"frame-ancestors", "report-uri", "report-to"})
_SITE_ATTRIBUTES = frozenset({b"samesite", b"secure", b"partitioned"})
_PERMISSIONS = (
    b"camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=(), hid=(), "
    b"bluetooth=(), midi=(), payment=(), publickey-credentials-get=()"
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return every value of a header."""
    return [value for each, value in headers if each == name]


def tickets_in(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return the tickets that a browser sent, at most a handful."""
    found = [
        value.decode("ascii", "replace")
        for name, value in _cookies(headers)
        if name == TICKET_COOKIE
    ]
    return found[:4]


def wants_websocket(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request asks to become a WebSocket."""
    return [value.lower() for value in values(headers, b"upgrade")] == [b"websocket"]


def to_machine(
    headers: Iterable[tuple[bytes, bytes]], *, authority: str, own_origin: str
) -> Headers:
    """Return the headers a machine gets: as if it had been asked by its own name.

    Args:
        authority: What the machine is called, port included unless it is 80.
        own_origin: The view's, which the machine knows nothing of.
    """
    given = list(headers)
    dropped = _HOP | _NOT_FOR_MACHINE | _named_by_connection(given)
    sent: Headers = [(b"host", authority.encode())]
    for name, value in given:
        if name in (b"origin", b"referer"):
            ours = own_origin.encode()
            if value == ours or value.startswith(ours + b"/"):
                sent.append((name, b"http://" + authority.encode() + value[len(ours) :]))
        elif name not in dropped and not name.startswith(b"x-forwarded-"):
            sent.append((name, value))
    cookies = [name + b"=" + value for name, value in _cookies(given) if name != TICKET_COOKIE]
    if cookies:
        sent.append((b"cookie", b"; ".join(cookies)))
    return _framed(sent, given) + _connection(upgraded=wants_websocket(given))


def to_browser(
    headers: Iterable[tuple[bytes, bytes]],
    *,
    names: frozenset[str],
    own_origin: str,
    page_origins: Iterable[str],
    embedded: bool,
) -> Headers:
    """Return the headers a browser gets of a machine's answer.

    Args:
        names: What the machine calls itself, port included.
        page_origins: Whose pages may show it in a frame.
        embedded: Whether it is in a frame of another site, where browsers keep only cookies that
            say they expect it.
    """
    given = list(headers)
    dropped = _HOP | _NOT_FOR_BROWSER | _named_by_connection(given)
    sent: Headers = []
    for name, value in given:
        if name == b"content-security-policy":
            value = _without_directives(value)
        elif name == b"location":
            value = _located(value, names, own_origin)
        elif name == b"set-cookie":
            value = _kept_cookie(value, embedded=embedded)
        emptied = not value and name in (b"set-cookie", b"content-security-policy")
        if name not in dropped and not emptied:
            sent.append((name, value))
    return _framed(sent, given) + guards(page_origins)


def guards(page_origins: Iterable[str]) -> Headers:
    """Return what every answer of a view says: who may frame it, and what it may not do."""
    ancestors = " ".join(page_origins) or "'none'"
    return [
        (b"content-security-policy", f"frame-ancestors {ancestors}".encode()),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", _PERMISSIONS),
    ]


def ticket_cookie(ticket: str, *, embedded: bool, secure: bool) -> bytes:
    """Return the cookie that holds a ticket; it is for this one host and no script."""
    site = "; SameSite=None; Secure; Partitioned" if embedded else "; SameSite=Lax"
    encrypted = "; Secure" if secure and not embedded else ""
    return f"{TICKET_COOKIE.decode()}={ticket}; Path=/; HttpOnly{site}{encrypted}".encode()


def switched(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what a machine's agreement to a WebSocket says to the browser."""
    kept = [(n, v) for n, v in headers if n.startswith(b"sec-websocket-")]
    return [*kept, *_connection(upgraded=True)]


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    listed = b",".join(values(headers, b"connection")).lower()
    return frozenset(_TOKEN.findall(listed))


def _framed(sent: Headers, given: Headers) -> Headers:
    """Return headers with one way only to tell where the body ends."""
    if not values(given, b"transfer-encoding"):
        return sent
    plain = [(name, value) for name, value in sent if name != b"content-length"]
    return [*plain, (b"transfer-encoding", b"chunked")]


def _connection(*, upgraded: bool) -> Headers:
    if upgraded:
        return [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
    return [(b"connection", b"close")]


def _cookies(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for line in values(headers, b"cookie"):
        for part in line.split(b";"):
            name, separator, value = part.strip().partition(b"=")
            if separator:
                yield name, value


def _without_directives(policy: bytes) -> bytes:
    parts = [part.strip() for part in policy.decode("latin-1").split(";")]
    kept = [p for p in parts if p and p.split()[0].lower() not in _REPLACED_DIRECTIVES]
    return "; ".join(kept).encode("latin-1")


def _located(value: bytes, names: frozenset[str], own_origin: str) -> bytes:
    try:
        parts = urlsplit(value.decode("latin-1"))
        port = parts.port
    except ValueError:
        return value
    named = f"{(parts.hostname or '').lower()}:{port or 80}"
    if parts.scheme not in ("", "http") or named not in names:
        return value
    rest = parts._replace(scheme="", netloc="").geturl()
    # Written out in full: a path that begins with two slashes would name another host.
    return own_origin.encode() + ("/" + rest.lstrip("/")).encode("latin-1")


def _kept_cookie(value: bytes, *, embedded: bool) -> bytes:
    """Return a machine's cookie for its own host alone, empty where it would be ours."""
    parts = [part.strip() for part in value.split(b";")]
    if parts[0].partition(b"=")[0].strip() == TICKET_COOKIE:
        return b""
    dropped = _SITE_ATTRIBUTES if embedded else frozenset()
    kept = [
        part
        for part in parts[1:]
        if part.partition(b"=")[0].strip().lower() not in dropped | {b"domain"}
    ]
    frame = [b"SameSite=None", b"Secure", b"Partitioned"] if embedded else []
    return b"; ".join([parts[0], *kept, *frame])
