"""Fetches letters of referral from the practices that the clinic works with."""

from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import urlopen

LONGEST = 64 * 1024
SECONDS = 4


@dataclass(frozen=True)
class Letter:
    title: str
    text: str


class NoLetter(Exception):
    """There is no letter at the address; the status tells whose fault it is."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


def fetch(address):
    """Return the letter that lies at an address."""
    if not address.startswith(("http://", "https://")):
        raise NoLetter("The address of a letter begins with http:// or https://.", 400)
    try:
        with urlopen(address, timeout=SECONDS) as answer:
            text = answer.read(LONGEST).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        raise NoLetter(f"The letter could not be fetched: {error}", 502) from error
    lines = text.strip().splitlines()
    if not lines:
        raise NoLetter("The letter is empty.", 502)
    return Letter(title=lines[0][:120], text=text)
