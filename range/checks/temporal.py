"""When things happened in an attempt: before, within, during or never, by the range's own clock."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from range.checks.base import Happening, Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.patterns import PatternTooCostly, Regex, found
from range.checks.spec import CheckSpec, Key, MachineName, Spec

# What the range itself finds happening, and, last, what a trainee alone brings about.
EventKind = Literal[
    "attempt.begun",
    "sandbox.running",
    "sandbox.reset",
    "sandbox.machine_reset",
    "sandbox.machine_died",
    "sandbox.out_of_memory",
    "sandbox.disk_full",
    "evidence.recorded",
    "submission.accepted",
    "submission.refused",
    "integrity.foreign_flag",
    "hint.asked",
    "hint.unlocked",
    "console.opened",
    "console.command",
    "view.opened",
]
BY_TRAINEES = frozenset({"console.command", "console.opened", "view.opened"})


class EventMatch(Spec):
    """Which events are meant; what is left out may be anything."""

    event: EventKind
    """Kind of event, as the attempt's time line names it."""
    objective: Key | None = None
    """Objective it belongs to, for evidence, submissions and hints."""
    check: Key | None = None
    """Check it belongs to, for evidence and submissions."""
    outcome: Literal["met", "unmet", "any"] = "met"
    """What a check came to, for evidence."""
    machine: MachineName | None = None
    """Machine it belongs to."""
    text: Regex | None = None
    """Pattern in what was typed, for console.command."""

    def fits(self, happening: Happening) -> bool:
        """Tell whether an event is one of those that are meant."""
        facts = happening.facts
        if happening.kind != self.event:
            return False
        for name in ("objective", "check", "machine"):
            wanted = getattr(self, name)
            if wanted is not None and facts.get(name) != wanted:
                return False
        if self.event == "evidence.recorded" and self.outcome not in (
            "any",
            facts.get("outcome", "").lower(),
        ):
            return False
        try:
            return self.text is None or found(self.text, facts.get("text", ""))
        except PatternTooCostly:
            return False


class Within(Spec):
    """A stretch of time after an event."""

    seconds: Annotated[int, Field(ge=1, le=86_400)]
    """How long; the clock runs on while machines are paused."""
    after: EventMatch
    """From the first of these events on; later ones do not wind the clock back."""


class Span(Spec):
    """From an event to the next one of another kind, as often as that comes about."""

    after: EventMatch
    """Begins a span."""
    until: EventMatch | None = None
    """Ends it; the span goes on to the end of the attempt when left out."""


class TemporalCheck(CheckSpec):
    """Met when an event of the attempt happened at the right time, or never.

    Trap: a machine's clock, and times written into files. Only the events that the range itself
    recorded count, in its order and by its clock; what a trainee alone brings about, such as a
    typed command, can never decide.
    """

    kind: Literal["temporal"]
    event: EventMatch
    """The event it is about."""
    before: EventMatch | None = None
    """Met when the first such event came before the first of these, or these never came."""
    within: Within | None = None
    """Met when such an event came in a stretch of time."""
    during: Span | None = None
    """Met when such an event came in a span."""
    never: bool = False
    """Met as long as no such event came; with during, in none of its spans."""

    @model_validator(mode="after")
    def _one_question(self) -> "TemporalCheck":
        asked = [self.before, self.within, None if self.never else self.during]
        if sum(each is not None for each in asked) + self.never != 1:
            raise ValueError("give exactly one of before, within, during, never")
        return self

    @model_validator(mode="after")
    def _decides_by_what_the_range_saw(self) -> "TemporalCheck":
        named = BY_TRAINEES.intersection(each.event for each in self.matches())
        if self.role == "required" and named:
            raise ValueError(
                f"{min(named)} is what a trainee alone brings about; give role: supporting"
            )
        return self

    def matches(self) -> Iterator[EventMatch]:
        """Yield every description of events in the check."""
        yield self.event
        if self.before is not None:
            yield self.before
        if self.within is not None:
            yield self.within.after
        if self.during is not None:
            yield self.during.after
            if self.during.until is not None:
                yield self.during.until

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        events = sorted(probe.events(), key=lambda each: each.number)
        hits = [each for each in events if self.event.fits(each)]
        if self.never:
            hits = [each for each in hits if self.during is None or self._inside(each, events)]
            return unmet("event-happened", excerpt=_shown(hits)) if hits else met("event-absent")
        if not hits:
            return unmet("event-missing")
        timely = [each for each in hits if self._is_timely(each, events)]
        if not timely:
            return unmet("event-at-another-time", excerpt=_shown(hits))
        return met("event-in-time", excerpt=_shown(timely))

    def _is_timely(self, hit: Happening, events: Sequence[Happening]) -> bool:
        if self.before is not None:
            first = next((each for each in events if self.before.fits(each)), None)
            return first is None or hit.number < first.number
        if self.within is not None:
            start = next((each for each in events if self.within.after.fits(each)), None)
            if start is None or hit.number < start.number:
                return False
            return (hit.at - start.at).total_seconds() <= self.within.seconds
        return self._inside(hit, events)

    def _inside(self, hit: Happening, events: Sequence[Happening]) -> bool:
        inside = False
        for each in events:
            if each.number == hit.number:
                return inside
            if self.during is not None and self.during.after.fits(each):
                inside = True
            elif self.during is not None and self.during.until is not None:
                inside = inside and not self.during.until.fits(each)
        return inside


def _shown(hits: Sequence[Happening]) -> str:
    return "\n".join(f"{each.number} {each.at:%H:%M:%S} {each.kind}" for each in hits[:20])
