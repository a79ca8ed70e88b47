"""How pages put times, durations and slugs into words."""

from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600))

_WORDS = {
    "utility": "Utility",
    "state-agency": "State agency",
    "soc": "Security operations",
    "clearinghouse": "Vulnerability clearinghouse",
    "ai-system": "AI system",
    "generic": "General",
}


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC where this machine knows none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def relative(distance: timedelta) -> str:
    """Say how far a moment lies from now, such as `3 minutes ago` or `in 2 hours`."""
    seconds = distance.total_seconds()
    size = abs(seconds)
    if size < 60:
        return "just now"
    unit, count = "minute", round(size / 60)
    for name, length in _UNITS:
        if size >= length:
            unit, count = name, round(size / length)
            break
    plural = "" if count == 1 else "s"
    return f"in {count} {unit}{plural}" if seconds > 0 else f"{count} {unit}{plural} ago"


def clock(left: timedelta) -> str:
    """Write what is left as `m:ss` or `h:mm:ss`; never below zero."""
    total = max(0, round(left.total_seconds()))
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def span(length: timedelta) -> str:
    """Write a duration with its unit, such as `40 s`, `12 min` or `1 h 5 min`."""
    total = max(0, round(length.total_seconds()))
    if total < 60:
        return f"{total} s"
    hours, minutes = divmod(round(total / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def initials(name: str) -> str:
    """Return the first letters of the first and last word of a name."""
    words = [part for part in name.replace("-", " ").split() if part[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [part[0] for part in words]
    return "".join(letters).upper() or "?"


def word(slug: str) -> str:
    """Write a slug as people say it: `state-agency` becomes `State agency`."""
    return _WORDS.get(slug) or slug.replace("-", " ").replace("_", " ").strip().capitalize()
