"""Checks each sentence before a trainee sees it: by value, by reference, by rung, by prompt."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tutor.encodings import (
    FLAG_SHAPE,
    FRAGMENT,
    SHORTEST_NORMALISED,
    decoded_runs,
    disguises,
    fragments,
    normalise,
)
from tutor.overlap import holds_any, runs, runs_of_all, words
from tutor.withheld import Withheld

# A value may be cut in two by a sentence's end: so much of what was shown is looked at again.
TAIL_CHARACTERS = 600
COMMAND_RUN = 3
PROSE_RUN = 6
PROMPT_RUN = 8
# A whole command line of two words is withheld only if it is at least this long.
SHORTEST_LINE = 12


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a sentence may be shown, and if not, a slug that says why."""

    ok: bool
    reason: str = ""


PASSED = Verdict(ok=True)


class Guard:
    """Looks at one answer, sentence by sentence, remembering what was already shown.

    Args:
        allowed: Texts whose words may be repeated: served passages, hints up to the rung, and
            what the trainee typed. What is in them is no leak.
        prompt: The static part of the prompt, which answers must not recite.
        avoid: Words and phrases that an instructor does not want to be said.
    """

    def __init__(
        self,
        withheld: Withheld,
        *,
        allowed: Iterable[str],
        prompt: str,
        avoid: Sequence[str] = (),
    ) -> None:
        allowed = list(allowed)
        self._forms = [form for value in withheld.secrets for form in disguises(value)]
        self._short = _short_values(withheld.secrets)
        self._fragments = frozenset[str]().union(*(fragments(each) for each in withheld.secrets))
        self._lines = _lines(withheld.reference, allowed)
        self._commands = runs_of_all(withheld.reference, length=COMMAND_RUN) - runs_of_all(
            allowed, length=COMMAND_RUN
        )
        self._above = runs_of_all(withheld.above, length=PROSE_RUN) - runs_of_all(
            allowed, length=PROSE_RUN
        )
        self._prompt = runs(prompt, length=PROMPT_RUN)
        self._avoid = avoid
        self._tail = ""

    def check(self, sentence: str) -> Verdict:
        """Judge the next sentence together with the end of what was shown before it."""
        text = f"{self._tail} {sentence}".strip()
        for reason, hit in (
            ("secret", self._holds_secret),
            ("flag-shape", self._holds_flag_shape),
            ("encoded", self._holds_encoded),
            ("reference", self._holds_reference),
            ("above-rung", self._holds_above),
            ("prompt", self._holds_prompt),
            ("avoided", self._holds_avoided),
        ):
            if hit(text):
                return Verdict(ok=False, reason=reason)
        self._tail = text[-TAIL_CHARACTERS:]
        return PASSED

    def _holds_secret(self, text: str) -> bool:
        reduced = normalise(text)
        if any(form in reduced for form in self._forms):
            return True
        if self._short and self._short.search(text):
            return True
        if not self._fragments:
            return False
        windows = (reduced[at : at + FRAGMENT] for at in range(len(reduced) - FRAGMENT + 1))
        return any(window in self._fragments for window in windows)

    def _holds_flag_shape(self, text: str) -> bool:
        return FLAG_SHAPE.search(text) is not None

    def _holds_encoded(self, text: str) -> bool:
        return any(
            self._holds_secret(decoded) or self._holds_flag_shape(decoded)
            for decoded in decoded_runs(text)
        )

    def _holds_reference(self, text: str) -> bool:
        if runs(text, length=COMMAND_RUN) & self._commands:
            return True
        spoken = f" {' '.join(words(text))} "
        return any(f" {line} " in spoken for line in self._lines)

    def _holds_above(self, text: str) -> bool:
        return bool(runs(text, length=PROSE_RUN) & self._above)

    def _holds_prompt(self, text: str) -> bool:
        return bool(runs(text, length=PROMPT_RUN) & self._prompt)

    def _holds_avoided(self, text: str) -> bool:
        return holds_any(text, self._avoid)


def _short_values(values: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds values too short for disguises, standing alone."""
    short = [value for value in values if value and len(normalise(value)) < SHORTEST_NORMALISED]
    alternatives = "|".join(re.escape(part) for value in short for part in (value, value[::-1]))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if short else None


def _lines(reference: Iterable[str], allowed: Iterable[str]) -> frozenset[str]:
    """Return whole reference lines too short for a run but long enough to tell something."""
    known = [f" {' '.join(words(text))} " for text in allowed]
    found = set[str]()
    for line in reference:
        spoken = " ".join(words(line))
        is_short = len(words(line)) < COMMAND_RUN and len(spoken) >= SHORTEST_LINE
        if is_short and not any(f" {spoken} " in text for text in known):
            found.add(spoken)
    return frozenset(found)
