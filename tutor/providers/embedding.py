"""The seam behind which texts become vectors."""

from collections.abc import Sequence
from typing import Protocol

from range.lib.errors import RangeError


class EmbeddingUnavailable(RangeError):
    """No vectors can be had now; retrieval goes on with words alone."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="embedding-unavailable", status=503, retryable=True)


class EmbeddingModel(Protocol):
    """What turns texts into unit vectors of one length."""

    name: str

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, in order.

        Raises:
            EmbeddingUnavailable: The model's files are missing or not the pinned ones.
        """
        ...
