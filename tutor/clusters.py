"""Gathers questions that mean much the same, so that one line stands for many."""

from collections.abc import Sequence
from typing import Any

# Cosine from which two questions on one objective count as one. Chosen by hand, not measured:
# no set of ours says yet which questions are alike.
NEAR = 0.62


def clusters(vectors: Sequence[Sequence[float]], *, near: float = NEAR) -> list[list[int]]:
    """Return groups of places whose vectors lie near one of them, which stands first.

    The fullest neighbourhood becomes a group and is taken out, and so on; largest first.

    Source: Butina 1999, clustering by neighbours without choosing a number of groups.
    """
    import numpy as np

    if not len(vectors):
        return []
    is_near = _nearness(np.asarray(vectors, dtype=np.float32)) >= near
    left = np.ones(len(is_near), dtype=bool)
    found: list[list[int]] = []
    while left.any():
        neighbours = (is_near & left).sum(axis=1) * left
        centre = int(neighbours.argmax())
        members = np.flatnonzero(is_near[centre] & left)
        left[members] = False
        found.append([centre, *(int(each) for each in members if each != centre)])
    return found


def _nearness(vectors: Any) -> Any:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-9)
    nearness = unit @ unit.T
    # Rounding must not keep a vector from being near itself.
    np.fill_diagonal(nearness, 1.0)
    return nearness
