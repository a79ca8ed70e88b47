"""Shapes what the page of a trial shows: state, objectives, values drawn, terminals."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from range.authoring.models import DraftTrial
from range.authoring.trial_disks import Disk, worth_telling
from range.runtime.handle import Handle
from range.sandboxes.models import Trial

State = Trial.State
_ENDED = {
    "stopped": "You ended it.",
    "left": "Nobody was at its page for some minutes, so its machines were removed.",
    "too-long": "It ran for two hours, which is as long as one may.",
}
_FAILED = "It ended by a fault of the range. Begin it again."


@dataclass(frozen=True, kw_only=True)
class TrialConsole:
    """A terminal and its tab, as the console's templates need them."""

    trial_id: uuid.UUID
    machine: str
    console: str = "main"
    closable: bool = False

    @property
    def key(self) -> str:
        """Return what tells its elements from others'."""
        return f"{self.machine}-{self.console}"

    @property
    def label(self) -> str:
        """Return what people call it."""
        return self.machine

    @property
    def socket_path(self) -> str:
        """Return where its socket is, below the console role's origin."""
        return f"/ws/trials/{self.trial_id}/consoles/{self.machine}/{self.console}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A variable of type choice, which an author may fix."""

    name: str
    options: tuple[str, ...]
    chosen: str


@dataclass(frozen=True, kw_only=True)
class TrialPage:
    """Everything the page shows.

    Args:
        revision: The draft's that runs; None until it is up.
        told: What bringing it up to date did, or why it could not.
        answer: What became of the last thing that was asked.
    """

    id: uuid.UUID
    draft_id: uuid.UUID
    title: str
    state: str
    state_words: str
    ended_words: str
    working: bool
    broken: bool
    ending: bool
    revision: int | None
    saved: int
    told: str
    problems: tuple[str, ...]
    disks: tuple[Disk, ...]
    story: SafeString
    values: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]
    objectives: tuple[dict[str, Any], ...]
    judged_at: datetime | None
    judged_revision: int | None
    waits: bool
    answer: str
    consoles: tuple[TrialConsole, ...]

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended for good."""
        return self.state == State.ENDED

    @property
    def terminals(self) -> str:
        """Return which terminals there are, for a page to tell whether it has others."""
        return " ".join(console.key for console in self.consoles)

    @property
    def is_up(self) -> bool:
        """Tell whether its machines run."""
        return self.state == State.UP


def trial_page(of_draft: DraftTrial) -> TrialPage:
    """Gather the page of an author's own trial."""
    trial, told, judged = of_draft.trial, of_draft.told, of_draft.judged
    orders = of_draft.orders.order_by("-asked_at", "-pk")
    done = orders.filter(done_at__isnull=False).first()
    return TrialPage(
        id=trial.pk,
        draft_id=of_draft.draft_id,
        title=of_draft.draft.title,
        state=trial.state,
        state_words=trial.get_state_display(),
        ended_words=_ENDED.get(trial.reason, _FAILED) if trial.state == State.ENDED else "",
        working=told.get("state") == "working" or trial.state in (State.WAITING, State.STARTING),
        broken=told.get("state") == "broken",
        ending=trial.stop_wanted and trial.state != State.ENDED,
        revision=of_draft.revision,
        saved=of_draft.draft.revision,
        told=str(told.get("text", "")),
        problems=tuple(told.get("problems", ())),
        disks=_disks(of_draft),
        # Cleaned where it was rendered, as every brief is.
        story=mark_safe(told.get("brief", "")),  # noqa: S308
        values=tuple(sorted(told.get("values", {}).items())),
        choices=tuple(_choices(of_draft)),
        objectives=tuple(judged.get("objectives", ())),
        judged_at=datetime.fromisoformat(judged["at"]) if judged else None,
        judged_revision=judged.get("revision"),
        waits=orders.filter(done_at=None).exists(),
        answer=done.answer if done is not None else "",
        consoles=_consoles(trial),
    )


def _choices(of_draft: DraftTrial) -> list[Choice]:
    chosen = {name: str(value) for name, value in of_draft.variant.items()}
    return [
        Choice(name=name, options=tuple(options), chosen=chosen.get(name, ""))
        for name, options in of_draft.told.get("choices", {}).items()
    ]


def _consoles(trial: Trial) -> tuple[TrialConsole, ...]:
    if trial.state == State.ENDED or not trial.handle:
        return ()
    machines = Handle.from_json(trial.handle).machines
    return tuple(
        TrialConsole(trial_id=trial.pk, machine=name)
        for name, machine in machines.items()
        if machine.console_user
    )


def _disks(of_draft: DraftTrial) -> tuple[Disk, ...]:
    trial = of_draft.trial
    if trial.state == State.ENDED:
        return ()
    handle = Handle.from_json(trial.handle) if trial.handle else None
    return tuple(worth_telling(of_draft.disks, handle))
