"""Recordings made for tests of the replay: rows, and files as the recorder writes them."""

import itertools
import random
from datetime import timedelta

from range.console import cast
from range.console.cast import Cast, Event, Header
from range.console.models import Recording
from range.console.services import recordings_folder

HOUR_MS = 3_600_000
WORDS = ["open", "refuse", "mount", "中文", "naïve", "user", "-rw-r--r--", "/etc/passwd", "4096"]


def add(sitting, events, *, console="main", machine="web", starts_ms=0, ends_ms=None, size=None):
    """Give a trainee's sandbox one more recording."""
    cols, rows = size or (80, 24)
    made = Recording(sandbox=sitting.sandbox, machine=machine, console=console)
    made.opened_by = sitting.trainee
    made.path = f"{sitting.attempt.pk}/{made.pk}.cast"
    made.started_at = sitting.attempt.started_at + timedelta(milliseconds=starts_ms)
    lasts = ends_ms - starts_ms if ends_ms else events[-1].at_ms
    made.ended_at = made.started_at + timedelta(milliseconds=lasts)
    path = recordings_folder() / made.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(cast.written(Cast(Header(cols=cols, rows=rows), events))))
    made.size_bytes = path.stat().st_size
    made.save()
    return made


def printed(*lines, every_ms=1000):
    """Events that print one line after the other."""
    return [Event((at + 1) * every_ms, "o", f"{line}\r\n") for at, line in enumerate(lines)]


def long_work(*, characters, lasts_ms=HOUR_MS, seed=1):
    """An hour of shells, editors, pagers and progress bars, cut anywhere, as pipes cut."""
    chance = random.Random(seed)
    parts, made = [], 0
    while made < characters:
        part = chance.choice([_listing, _editor, _pager, _progress, _wrapped])(chance)
        parts.append(part)
        made += len(part)
    text = "".join(parts)
    cuts = sorted({0, *(chance.randrange(len(text)) for _ in range(len(text) // 300)), len(text)})
    events = [
        Event(lasts_ms * end // len(text), "o", text[start:end])
        for start, end in itertools.pairwise(cuts)
    ]
    for at in range(400, len(events), 4000):
        side = chance.choice(["100x30", "80x24", "132x43", "60x20"])
        events.insert(at, Event(events[at].at_ms, "r", side))
    return events


def _words(chance, count):
    return " ".join(chance.choice(WORDS) for _ in range(count))


def _listing(chance):
    lines = []
    for _ in range(chance.randrange(5, 60)):
        style = chance.choice(["0", "1;31", "38;5;208", "48;2;20;60;90", "4;3", "7", "32;44"])
        lines.append(f"\x1b[{style}m{_words(chance, 5)}\x1b[0m {_words(chance, 3)}\r\n")
    # A colour that stays on until somebody else says otherwise.
    return "".join(lines) + chance.choice(["", "\x1b[33m", "\x1b[1;45m"]) + "$ "


def _editor(chance):
    """A full screen with a region that scrolls, as editors draw; sometimes it is never left."""
    text = ["\x1b[?1049h\x1b[m\x1b[H\x1b[2J\x1b[?25l"]
    for _ in range(chance.randrange(5, 200)):
        row = chance.randrange(1, 20)
        text.append(f"\x1b[{row};{chance.randrange(1, 50)}H\x1b[36m{_words(chance, 2)}\x1b[K")
        if chance.random() < 0.3:
            text.append(f"\x1b[2;15r\x1b[15;1H\n\x1b[35m{_words(chance, 3)}")
        if chance.random() < 0.3:
            text.append("\x1b[r\x1b7\x1b[1;1H\x1b[7mstatus\x1b[m\x1b8")
    return "".join(text) + "\x1b[r\x1b[?25h\x1b[m\x1b[?1049l"


def _pager(chance):
    pages = ["\x1b[?1049h"]
    for _ in range(chance.randrange(2, 8)):
        lines = "\r\n".join(_words(chance, 8)[:70] for _ in range(18))
        pages.append(f"\x1b[H\x1b[2J{lines}\r\n\x1b[7m(END)\x1b[27m")
    return "".join(pages) + "\x1b[?1049l"


def _progress(chance):
    steps = chance.randrange(20, 100)
    bars = "".join(f"\r\x1b[32m{'#' * (step * 60 // steps)}\x1b[0m {step}" for step in range(steps))
    return f"{bars}\r\n"


def _wrapped(chance):
    return "x" * chance.randrange(70, 400) + "\r\n" + _words(chance, 60) + "\r\n"
