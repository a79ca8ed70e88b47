"""Mints flags that carry their attempt, and examines submitted ones without a look-up.

A flag is `FLAG{base32(objective hash, epoch, attempt, 80-bit MAC)}`: 32 bytes, 52 characters.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

_BODY = struct.Struct(">4sH16s")
_MAC_BYTES = 10
_LENGTH = _BODY.size + _MAC_BYTES
# Characters of base32 without padding for that many bytes.
_CHARACTERS = -(-_LENGTH * 8 // 5)
FLAG_PATTERN = re.compile(r"FLAG\{([A-Z2-7]{%d})\}" % _CHARACTERS)  # noqa: UP031
_DOMAIN = b"muster/flag/v1\0"
MAX_EPOCH = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class FlagFinding:
    """What an examined text turned out to be.

    Args:
        valid: Whether this range minted it; everything below is empty otherwise.
        attempt_id: Attempt it was minted for, which may be another trainee's.
        objective: Key of the objective among those asked about; None when it is none of them.
        epoch: Which of the attempt's sandboxes it was placed into.
    """

    valid: bool
    attempt_id: UUID | None = None
    objective: str | None = None
    epoch: int = 0
    objective_hash: bytes = b""

    def proves(self, objective: str) -> bool:
        """Tell whether it is a flag for an objective, of whatever attempt."""
        return self.valid and hmac.compare_digest(self.objective_hash, _hash_of(objective))


def mint(secret: bytes, attempt_id: UUID, objective: str, epoch: int) -> str:
    """Return the flag of an attempt for an objective.

    Args:
        epoch: 1 for the first sandbox of the attempt, one more after each reset.

    Raises:
        ValueError: The epoch is out of range.
    """
    if not 0 <= epoch <= MAX_EPOCH:
        raise ValueError(f"an epoch lies between 0 and {MAX_EPOCH}, not {epoch}")
    body = _BODY.pack(_hash_of(objective), epoch, attempt_id.bytes)
    text = base64.b32encode(body + _mac(secret, body)).decode().rstrip("=")
    return f"FLAG{{{text}}}"


def examine(secret: bytes, text: str, *, objectives: Iterable[str] = ()) -> FlagFinding:
    """Tell what a submitted text is; never raises, whatever it holds.

    Blanks around it and the case of its letters do not matter.

    Args:
        objectives: Keys the flag's objective is looked for among.
    """
    match = FLAG_PATTERN.fullmatch(text.strip().upper()) if len(text) <= 200 else None
    data = _decoded(match.group(1)) if match else None
    if data is None:
        return FlagFinding(valid=False)
    body, mac = data[: _BODY.size], data[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(secret, body)):
        return FlagFinding(valid=False)
    hashed, epoch, attempt = _BODY.unpack(body)
    known = next((key for key in objectives if _hash_of(key) == hashed), None)
    return FlagFinding(
        valid=True,
        attempt_id=UUID(bytes=attempt),
        objective=known,
        epoch=epoch,
        objective_hash=hashed,
    )


def _decoded(text: str) -> bytes | None:
    padding = "=" * (-len(text) % 8)
    try:
        data = base64.b32decode(text + padding)
    except binascii.Error:
        return None
    # The last character holds spare bits; only the one way of writing them counts.
    written = base64.b32encode(data).decode().rstrip("=")
    return data if len(data) == _LENGTH and written == text else None


def _hash_of(objective: str) -> bytes:
    return hashlib.sha256(b"muster/objective/v1\0" + objective.encode()).digest()[:4]


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _DOMAIN + body, "sha256")[:_MAC_BYTES]
