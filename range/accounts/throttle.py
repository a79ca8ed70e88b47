"""Slows down guessing of passwords without telling which names exist."""

from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from range.accounts.models import SignInFailure
from range.lib.errors import RangeError

WINDOW = timedelta(minutes=10)
TRIES_PER_NAME = 8
TRIES_PER_ADDRESS = 40


class TooManyTries(RangeError):
    """Sign-in is refused for a while, whether or not the password is right."""

    def __init__(self) -> None:
        super().__init__(
            "Too many sign-in attempts. Wait ten minutes, then try again.",
            reason="throttled",
            status=429,
            retryable=True,
        )


def _digests(name: str, address: str) -> dict[str, int]:
    def digest(label: str, value: str) -> str:
        return salted_hmac(f"sign-in-{label}", value, algorithm="sha256").hexdigest()

    return {
        digest("name", name.strip().casefold()): TRIES_PER_NAME,
        digest("address", address): TRIES_PER_ADDRESS,
    }


def refuse_if_throttled(*, name: str, address: str) -> None:
    """Refuse when a name or an address failed too often in the window.

    Args:
        address: The peer's IP address.

    Raises:
        TooManyTries: Wait until the window has passed.
    """
    since = timezone.now() - WINDOW
    for digest, limit in _digests(name, address).items():
        if SignInFailure.objects.filter(digest=digest, at__gt=since).count() >= limit:
            raise TooManyTries


def note_failure(*, name: str, address: str) -> None:
    """Count a refused sign-in against its name and its address, and forget old ones."""
    SignInFailure.objects.filter(at__lte=timezone.now() - WINDOW).delete()
    SignInFailure.objects.bulk_create(
        SignInFailure(digest=digest) for digest in _digests(name, address)
    )


def forget(*, name: str) -> None:
    """Forget a name's failures after a sign-in that succeeded."""
    digest = next(iter(_digests(name, "")))
    SignInFailure.objects.filter(digest=digest).delete()
