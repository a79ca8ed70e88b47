"""Folds the timeline into what the tutor knows of a trainee, in at most 350 tokens."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tutor import stuck
from tutor.happenings import (
    EVIDENCE,
    HINT_ASKED,
    HINT_UNLOCKED,
    REFUSED,
    Command,
    Happening,
    commands_of,
)
from tutor.policy import Ladder
from tutor.quoting import cut

TOKEN_LIMIT = 350
COMMANDS_SHOWN = 8
SHORTEST_EXPECTATION = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class ObjectiveState:
    """How one objective stands and why its checks fail."""

    key: str
    title: str
    met: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TraineeState:
    """Everything the tutor knows of an attempt at one moment."""

    objective: ObjectiveState
    others: tuple[ObjectiveState, ...]
    commands: tuple[Command, ...]
    errors: Mapping[str, int] = field(default_factory=dict)
    hints: int = 0
    rung: int = 0
    wrong_submissions: int = 0
    working: timedelta = timedelta(0)
    idle: timedelta = timedelta(0)
    stuck: float = 0.0

    @property
    def last_failed(self) -> Command | None:
        """Return the latest command if it ended with an error."""
        return self.commands[-1] if self.commands and self.commands[-1].failed else None

    @property
    def digest(self) -> str:
        """Return a digest of what the tutor saw, kept with the hint."""
        return hashlib.sha256(render(self).encode()).hexdigest()


def ladder_of(happenings: Sequence[Happening], objective: str, *, now: datetime) -> Ladder:
    """Fold where a trainee stands on one objective's ladder."""
    mine = [each for each in happenings if each.payload.get("objective") == objective]
    # Asking what a word means is no hint: it neither closes nor opens a rung.
    asked = [e for e in mine if e.kind == HINT_ASKED and not e.payload.get("definition")]
    rungs = [_rung(each) for each in mine if each.kind == HINT_UNLOCKED]
    begun = happenings[0].at if happenings else now
    since = asked[-1].seq if asked else 0
    return Ladder(
        unlocked=max([0, *rungs]),
        hints=len(asked),
        tries=sum(_is_try(each, objective) for each in happenings if each.seq > since),
        waited=max(timedelta(0), now - (asked[-1].at if asked else begun)),
    )


def _rung(happening: Happening) -> int:
    rung = happening.payload.get("rung")
    return rung if isinstance(rung, int) else 0


def _is_try(happening: Happening, objective: str) -> bool:
    if happening.kind == REFUSED:
        return happening.payload.get("objective") == objective
    return bool(commands_of([happening]))


def fold(
    happenings: Sequence[Happening],
    spec: Mapping[str, Any],
    objective: str,
    *,
    now: datetime,
    met: Collection[str] = (),
) -> TraineeState:
    """Fold an attempt's happenings into the trainee's state on one objective.

    Args:
        spec: Keys and titles of `objectives`, and `estimated_minutes`; nothing else is read.
        met: Objectives that the assessment holds to be met, whatever their checks combine to.
    """
    commands = commands_of(happenings)
    recent = commands[-stuck.RECENT :]
    outcomes = _objectives(happenings, spec, met)
    wrong = [each for each in happenings if each.kind == REFUSED]
    wrong_here = sum(each.payload.get("objective") == objective for each in wrong)
    begun = happenings[0].at if happenings else now
    idle = max(timedelta(0), now - _last_progress(happenings, begun))
    signs = stuck.Signs(
        idle=idle,
        expected=_expected(spec),
        recent=recent,
        before=frozenset(command.program for command in commands[: -stuck.RECENT]),
        wrong_submissions=wrong_here,
    )
    ladder = ladder_of(happenings, objective, now=now)
    return TraineeState(
        objective=outcomes.get(objective, _unknown(objective)),
        others=tuple(state for key, state in outcomes.items() if key != objective),
        commands=tuple(_worth_showing(commands, happenings)),
        errors=Counter(command.error for command in recent if command.error),
        hints=ladder.hints,
        rung=ladder.unlocked,
        wrong_submissions=wrong_here,
        working=max(timedelta(0), now - begun),
        idle=idle,
        stuck=stuck.score(signs),
    )


def _unknown(key: str) -> ObjectiveState:
    return ObjectiveState(key=key, title=key, met=False)


def _objectives(
    happenings: Sequence[Happening], spec: Mapping[str, Any], met: Collection[str]
) -> dict[str, ObjectiveState]:
    titles = {str(each["key"]): str(each.get("title", "")) for each in spec.get("objectives", [])}
    return {
        key: ObjectiveState(key=key, title=title, **_standing(happenings, key, met))
        for key, title in titles.items()
    }


def _standing(happenings: Sequence[Happening], key: str, met: Collection[str]) -> dict[str, Any]:
    """Return whether an objective is met, and the latest reason of every check that is not."""
    checks = {
        str(each.payload.get("check", "")): (
            str(each.payload.get("outcome")),
            str(each.payload.get("reason", "")),
        )
        for each in happenings
        if each.kind == EVIDENCE and each.payload.get("objective") == key
    }
    unmet = [reason for outcome, reason in checks.values() if outcome == "UNMET" and reason]
    all_met = bool(checks) and all(outcome == "MET" for outcome, _ in checks.values())
    return {"met": key in met or all_met, "reasons": tuple(dict.fromkeys(unmet))[:3]}


def _last_progress(happenings: Sequence[Happening], begun: datetime) -> datetime:
    met = (
        each.at
        for each in happenings
        if each.kind == EVIDENCE and each.payload.get("outcome") == "MET"
    )
    return max(met, default=begun)


def _expected(spec: Mapping[str, Any]) -> timedelta:
    minutes = spec.get("estimated_minutes") or 30
    share = timedelta(minutes=float(minutes)) / max(1, len(spec.get("objectives", [])))
    return max(SHORTEST_EXPECTATION, share)


def _worth_showing(commands: Sequence[Command], happenings: Sequence[Happening]) -> list[Command]:
    """Return the last commands and those right before something was met, repeats collapsed."""
    met = [e.seq for e in happenings if e.kind == EVIDENCE and e.payload.get("outcome") == "MET"]
    telling = {max((c.number for c in commands if c.seq < seq), default=None) for seq in met}
    once = {command.text: command for command in commands}
    latest = sorted(once.values(), key=lambda command: command.seq)
    shown = {command.number for command in latest[-COMMANDS_SHOWN:]} | telling
    kept = [command for command in commands if command.number in shown]
    return kept[-COMMANDS_SHOWN - 4 :]


_PIECE = re.compile(r"\w+|[^\w\s]")


def approximate_tokens(text: str) -> int:
    """Return a cautious guess of how many tokens a model makes of a text."""
    pieces = _PIECE.findall(text)
    return sum(1 + (len(piece) - 1) // 5 for piece in pieces)


def render(state: TraineeState, *, limit: int = TOKEN_LIMIT) -> str:
    """Write the state as lines of at most `limit` tokens; the oldest commands go first."""
    for kept in range(len(state.commands), -1, -1):
        for output_limit in (160, 60):
            text = _render(state, kept=kept, output_limit=output_limit)
            if approximate_tokens(text) <= limit:
                return text
    return cut(_render(state, kept=0, output_limit=0), limit=TOKEN_LIMIT * 2)


def _render(state: TraineeState, *, kept: int, output_limit: int) -> str:
    shown = state.commands[len(state.commands) - kept :]
    lines = [
        _objective_line("Objective", state.objective),
        *(_objective_line("Other", other) for other in state.others),
        _clock_line(state),
    ]
    if state.errors:
        counted = ", ".join(f"{name} {count}" for name, count in sorted(state.errors.items()))
        lines.append(f"Recent errors: {counted}.")
    return "\n".join([*lines, *(_command_line(each, output_limit) for each in shown)])


def _objective_line(label: str, state: ObjectiveState) -> str:
    standing = "met" if state.met else "not met"
    why = f" ({', '.join(state.reasons)})" if state.reasons else ""
    return f"{label}: {cut(state.title, limit=80)}: {standing}{why}"


def _clock_line(state: TraineeState) -> str:
    return (
        f"Working for {_minutes(state.working)}, {_minutes(state.idle)} since the last progress. "
        f"Stuck {state.stuck:.2f}. Hints here: {state.hints}, rung {state.rung}. "
        f"Wrong submissions: {state.wrong_submissions}."
    )


def _minutes(duration: timedelta) -> str:
    return f"{int(duration.total_seconds() // 60)} min"


def _command_line(command: Command, output_limit: int) -> str:
    ended = "" if command.exit in (None, 0) else f" exit {command.exit}"
    error = f" [{command.error}]" if command.error else ""
    output = cut(" / ".join(command.output), limit=output_limit) if output_limit else ""
    arrow = f" -> {output}" if output else ""
    return f"#{command.number} {command.machine}{ended}: {command.text}{error}{arrow}"
