"""What an instructor does to attempts at work: extend, reset, stop, finish, and say."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from range.accounts.cohorts import actor_of
from range.accounts.models import User
from range.exercises import services as exercises
from range.exercises.models import Attempt, Exercise
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.sandboxes import services as sandboxes
from range.timeline.services import record

WORDS_AT_MOST = 500


class MessageRefused(RangeError):
    """Nothing that could be shown was to be said, or to nobody."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="message-refused", status=422)


class NothingToSteer(RangeError):
    """There is nothing under way to do it to."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody is at work on this exercise now, so there was nothing to do.",
            reason="nobody-at-work",
            status=409,
        )


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing to do to an attempt, and what people read about it.

    Args:
        verb: On its button.
        done: What was done, to follow a number of trainees.
        lost: What is lost, for the page that asks; empty where nothing is and nobody is asked.
        kept: What stays.
        icon: Its symbol.
    """

    verb: str
    done: str
    icon: str
    act: Callable[[Attempt, str], object]
    lost: str = ""
    kept: str = ""


def _stop(attempt: Attempt, actor: str) -> None:
    if not sandboxes.stop(attempt, actor=actor):
        raise sandboxes.LaunchRefused("No machines were running.", reason="not-running", status=409)


def _reset(attempt: Attempt, actor: str) -> None:
    # Fresh machines for somebody who has none would take memory that nobody asked for.
    if not sandboxes.stop(attempt, actor=actor, reason="reset", relaunch=True):
        raise sandboxes.LaunchRefused("No machines were running.", reason="not-running", status=409)


def _finish(attempt: Attempt, actor: str) -> None:
    if not exercises.finish(attempt.pk, reason="by-instructor", actor=actor):
        raise exercises.AttemptClosed


ACTIONS = {
    "extend": Action(
        verb="Extend the time",
        done="got more time",
        icon="extend",
        act=lambda attempt, actor: sandboxes.extend(attempt, actor=actor),
    ),
    "reset": Action(
        verb="Reset the machines",
        done="got fresh machines",
        icon="reset",
        act=_reset,
        lost="Files that were changed and programs that were started on the machines are lost, "
        "and flags are new. That cannot be undone.",
        kept="Objectives that are met, answers and recordings are kept. Fresh machines start by "
        "themselves, with their whole time.",
    ),
    "stop": Action(
        verb="Stop the machines",
        done="had their machines stopped",
        icon="stop",
        act=_stop,
        lost="The machines go away with everything inside them. That cannot be undone.",
        kept="The attempt stays open with what is met, and fresh machines can be started in it.",
    ),
    "finish": Action(
        verb="Finish the attempt",
        done="had the attempt finished",
        icon="finish",
        act=_finish,
        lost="Every objective is checked one last time, then the machines go and the attempt is "
        "graded as it stands. It cannot be opened again.",
        kept="Evidence, recordings and the debrief are kept.",
    ),
}


@dataclass(kw_only=True)
class Report:
    """What came of doing one thing to several attempts."""

    action: Action
    done: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Say for how many it was done, and why not for the others."""
        words = [f"{self.done} trainee{'' if self.done == 1 else 's'} {self.action.done}."]
        words += [f"Not for {count}: {why}" for why, count in self.refused.items()]
        return " ".join(words)


def at_work(exercise: Exercise, trainee: User | None = None) -> list[Attempt]:
    """Return the attempts in progress, of everybody or of one trainee."""
    found = Attempt.objects.filter(exercise=exercise, state=Attempt.State.ACTIVE)
    if trainee is not None:
        found = found.filter(trainee=trainee)
    return list(
        found.select_related("exercise__version__scenario", "trainee").order_by("started_at")
    )


def steer(attempts: Sequence[Attempt], action: Action, *, viewer: User) -> Report:
    """Do one thing to each attempt; what one refuses does not keep it from the others.

    Raises:
        NothingToSteer: There is no attempt.
    """
    if not attempts:
        raise NothingToSteer
    report = Report(action=action)
    for attempt in attempts:
        try:
            with transaction.atomic():
                action.act(attempt, actor_of(viewer))
                _wake(attempt)
        except RangeError as refusal:
            report.refused[refusal.message] = report.refused.get(refusal.message, 0) + 1
        else:
            report.done += 1
    return report


def say(
    exercise: Exercise, attempts: Sequence[Attempt], text: str, *, viewer: User, to_all: bool
) -> int:
    """Show a message to whoever is at work, and keep it in each time line.

    Returns:
        How many attempts it went to.

    Raises:
        MessageRefused: Empty, too long, or nobody is at work.
    """
    words = _shown(text)
    if not words:
        raise MessageRefused("Write something first.")
    if len(words) > WORDS_AT_MOST:
        raise MessageRefused(
            f"A message has at most {WORDS_AT_MOST} characters; this one has {len(words)}."
        )
    if not attempts:
        raise MessageRefused("Nobody is at work on this exercise now, so nobody would read it.")
    kind = "exercise.broadcast" if to_all else "exercise.message"
    payload = {"text": words, "people": len(attempts)}
    with transaction.atomic():
        record(exercise.pk, kind=kind, actor=actor_of(viewer), payload=payload)
        for attempt in attempts:
            told = {"text": words, "to": "all" if to_all else "one"}
            record(attempt.pk, kind="message.sent", actor=actor_of(viewer), payload=told)
            _wake(attempt)
    return len(attempts)


def _wake(attempt: Attempt) -> None:
    notify("attempt_changed", f"{attempt.pk} messages")


def _shown(text: str) -> str:
    """Return the text with its line breaks and without other control characters."""
    lines: Iterable[str] = text.replace("\r\n", "\n").split("\n")
    clean = ("".join(sign for sign in line if sign.isprintable()) for line in lines)
    return "\n".join(clean).strip()
