"""Slows down guessing of passwords and links without telling which names exist."""

from datetime import timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from range.accounts.models import SignInFailure
from range.lib.errors import RangeError

WINDOW = timedelta(minutes=10)
TRIES_PER_NAME = 8
TRIES_PER_ADDRESS = 40
GUESSES_PER_ADDRESS = 40


class TooManyTries(RangeError):
    """Sign-in is refused for a while, whether or not the password is right."""

    def __init__(self) -> None:
        super().__init__(
            "Too many sign-in attempts. Wait ten minutes, then try again.",
            reason="throttled",
            status=429,
            retryable=True,
        )


class TooManyGuesses(RangeError):
    """Links are refused for a while, whether or not they are good."""

    def __init__(self) -> None:
        super().__init__(
            "Too many wrong links came from where you are. Wait ten minutes, then try again.",
            reason="throttled",
            status=429,
            retryable=True,
        )


def _digest(label: str, value: str) -> str:
    return salted_hmac(f"sign-in-{label}", value, algorithm="sha256").hexdigest()


def _digests(name: str, address: str) -> dict[str, int]:
    return {
        _digest("name", name.strip().casefold()): TRIES_PER_NAME,
        _digest("address", address): TRIES_PER_ADDRESS,
    }


def _is_reached(digest: str, limit: int) -> bool:
    since = timezone.now() - WINDOW
    return SignInFailure.objects.filter(digest=digest, at__gt=since).count() >= limit


def _note(*digests: str) -> None:
    SignInFailure.objects.filter(at__lte=timezone.now() - WINDOW).delete()
    SignInFailure.objects.bulk_create(SignInFailure(digest=digest) for digest in digests)


def refuse_if_throttled(*, name: str, address: str) -> None:
    """Refuse when a name or an address failed too often in the window.

    Args:
        address: The peer's IP address.

    Raises:
        TooManyTries: Wait until the window has passed.
    """
    for digest, limit in _digests(name, address).items():
        if _is_reached(digest, limit):
            raise TooManyTries


def note_failure(*, name: str, address: str) -> None:
    """Count a refused sign-in against its name and its address, and forget old ones."""
    _note(*_digests(name, address))


def refuse_guessing(*, address: str) -> None:
    """Refuse links from an address that has tried too many that are none.

    Raises:
        TooManyGuesses: Wait until the window has passed.
    """
    if _is_reached(_digest("guess", address), GUESSES_PER_ADDRESS):
        raise TooManyGuesses


def note_guess(*, address: str) -> None:
    """Count a link that is none, or a taken name tried at one, against its address."""
    _note(_digest("guess", address))


def forget(*, name: str) -> None:
    """Forget a name's failures after a sign-in that succeeded."""
    digest = next(iter(_digests(name, "")))
    SignInFailure.objects.filter(digest=digest).delete()
