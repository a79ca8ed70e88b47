"""Fetches letters of referral from the practices that the clinic works with."""

from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

LONGEST = 64 * 1024
SECONDS = 4
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Letter:
    title: str
    text: str


class NoLetter(Exception):
    """There is no letter at the address; the status tells whose fault it is."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


class NoRedirect(HTTPRedirectHandler):
    """Where a partner sends us on to was not compared with anything."""

    def redirect_request(self, *arguments):
        return None


_opener = build_opener(NoRedirect)


def fetch(address, partners):
    """Return the letter that lies at an address of a partner."""
    if _place(address) not in {_place(each) for each in partners}:
        raise NoLetter("Letters are accepted from our partners only.", 403)
    try:
        with _opener.open(address, timeout=SECONDS) as answer:
            text = answer.read(LONGEST).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        raise NoLetter("The letter could not be fetched.", 502) from error
    lines = text.strip().splitlines()
    if not lines:
        raise NoLetter("The letter is empty.", 502)
    return Letter(title=lines[0][:120], text=text)


def _place(address):
    """Return scheme, host and port of an address."""
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise NoLetter("That is no address of a letter.", 400) from error
    if parts.username is not None or parts.password is not None:
        raise NoLetter("An address of a letter holds no user name.", 400)
    return parts.scheme, (parts.hostname or "").rstrip("."), port
