"""Where what must survive a restart lies when nobody says otherwise."""

import hashlib
import os
from pathlib import Path

SYSTEM_USER = "muster"
SYSTEM_STATE = Path("/var/lib/muster")


def clone_key(base: Path) -> str:
    """Return a short name for a clone, so that two clones of one machine share nothing."""
    return hashlib.sha256(str(base.resolve()).encode()).hexdigest()[:12]


def default_state_dir(base: Path, *, uid: int | None = None) -> Path:
    """Return the folder for recordings, weights, generated secrets and the embedded database.

    Started as root it lies outside the clone, because the roles that run as a system user must
    reach it even where the clone lies in a folder that only root may enter.

    Args:
        uid: Whom to answer for; the present user when None.
    """
    if (os.geteuid() if uid is None else uid) == 0:
        return SYSTEM_STATE / clone_key(base)
    return base / "var"
