"""Canonical bytes of JSON values, and their digest: equal values give equal bytes."""

import hashlib
import json


def canonical(value: object) -> bytes:
    """Serialise a JSON value so that equal values give equal bytes.

    Raises:
        ValueError: It holds an infinite number or none at all, which JSON has no word for.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON value's canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()
