"""The range's own Ed25519 keys: made once, kept private, replaced in turn, and named by digest."""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from range.lib.errors import RangeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = "keys"
KEYRING = "keyring.json"
_ID_LENGTH = 16


class KeyringBroken(RangeError):
    """The keys cannot be read; the message says which file, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="keyring", status=500)


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A key as everybody may see it.

    Args:
        id: The first half of the digest of the key, in hexadecimal.
        public: The 32 bytes in base64.
        made_at: ISO 8601; signatures dated before it do not hold.
        retired_at: ISO 8601; signatures dated after it do not hold. None while in use.
    """

    id: str
    public: str
    made_at: str
    retired_at: str | None = None

    def raw(self) -> bytes:
        """Return the 32 bytes of the key."""
        return base64.b64decode(self.public)

    def verifies(self, signature: bytes, message: bytes, *, dated: str) -> bool:
        """Tell whether the key made a signature, and was in use at the time it names."""
        # Most roles neither sign nor verify, and need not load a library for it.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if not _within(dated, since=self.made_at, until=self.retired_at):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw()).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """All keys of one range; the newest signs, the older ones still prove what they signed."""

    folder: Path
    keys: tuple[PublicKey, ...]

    @property
    def active(self) -> PublicKey:
        """Return the key that signs."""
        return self.keys[-1]

    def listed(self) -> dict[str, list[dict[str, str | None]]]:
        """Return the public halves as JSON values, for everybody to verify with."""
        return {"keys": [asdict(key) for key in self.keys]}

    def sign(self, message: bytes) -> bytes:
        """Sign with the active key.

        Raises:
            KeyringBroken: Its private half is missing or unreadable.
        """
        return self.private_key().sign(message)

    def private_key(self) -> "Ed25519PrivateKey":
        """Return the private half of the active key.

        Raises:
            KeyringBroken: It is missing or unreadable.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        path = _private(self.folder, self.active.id)
        try:
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text()))
        except (OSError, ValueError) as error:
            raise KeyringBroken(
                f"The private key {path} cannot be read ({error}). Restore it from a backup, or "
                "make another one with 'manage.py evidence_keys --rotate'."
            ) from error

    def verifies(self, key_id: str, signature: bytes, message: bytes, *, dated: str) -> bool:
        """Tell whether one of these keys made a signature while it was in use."""
        return any(
            key.id == key_id and key.verifies(signature, message, dated=dated) for key in self.keys
        )


def keyring(state: Path) -> Keyring:
    """Return the keys in a state folder; the first call makes the first key.

    Raises:
        KeyringBroken: The list of keys cannot be read.
    """
    folder = state / FOLDER
    try:
        return Keyring(folder=folder, keys=_listed(folder))
    except FileNotFoundError:
        with _alone(folder):
            keys = _listed(folder) if (folder / KEYRING).is_file() else (_make(folder),)
            ring = Keyring(folder=folder, keys=keys)
            _write(folder / KEYRING, _text(ring), mode=0o644)
        return ring


def rotate(state: Path) -> Keyring:
    """Make a new key, retire the one in use and destroy its private half.

    What the old key signed until now still verifies; it cannot sign any more.
    """
    old = keyring(state)
    with _alone(old.folder):
        made = _make(old.folder)
        retired = replace(old.active, retired_at=made.made_at)
        ring = Keyring(folder=old.folder, keys=(*old.keys[:-1], retired, made))
        _write(old.folder / KEYRING, _text(ring), mode=0o644)
        _private(old.folder, retired.id).unlink(missing_ok=True)
    return ring


def key_id(public: bytes) -> str:
    """Return the name of a public key."""
    return hashlib.sha256(public).hexdigest()[:_ID_LENGTH]


def _make(folder: Path) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    name = key_id(public)
    # The private half lies there before anything names it, so that a crash leaves no name alone.
    text = base64.b64encode(private.private_bytes_raw()).decode()
    _write(_private(folder, name), text, mode=0o600)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return PublicKey(id=name, public=base64.b64encode(public).decode(), made_at=now)


def _listed(folder: Path) -> tuple[PublicKey, ...]:
    text = (folder / KEYRING).read_text(encoding="utf-8")
    try:
        keys = tuple(PublicKey(**each) for each in json.loads(text)["keys"])
    except (ValueError, TypeError, KeyError) as error:
        raise KeyringBroken(
            f"{folder / KEYRING} is not a list of keys ({error}). Restore it from a backup."
        ) from error
    if not keys or any(key.id != key_id(key.raw()) for key in keys):
        raise KeyringBroken(
            f"{folder / KEYRING} names a key that it does not hold. Restore it from a backup."
        )
    return keys


def _text(ring: Keyring) -> str:
    return json.dumps(ring.listed(), indent=2) + "\n"


def _private(folder: Path, name: str) -> Path:
    return folder / f"{name}.key"


def _write(path: Path, text: str, *, mode: int) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # The umask may have taken bits, and must never have added any.
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making keys at the same time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _within(moment: str, *, since: str, until: str | None) -> bool:
    try:
        at = datetime.fromisoformat(moment)
        begun = datetime.fromisoformat(since)
        ended = datetime.fromisoformat(until) if until else None
        return begun <= at and (ended is None or at <= ended)
    except (TypeError, ValueError):
        return False
