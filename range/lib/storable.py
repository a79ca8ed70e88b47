"""Text as a database can hold it: what programs print may hold characters that it refuses."""

import re
from collections.abc import Mapping
from typing import Any

# Stands for what is no text.
NOT_TEXT = "\ufffd"
# A null character, and halves of a pair that stand alone.
REFUSED = re.compile("[\0\ud800-\udfff]")


def storable(text: str, *, instead: str = "") -> str:
    """Return text without the characters that a database refuses, or with others instead."""
    return REFUSED.sub(instead, text)


def storable_data(value: Any) -> Any:
    """Return data as JSON holds it, each text in it made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_data(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable_data(each) for each in value]
    return value
