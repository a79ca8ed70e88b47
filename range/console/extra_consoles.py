"""Consoles that a trainee keeps beside a machine's first one: opened, listed, closed, ended."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from range.console.models import ExtraConsole
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.runtime.driver import Handle
from range.sandboxes.models import Sandbox
from range.timeline.services import record

FIRST = "main"
# Attempt, machine and console.
type Place = tuple[uuid.UUID, str, str]


class ConsoleLimit(RangeError):
    """The trainee keeps as many consoles as one person may."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} terminals, which is as many as one person may. Close one first.",
            reason="too-many-consoles",
            status=429,
        )


class NoConsoleThere(RangeError):
    """The machine has no console, or is none of this attempt's."""

    def __init__(self) -> None:
        super().__init__("This machine has no terminal.", reason="no-console", status=404)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A closed console whose shell may still live.

    Args:
        handle: Of the sandbox that runs; None where none does, and with it the shell has gone.
    """

    id: uuid.UUID
    machine: str
    console: str
    sandbox_id: uuid.UUID | None = None
    driver: str = ""
    handle: Handle | None = None


def extra_consoles(attempt: Attempt) -> list[ExtraConsole]:
    """Return the consoles a trainee keeps beside the first ones, in the order they were opened."""
    return list(attempt.extra_consoles.filter(closed_at=None).order_by("opened_at", "pk"))


def open_extra(
    attempt: Attempt, *, machine: str, firsts: Collection[str], actor: str
) -> ExtraConsole:
    """Keep one more console on a machine, under the lowest number that is free.

    Args:
        firsts: The attempt's machines that have a console.

    Raises:
        NoConsoleThere: The machine is none of them.
        ConsoleLimit: There are as many as one person may have.
    """
    if machine not in firsts:
        raise NoConsoleThere
    limit = settings.RANGE_CONSOLES_PER_TRAINEE
    with transaction.atomic():
        Attempt.objects.select_for_update().get(pk=attempt.pk)
        kept = list(attempt.extra_consoles.filter(ended_at=None))
        if len(firsts) + sum(each.closed_at is None for each in kept) >= limit:
            raise ConsoleLimit(limit)
        taken = {each.console for each in kept if each.machine == machine}
        number = next(n for n in range(2, limit + len(kept) + 2) if str(n) not in taken)
        made = ExtraConsole.objects.create(attempt=attempt, machine=machine, console=str(number))
        _tell(made, "console.opened", actor)
    return made


def close_extra(attempt: Attempt, *, machine: str, console: str, actor: str) -> bool:
    """Let a console go; its shell is ended by the console role. False if it was closed before."""
    with transaction.atomic():
        kept = attempt.extra_consoles.select_for_update().filter(closed_at=None)
        made = next((e for e in kept if (e.machine, e.console) == (machine, console)), None)
        if made is None:
            return False
        made.closed_at = timezone.now()
        made.save(update_fields=["closed_at"])
        _tell(made, "console.closed", actor)
        notify("revocations", f"attempt {attempt.pk}")
    return True


def is_open(attempt_id: uuid.UUID, *, machine: str, console: str) -> bool:
    """Tell whether an attempt has a console of this name; the first one it always has."""
    if console == FIRST:
        return True
    return ExtraConsole.objects.filter(
        attempt=attempt_id, machine=machine, console=console, closed_at=None
    ).exists()


def closed_among(places: Iterable[Place]) -> set[Place]:
    """Return those of some consoles that are open no more, with one query at most."""
    extra = {place for place in places if place[2] != FIRST}
    if not extra:
        return set()
    kept = ExtraConsole.objects.filter(attempt__in={pk for pk, _, _ in extra}, closed_at=None)
    return extra - set(kept.values_list("attempt_id", "machine", "console"))


def to_end() -> list[Ending]:
    """Return the closed consoles whose shells are still to be ended."""
    closed = list(ExtraConsole.objects.filter(closed_at__isnull=False, ended_at=None))
    running = Sandbox.objects.filter(
        attempt__in={each.attempt_id for each in closed}, state=Sandbox.State.RUNNING
    )
    sandboxes = {each.attempt_id: each for each in running} if closed else {}
    return [_ending(each, sandboxes.get(each.attempt_id)) for each in closed]


def note_ended(ending: Ending) -> None:
    """Note that nothing of a closed console is left, so that its number is free again."""
    ExtraConsole.objects.filter(pk=ending.id, ended_at=None).update(ended_at=timezone.now())


def _ending(console: ExtraConsole, sandbox: Sandbox | None) -> Ending:
    if sandbox is None or not sandbox.handle:
        return Ending(id=console.pk, machine=console.machine, console=console.console)
    return Ending(
        id=console.pk,
        machine=console.machine,
        console=console.console,
        sandbox_id=sandbox.pk,
        driver=sandbox.driver,
        handle=Handle.from_json(sandbox.handle),
    )


def _tell(console: ExtraConsole, kind: str, actor: str) -> None:
    payload = {"machine": console.machine, "console": console.console}
    record(console.attempt_id, kind=kind, actor=actor, payload=payload)
    notify("attempt_changed", f"{console.attempt_id} consoles")
