"""Tells a report's own words from what programs had printed before the trainee put it there."""

from collections.abc import Collection, Sequence

from range.exercises.models import Attempt
from range.timeline.services import events_of
from tutor.happenings import COMMAND, commands_of, read

# Shorter lines, such as a number or a name, stand in anybody's words too.
SHORTEST_PRINTED = 12
FEWEST_OWN_WORDS = 3
# A command such as `ls` stands in many a word.
SHORTEST_CITED = 4


def printed_in(attempt: Attempt, *, report: str) -> frozenset[str]:
    """Return lines that programs showed the trainee, as far as the timeline keeps them.

    Args:
        report: Name of the report's file: what shows the report itself is no program's word.
    """
    commands = commands_of(read(events_of(attempt.pk, kinds=[COMMAND])))
    name = report.rpartition("/")[2]
    return frozenset(
        line
        for command in commands
        if name not in command.text
        for line in (_plain(each) for each in command.output)
        # What was typed and echoed is the trainee's own.
        if len(line) >= SHORTEST_PRINTED and line not in _plain(command.text)
    )


def holds_own_words(quotes: Sequence[str], printed: Collection[str]) -> bool:
    """Tell whether any of the quotes says something that no program had printed."""
    return any(
        _is_own(_plain(line), printed) for quote in quotes for line in quote.splitlines() or [quote]
    )


def cites(quotes: Sequence[str], attempt: Attempt, what: str, *, report: str) -> bool:
    """Tell whether the quotes name what a criterion wants cited from the attempt.

    Args:
        what: `command` for one that was typed, `event` for one or for what a program printed;
            anything else is satisfied by the report's own words.
    """
    if what not in {"command", "event"}:
        return True
    commands = commands_of(read(events_of(attempt.pk, kinds=[COMMAND])))
    known = {line for each in commands if len(line := _plain(each.text)) >= SHORTEST_CITED}
    if what == "event":
        known |= printed_in(attempt, report=report)
    said = [_plain(quote) for quote in quotes]
    return any(line in quote for line in known for quote in said)


def _is_own(line: str, printed: Collection[str]) -> bool:
    if any(line in each for each in printed):
        return False
    rest = line
    for each in printed:
        rest = rest.replace(each, " ")
    words = [word for word in rest.split() if any(letter.isalpha() for letter in word)]
    # A short line is one's own, a few words around somebody else's are not.
    return len(words) >= (1 if rest == line else FEWEST_OWN_WORDS)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
