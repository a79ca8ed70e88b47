"""What went wrong lately, for the capacity page: by reason with what to do, and the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from range.accounts.access import taught_by
from range.accounts.models import User
from range.operations import reasons
from range.sandboxes.recent_troubles import (
    Tally,
    Trouble,
    machine_tallies,
    newest,
    refusal_tallies,
)

SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class TroubleLine:
    """How often one thing happened, what it means and what to do."""

    tally: Tally
    meaning: reasons.Meaning


@dataclass(frozen=True, kw_only=True)
class TroubleView:
    """What went wrong since a moment.

    Args:
        linked: Trainees whose attempts the viewer may open.
    """

    machines: Sequence[TroubleLine]
    refused: Sequence[TroubleLine]
    newest: Sequence[Trouble]
    linked: set[UUID]

    @property
    def number(self) -> int:
        """How often machines were in trouble."""
        return sum(line.tally.number for line in self.machines)


def troubles_of(viewer: User, since: datetime) -> TroubleView:
    """Gather what went wrong."""
    found = newest(since, limit=SHOWN)
    theirs = taught_by(viewer).filter(person__in=[each.attempt.trainee_id for each in found])
    return TroubleView(
        machines=[
            TroubleLine(tally=tally, meaning=reasons.of_machine(tally.kind, tally.reason))
            for tally in machine_tallies(since)
        ],
        refused=[
            TroubleLine(tally=tally, meaning=reasons.of_refusal(tally.reason))
            for tally in refusal_tallies(since)
        ],
        newest=found,
        linked=set(theirs),
    )
