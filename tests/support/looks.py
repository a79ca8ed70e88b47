"""Which themes and widths a page is looked at in: each once, and every pair with `--full`."""

import os
from collections.abc import Sequence

IS_FULL = "MUSTER_TEST_FULL" in os.environ


def looks(wide: int = 1280, narrow: int = 800) -> Sequence[tuple[str, int]]:
    """Return pairs of a theme and a width, in pixels."""
    pairs = [("light", wide), ("dark", narrow), ("dark", wide), ("light", narrow)]
    return pairs if IS_FULL else pairs[:2]
