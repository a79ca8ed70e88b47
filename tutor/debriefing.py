"""Writes the account of a finished attempt from evidence and events alone; no model needed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import QuerySet
from django.utils import timezone

from range.assessment.evidence import hint_rung
from range.assessment.models import Evidence
from range.assessment.status import ObjectiveStatus, status_of
from range.console.services import moment
from range.exercises.models import Attempt
from range.pipeline.evidence_lines import moment_url
from range.timeline.models import Event
from range.timeline.services import events_of
from range.workspace.presenters.attempt import url_or_nothing
from tutor.happenings import COMMAND, EVIDENCE, Command, Happening, commands_of, read
from tutor.models import Debrief, Hint
from tutor.quoting import one_line
from tutor.rungs import describe
from tutor.steering import limits_of

# A pause this long without progress is worth a sentence.
LONG_PAUSE = timedelta(minutes=8)
HINTS_LISTED = 60
_ERRORS = {
    "denied": "a permission was missing",
    "not-found": "something was not where you looked",
    "no-route": "an address could not be reached",
    "syntax": "the shell could not read the line",
    "usage": "a program did not take its arguments",
    "time-out": "nothing answered in time",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One sentence, with the moment in the recording where there is one."""

    text: str
    moment_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled part of the account."""

    title: str
    lines: Sequence[Line]


def write_debrief(attempt: Attempt) -> Debrief:
    """Write the account; a second call replaces it."""
    # What is decided while this is being written makes it old again.
    begun = timezone.now()
    happened = read(_of_the_work(attempt))
    objectives = status_of(attempt)
    sections = [
        Section(title="Objective by objective", lines=_objective_lines(attempt, objectives)),
        Section(title="How you worked", lines=_work_lines(attempt, happened)),
        Section(title="Hints you took", lines=_hint_lines(attempt, objectives)),
        Section(title="What to do with it", lines=_advice(attempt, objectives)),
    ]
    debrief, _ = Debrief.objects.update_or_create(
        attempt=attempt,
        defaults={
            "text": _opening(attempt, objectives, commands_of(happened)),
            "sections": [asdict(section) for section in sections if section.lines],
            "written_at": begun,
        },
    )
    return debrief


def _of_the_work(attempt: Attempt) -> QuerySet[Event]:
    """Return commands and evidence of the work itself.

    How long it then waits for somebody's decision is no pause of the trainee's.
    """
    events = events_of(attempt.pk, kinds=[COMMAND, EVIDENCE])
    work = events.exclude(kind=EVIDENCE, actor__startswith="instructor:")
    return work.filter(at__lte=attempt.finished_at) if attempt.finished_at else work


def _opening(
    attempt: Attempt, objectives: Sequence[ObjectiveStatus], commands: Sequence[Command]
) -> str:
    ended = attempt.finished_at or timezone.now()
    met = sum(each.is_met for each in objectives)
    machines = len({command.machine for command in commands})
    typed = _count(len(commands), "command")
    where = f" on {_count(machines, 'machine')}" if machines > 1 else ""
    return (
        f"You worked for {_minutes(ended - attempt.started_at)}, typed {typed}{where}, "
        f"and met {met} of {_count(len(objectives), 'objective')}."
    )


def _objective_lines(attempt: Attempt, objectives: Sequence[ObjectiveStatus]) -> list[Line]:
    return [_objective_line(attempt, each) for each in objectives]


def _objective_line(attempt: Attempt, objective: ObjectiveStatus) -> Line:
    met = (
        Evidence.objects.filter(attempt=attempt, objective__key=objective.key, outcome="MET")
        .order_by("observed_at")
        .last()
    )
    if objective.is_met and met:
        after = _minutes(met.observed_at - attempt.started_at)
        text = f"{objective.title}: met after {after}{_helped(attempt, objective.key)}."
        return Line(text=text, moment_url=moment_url(met))
    if objective.waits:
        helped = _helped(attempt, objective.key)
        return Line(text=f"{objective.title}: waits for an instructor{helped}.")
    reasons = [check.feedback for check in objective.checks if getattr(check, "feedback", "")]
    because = f" {reasons[0]}" if reasons else ""
    return Line(text=f"{objective.title}: not met{_helped(attempt, objective.key)}.{because}")


def _helped(attempt: Attempt, objective: str) -> str:
    rung = hint_rung(attempt, objective)
    return f", with help up to rung {rung} ({describe(rung).name})" if rung else ", without help"


def _work_lines(attempt: Attempt, happened: Sequence[Happening]) -> list[Line]:
    commands = commands_of(happened)
    lines = [
        *_pause_line(attempt, happened),
        *_error_line(attempt, commands),
        *_repeat_line(attempt, commands),
    ]
    return lines or [Line(text="Nothing was typed.")] if not commands else lines


def _pause_line(attempt: Attempt, happened: Sequence[Happening]) -> list[Line]:
    """Name the longest time without progress, and what ended it."""
    met = [e for e in happened if e.kind == EVIDENCE and e.payload.get("outcome") == "MET"]
    moments: list[datetime] = [attempt.started_at, *(each.at for each in met)]
    gaps = [(later - earlier, at) for at, (earlier, later) in enumerate(pairwise(moments))]
    if not gaps or max(gaps)[0] < LONG_PAUSE:
        return []
    longest, at = max(gaps)
    before = [c for c in commands_of(happened) if c.seq < met[at].seq]
    ended = f" Command {before[-1].number}, `{before[-1].text}`, came before it." if before else ""
    return [
        Line(
            text=f"The longest way to a next step took {_minutes(longest)}.{ended}",
            moment_url=_seen(attempt, before[-1]) if before else "",
        )
    ]


def _seen(attempt: Attempt, command: Command) -> str:
    """Return where the recording shows a command; empty where nothing was recorded."""
    return _moment_at(attempt, command.at, machine=command.machine)


def _moment_at(attempt: Attempt, at: datetime, *, machine: str = "") -> str:
    found, replay = moment(attempt, at, machine=machine), url_or_nothing("replay", attempt.pk)
    if found is None or not replay:
        return ""
    return f"{replay}?recording={found.recording.pk}&at={found.offset_ms}"


def _error_line(attempt: Attempt, commands: Sequence[Command]) -> list[Line]:
    counted = Counter(command.error for command in commands if command.error in _ERRORS)
    if not counted:
        return []
    error, count = counted.most_common(1)[0]
    times = "once" if count == 1 else f"{count} times"
    first = next(command for command in commands if command.error == error)
    return [
        Line(
            text=f"The most frequent obstacle, {times}: {_ERRORS[error]}.",
            moment_url=_seen(attempt, first),
        )
    ]


def _repeat_line(attempt: Attempt, commands: Sequence[Command]) -> list[Line]:
    counted = Counter(command.text for command in commands).most_common(1)
    if not counted or counted[0][1] < 4:
        return []
    text, count = counted[0]
    last = next(command for command in reversed(commands) if command.text == text)
    return [
        Line(
            text=f"You typed `{text}` {count} times. What did you hope would change?",
            moment_url=_seen(attempt, last),
        )
    ]


def _hint_lines(attempt: Attempt, objectives: Sequence[ObjectiveStatus]) -> list[Line]:
    """List every hint where the instructor has them counted."""
    if not limits_of(attempt.exercise).is_counted:
        return []
    titles = {each.key: each.title for each in objectives}
    hints = Hint.objects.filter(attempt=attempt).order_by("asked_at", "pk")[:HINTS_LISTED]
    return [
        Line(
            text=_hint_in_words(hint, titles.get(hint.objective, hint.objective)),
            moment_url=_moment_at(attempt, hint.asked_at),
        )
        for hint in hints
    ]


def _hint_in_words(hint: Hint, title: str) -> str:
    kind = (
        "what a word means" if hint.definition else f"rung {hint.rung} ({describe(hint.rung).name})"
    )
    asked = f": “{one_line(hint.question, limit=120)}”" if hint.question else ", without a question"
    return f"{title}, {kind}{asked}"


def _advice(attempt: Attempt, objectives: Sequence[ObjectiveStatus]) -> list[Line]:
    open_ones = [each.title for each in objectives if not each.is_met and not each.waits]
    if open_ones:
        return [Line(text=f"Still open: {'; '.join(open_ones)}. A new attempt has other values.")]
    if any(each.waits for each in objectives):
        return [Line(text="An instructor reads what you wrote; this account is then written anew.")]
    helped = [each.title for each in objectives if hint_rung(attempt, each.key)]
    if helped:
        return [
            Line(
                text=f"Met with help: {'; '.join(helped)}. Doing it once more without help is "
                "what moves the estimate most."
            )
        ]
    return [Line(text="Everything was met without help. Take a scenario one step harder.")]


def _minutes(duration: timedelta) -> str:
    minutes = round(duration.total_seconds() / 60)
    return _count(minutes, "minute") if minutes else "less than a minute"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
