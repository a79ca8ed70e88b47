"""The sandbox as its panel shows it: honest progress, and failure with a sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from range.catalog.services import spec_of
from range.exercises.models import Attempt
from range.sandboxes.models import Sandbox
from range.sandboxes.queue import Place, place_of
from range.sandboxes.services import latest_sandbox
from range.workspace import wording
from range.workspace.presenters import specs
from range.workspace.presenters.notices import Notice, notices_of

State = Sandbox.State
_MOVING = frozenset({State.REQUESTED, State.STARTING, State.STOPPING})
_NONE = "NONE"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of something that takes a while.

    Args:
        state: done, now, todo or failed.
        note: Time taken, or what to know about it.
    """

    name: str
    state: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SandboxView:
    """The sandbox of an attempt, as one page shows it now.

    Args:
        place: Where it stands in line; None once the start has begun.
        epoch: Which sandbox of the attempt it is; 0 without one.
    """

    state: str
    epoch: int = 0
    message: str = ""
    place: Place | None = None
    steps: Sequence[Step] = ()
    expires_at: datetime | None = None
    notices: Sequence[Notice] = ()

    @property
    def running(self) -> bool:
        """Tell whether the machines can be used."""
        return self.state == State.RUNNING

    @property
    def has_consoles(self) -> bool:
        """Tell whether terminals may connect; those of a sandbox that starts wait for it."""
        return self.state in (State.REQUESTED, State.STARTING, State.RUNNING)

    @property
    def quiet(self) -> bool:
        """Tell whether the panel has nothing to say, so that terminals fill the pane."""
        return self.running and not self.notices

    @property
    def moving(self) -> bool:
        """Tell whether the state will change by itself soon."""
        return self.state in _MOVING

    @property
    def live(self) -> bool:
        """Tell whether there is something whose clock runs."""
        return self.running or self.moving

    @property
    def failed(self) -> bool:
        """Tell whether the machines could not be started, or were lost."""
        return self.state == State.FAILED

    @property
    def stopping(self) -> bool:
        """Tell whether the machines are being removed."""
        return self.state == State.STOPPING

    @property
    def stopped(self) -> bool:
        """Tell whether there are no machines."""
        return self.state in (State.STOPPED, _NONE)

    @property
    def ended(self) -> bool:
        """Tell whether fresh machines may be asked for."""
        return self.failed or self.stopped


def sandbox_view(attempt: Attempt) -> SandboxView:
    """Return what the panel shows of an attempt's newest sandbox."""
    sandbox = latest_sandbox(attempt)
    if sandbox is None:
        return SandboxView(state=_NONE)
    state = _shown_state(sandbox)
    return SandboxView(
        state=state,
        epoch=sandbox.epoch,
        message=sandbox.message,
        place=place_of(sandbox) if sandbox.state == State.REQUESTED else None,
        steps=tuple(_steps(sandbox, attempt)),
        expires_at=sandbox.expires_at,
        notices=notices_of(sandbox, attempt) if state == State.RUNNING else (),
    )


def _shown_state(sandbox: Sandbox) -> str:
    # A stop takes a moment to begin; from the trainee's side it begins with the press.
    wanted_gone = sandbox.wanted == Sandbox.Wanted.STOPPED
    if wanted_gone and sandbox.state in (State.REQUESTED, State.STARTING, State.RUNNING):
        return State.STOPPING
    return sandbox.state


def _steps(sandbox: Sandbox, attempt: Attempt) -> Iterator[Step]:
    if _shown_state(sandbox) not in (State.REQUESTED, State.STARTING, State.FAILED):
        return
    if sandbox.reason == "lost":
        return
    began = sandbox.claimed_at is not None
    waited = (sandbox.claimed_at or timezone.now()) - sandbox.requested_at
    yield Step(
        name="In line",
        state="done" if began else _unfinished(sandbox),
        note=wording.span(waited) if waited.total_seconds() >= 1 else "",
    )
    now_is_free = began
    for name, note in _planned(sandbox, attempt):
        done = note is not None
        state = "done" if done else _unfinished(sandbox) if now_is_free else "todo"
        now_is_free = now_is_free and done
        yield Step(name=name, state=state, note=note or "")


def _unfinished(sandbox: Sandbox) -> str:
    return "failed" if sandbox.state == State.FAILED else "now"


def _planned(sandbox: Sandbox, attempt: Attempt) -> Iterator[tuple[str, str | None]]:
    """Yield each step a launch goes through, with its time when done and None when not."""
    after = {(each["step"], each["detail"]): each["after_ms"] for each in sandbox.progress}
    spec = spec_of(attempt.version)
    networks = list(spec.networks)
    times = [after[("network", name)] for name in networks if ("network", name) in after]
    plural = "s" if len(networks) > 1 else ""
    # Later steps prove earlier ones where a driver reports less.
    begun = [ms for (step, _), ms in after.items() if step != "network"]
    ready = len(times) == len(networks) or bool(begun)
    yield f"Private network{plural}", _took(max(times or begun)) if ready else None
    for machine in specs.visible_machines(spec):
        yield f"Machine {machine.name}", _found(after, "machine", machine.name)
    yield "Everything answers", None


def _found(after: dict[tuple[str, str], int], step: str, detail: str) -> str | None:
    moment = after.get((step, detail))
    return None if moment is None else _took(moment)


def _took(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
