"""Reads what an instructor uploads as hostile bytes: bounded, decoded, freed of what is hidden."""

import re
import unicodedata

from range.lib.errors import RangeError
from tutor.quoting import plain

LIMIT_BYTES = 1 << 20
# Source: Unicode Standard Annex 15, 13, the stream-safe text format.
MOST_MARKS = 30
ENDINGS = (".md", ".markdown", ".txt")
# Source: the first bytes of zip, gzip, PDF and the older office files, by their specifications.
_FORMATS = (
    (b"PK", "That is an archive or an office document."),
    (b"\x1f\x8b", "That is a packed archive."),
    (b"%PDF", "That is a PDF."),
    (b"\xd0\xcf\x11\xe0", "That is an office document."),
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PAGE = re.compile(r"\s*(?:<!doctype html|<html\b)", re.IGNORECASE)
_ORDER = re.compile(
    r"(?:ignore|disregard|forget)\b.{0,30}\b(?:instructions?|prompts?|rules)|you are now\b"
    r"|\bsystem prompt\b|<\s*+(?:\|\s*+)?(?:im_start|system)|\[/?INST\]",
    re.IGNORECASE,
)
# Source: range/checks/flag.py, the form of a flag; a real one has forty letters and more.
_FLAG = re.compile(r"FLAG\{[A-Z2-7]{40,}\}")


class UploadRefused(RangeError):
    """A text cannot become a source; the message says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="upload-refused", status=422)


def text_of(data: bytes, *, name: str) -> str:
    """Return an uploaded file's text, readable characters only.

    Args:
        name: As the browser gave it; only its ending counts.

    Raises:
        UploadRefused: It is empty, too large, no text, or of another kind.
    """
    if len(data) > LIMIT_BYTES:
        raise UploadRefused(f"The file holds more than {LIMIT_BYTES >> 20} MiB. Give it in parts.")
    for beginning, what in _FORMATS:
        if data.startswith(beginning):
            raise UploadRefused(f"{what} Give one Markdown or text file at a time.")
    if not name.casefold().endswith(ENDINGS):
        raise UploadRefused(f"Give a file that ends in {', '.join(ENDINGS)}.")
    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadRefused("The file is not UTF-8 text. Save it as UTF-8, then try again.") from (
            error
        )
    return checked(text)


def checked(text: str) -> str:
    """Return a text as it may be stored.

    Raises:
        UploadRefused: It is empty, too large, a web page, binary, or holds a flag.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
        raise UploadRefused(f"The text holds more than {LIMIT_BYTES >> 20} MiB. Give it in parts.")
    if "\0" in text:
        raise UploadRefused("That is not text: it holds zero bytes.")
    if _PAGE.match(text):
        raise UploadRefused("That is a web page. Copy its text, or save it as Markdown.")
    readable = plain(text)
    if _is_overmarked(readable):
        raise UploadRefused(f"One letter carries more than {MOST_MARKS} marks. Take them out.")
    readable = unicodedata.normalize("NFC", readable).strip()
    if not readable:
        raise UploadRefused("There is no text in it.")
    if _FLAG.search(readable):
        raise UploadRefused("It holds a flag of an attempt. Take it out, then try again.")
    return readable


def _is_overmarked(text: str) -> bool:
    """Tell whether more marks stand on one letter than any writing needs.

    Sorting them takes a time that grows with their number squared.
    """
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MOST_MARKS:
            return True
    return False


def reads_like_an_order(text: str) -> bool:
    """Tell whether a text seems to give orders to a language model; people are told, no more."""
    return bool(_ORDER.search(text))
