"""What a name may consist of, wherever somebody types one."""

import unicodedata

from range.lib.errors import RangeError


class NameRefused(RangeError):
    """A name is missing, too long, or holds what cannot be shown."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, reason="name-refused", status=422)


def clean_name(text: str, *, what: str, longest: int) -> str:
    """Return a name normalised, without spaces around it or doubled within.

    Args:
        what: What it is the name of, to begin a sentence with.

    Raises:
        NameRefused: Empty, too long, or with characters that have no shape.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    # NUL and marks that turn the direction of reading are nobody's name.
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in name):
        raise NameRefused(f"{what} holds a character that cannot be shown. Type it anew.")
    if not name:
        raise NameRefused(f"{what} is missing.")
    if len(name) > longest:
        raise NameRefused(f"{what} has {len(name)} characters; {longest} are allowed.")
    return name
