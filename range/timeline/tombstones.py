"""Signed tombstones: what stands where a payload was erased, and proves that it was, and why."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from range.lib.signing import Keyring, keyring
from range.timeline.canonical import digest

_PURPOSE = b"muster tombstone 1\n"


def keys() -> Keyring:
    """Return this range's own signing keys."""
    return keyring(settings.RANGE_STATE_DIR)


def carve(
    subject: Mapping[str, object], *, reason: str, actor: str
) -> tuple[dict[str, object], datetime]:
    """Return a signed statement that something is erased now, by whom and why; and the moment.

    Args:
        subject: Names the record and the digest of what was erased.
    """
    ring = keys()
    # After the keys: the first tombstone of a range makes its first key.
    at = timezone.now()
    said = {
        **subject,
        "erased_at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "reason": reason[:200],
        "actor": actor[:80],
        "key": ring.active.id,
    }
    signature = ring.sign(_PURPOSE + digest(said).encode())
    return {**said, "signature": base64.b64encode(signature).decode()}, at


def holds(stone: object, *, of: Mapping[str, object]) -> bool:
    """Tell whether a tombstone was signed by this range, and speaks of this record."""
    if not isinstance(stone, dict) or any(stone.get(name) != of[name] for name in of):
        return False
    said = {name: stone[name] for name in stone if name != "signature"}
    try:
        signature = base64.b64decode(str(stone.get("signature")), validate=True)
    except ValueError:
        return False
    message, dated = _PURPOSE + digest(said).encode(), str(said.get("erased_at"))
    return keys().verifies(str(said.get("key")), signature, message, dated=dated)
