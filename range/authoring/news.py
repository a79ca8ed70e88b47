"""Tells the pages that follow a verification or a trial that there is something new to show."""

import uuid

from range.lib.notify import notify

CHANNEL = "workshop_changed"
TRIAL, VERIFICATION = "trial", "verification"


def trial_changed(trial_id: uuid.UUID) -> None:
    """Tell whoever follows a trial."""
    notify(CHANNEL, f"{trial_id} {TRIAL}")


def verification_changed(run_id: uuid.UUID) -> None:
    """Tell whoever follows a verification."""
    notify(CHANNEL, f"{run_id} {VERIFICATION}")


def line_changed() -> None:
    """Tell everybody who waits in line that their place may be another."""
    notify(CHANNEL, "")
