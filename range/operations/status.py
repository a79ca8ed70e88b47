"""What the supervisor tells every role about every role: one small file, replaced as a whole."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from range.lib import clock

STALE_AFTER = timedelta(seconds=20)


class RoleState(StrEnum):
    """Where a role stands; the supervisor alone moves it."""

    STARTING = "STARTING"  # its process runs, but does not do its work yet
    RUNNING = "RUNNING"
    RESTARTING = "RESTARTING"  # it ended by itself and is tried again after a pause
    STOPPED = "STOPPED"


@dataclass(frozen=True, kw_only=True)
class RoleStatus:
    """One role.

    Args:
        since: When it took this state, ISO 8601.
        restarts: How often it ended by itself since the range was started.
    """

    name: str
    state: RoleState
    since: str
    restarts: int = 0

    @property
    def healthy(self) -> bool:
        """Whether nobody needs to look."""
        return self.state is RoleState.RUNNING


@dataclass(frozen=True, kw_only=True)
class Status:
    """Every role at one moment; empty where no supervisor runs."""

    at: datetime | None
    roles: tuple[RoleStatus, ...] = ()

    @property
    def supervised(self) -> bool:
        """Whether a supervisor wrote this a moment ago."""
        return self.at is not None and clock.now() - self.at < STALE_AFTER


def path(state_dir: Path) -> Path:
    """Return where the file lies."""
    return state_dir / "status.json"


def write(state_dir: Path, roles: list[RoleStatus]) -> None:
    """Replace the file."""
    content = {"at": clock.now().isoformat(), "roles": [asdict(role) for role in roles]}
    new = path(state_dir).with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.chmod(0o644)
    new.replace(path(state_dir))


def read(state_dir: Path) -> Status:
    """Return the last status written; an unreadable file counts as none."""
    try:
        content = json.loads(path(state_dir).read_text(encoding="utf-8"))
        roles = tuple(
            RoleStatus(**{**role, "state": RoleState(role["state"])}) for role in content["roles"]
        )
        return Status(at=datetime.fromisoformat(content["at"]), roles=roles)
    except (OSError, ValueError, KeyError, TypeError):
        return Status(at=None)
