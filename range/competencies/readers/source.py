"""Fetches the bytes an operator names: a file of this machine or a public https address."""

import contextlib
import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.request import getproxies

import httpx

from range.competencies.readers.content import UnreadableFramework

LIMIT_BYTES = 32 * 1024 * 1024
TIMEOUT_SECONDS = 60.0

# Returns the addresses of a host's name.
type Resolve = Callable[[str], list[str]]


def resolve(host: str) -> list[str]:
    """Return the addresses that a name stands for.

    Raises:
        OSError: The name is unknown, or nobody can be asked.
    """
    return [str(each[4][0]) for each in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]


def load(source: str, *, client: httpx.Client | None = None, resolving: Resolve = resolve) -> bytes:
    """Return the bytes of a file or of an https address, at most 32 MiB.

    An address inside a private network is refused, and so is one that leads on: whoever can
    name an address to an operator must not thereby read what only this machine reaches.

    Raises:
        UnreadableFramework: It cannot be had, is too large, or the address is not public https.
    """
    if "://" not in source:
        return _from_file(Path(source))
    url = _https(source)
    if client is not None:
        return _from_address(url, client, resolving)
    with httpx.Client(timeout=TIMEOUT_SECONDS) as own:
        return _from_address(url, own, resolving)


def _from_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UnreadableFramework(f"{path.name} cannot be read: it is no ordinary file.")
        if size > LIMIT_BYTES:
            raise UnreadableFramework(
                f"{path.name} is larger than {LIMIT_BYTES >> 20} MiB; no framework file is."
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise UnreadableFramework(f"{path.name} cannot be read: {words}.") from error


def _https(source: str) -> httpx.URL:
    try:
        url = httpx.URL(source)
    except httpx.InvalidURL as error:
        raise UnreadableFramework(f"{source} is no address: {error}.") from error
    if url.scheme != "https":
        raise UnreadableFramework("Only https addresses are fetched; or name a file.")
    if url.userinfo or not url.host:
        raise UnreadableFramework("Expected an https address with a host and without a password.")
    return url


def _from_address(url: httpx.URL, client: httpx.Client, resolving: Resolve) -> bytes:
    data = bytearray()
    try:
        with contextlib.closing(
            client.send(_request(url, client, resolving), stream=True)
        ) as reply:
            _refuse_other_than_the_file(reply)
            for piece in reply.iter_bytes():
                data += piece
                if len(data) > LIMIT_BYTES:
                    raise UnreadableFramework(f"The reply exceeds {LIMIT_BYTES >> 20} MiB.")
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        raise UnreadableFramework(
            f"{url} could not be fetched: {error}. Download the file and name it instead."
        ) from error
    return bytes(data)


def _request(url: httpx.URL, client: httpx.Client, resolving: Resolve) -> httpx.Request:
    """Return a request to the very address that was judged, so that no later answer counts."""
    if is_proxied():
        # The proxy resolves the name; what it may reach is its own operator's matter.
        _refuse_private(url, [url.host] if _is_literal(url.host) else [])
        return client.build_request("GET", url)
    addresses = [url.host] if _is_literal(url.host) else resolving(url.host)
    _refuse_private(url, addresses)
    return client.build_request(
        "GET",
        url.copy_with(host=addresses[0]),
        headers={"host": url.netloc.decode("ascii")},
        extensions={"sni_hostname": url.host},
    )


def is_proxied() -> bool:
    """Tell whether this machine's way out is a proxy."""
    return bool({"https", "all"} & getproxies().keys())


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_private(url: httpx.URL, addresses: list[str]) -> None:
    for each in addresses:
        address = ipaddress.ip_address(each.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not (mapped or address).is_global or address.is_multicast:
            raise UnreadableFramework(
                f"{url.host} stands for {each}, which is no public address: nothing was asked. "
                "Download the file and name it instead."
            )


def _refuse_other_than_the_file(reply: httpx.Response) -> None:
    if reply.is_redirect:
        raise UnreadableFramework(
            f"The address leads on to {reply.headers.get('location', 'another')[:200]}, which is "
            "not followed. Name that address if you trust it, or download the file."
        )
    reply.raise_for_status()
