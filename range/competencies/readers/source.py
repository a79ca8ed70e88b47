"""Fetches the bytes an operator names: a file of this machine or an https address."""

from pathlib import Path

import httpx

from range.competencies.readers.content import UnreadableFramework

LIMIT_BYTES = 32 * 1024 * 1024
TIMEOUT_SECONDS = 60.0


def load(source: str, *, client: httpx.Client | None = None) -> bytes:
    """Return the bytes of a file or of an https address, at most 32 MiB.

    Raises:
        UnreadableFramework: It cannot be had, is too large, or the address is not https.
    """
    if "://" not in source:
        return _from_file(Path(source))
    if not source.startswith("https://"):
        raise UnreadableFramework("Only https addresses are fetched; or name a file.")
    if client is not None:
        return _from_address(source, client)
    with httpx.Client(timeout=TIMEOUT_SECONDS) as own:
        return _from_address(source, own)


def _from_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise UnreadableFramework(f"{path.name} is larger than {LIMIT_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFramework(f"{path.name} cannot be read: {error.strerror}.") from error


def _from_address(address: str, client: httpx.Client) -> bytes:
    data = bytearray()
    try:
        with client.stream("GET", address) as reply:
            reply.raise_for_status()
            for piece in reply.iter_bytes():
                data += piece
                if len(data) > LIMIT_BYTES:
                    raise UnreadableFramework(f"The reply exceeds {LIMIT_BYTES >> 20} MiB.")
    except httpx.HTTPError as error:
        raise UnreadableFramework(
            f"{address} could not be fetched: {error}. Download the file and name it instead."
        ) from error
    return bytes(data)
