"""Where the reader, which may know no database, asks for the names of allowed images."""

from collections.abc import Callable, Mapping

type Catalogue = Callable[[], Mapping[str, str] | None]
_catalogue: list[Catalogue] = []


def use_catalogue(provider: Catalogue) -> None:
    """Say where the names of allowed images are found; the composition root calls this once.

    Args:
        provider: Returns the digest by name, or None where nobody can tell.
    """
    _catalogue[:] = [provider]


def offered_images() -> Mapping[str, str] | None:
    """Return the digest of each image that authors may name; None where nobody can tell."""
    return _catalogue[0]() if _catalogue else None
