"""What the newest probes of containment found on this machine: a small file launches heed."""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from range.lib import clock
from range.lib.logs import get_logger
from range.runtime.containment.verdict import Verdict, breaches, is_decisive

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """One run of the probes.

    Args:
        cause: `start`, `engine-restart`, `again` or `doctor`.
    """

    at: datetime
    cause: str
    verdicts: tuple[Verdict, ...]

    @property
    def breaches(self) -> list[str]:
        """Return the critical probes that got through."""
        return [verdict.probe for verdict in breaches(self.verdicts)]


def path(state_dir: Path) -> Path:
    """Return where the file lies: the finding is this machine's, whoever shares its database."""
    return state_dir / "probes.json"


def remember(state_dir: Path, verdicts: Sequence[Verdict], *, cause: str) -> bool:
    """Keep a run that proves something; one that does not leaves the earlier one standing.

    Raises:
        OSError: The file cannot be written.
    """
    if not is_decisive(verdicts):
        names = [verdict.probe for verdict in verdicts if verdict.unproven]
        log.warning("probes.unproven", cause=cause, probes=names)
        return False
    content = {
        "at": clock.now().isoformat(),
        "cause": cause,
        "verdicts": [verdict.to_json() for verdict in verdicts],
    }
    state_dir.mkdir(parents=True, exist_ok=True)
    # A name that nobody can foresee: the folder may belong to a user with fewer rights.
    descriptor, new = tempfile.mkstemp(dir=state_dir, prefix="probes-", suffix=".new")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    Path(new).chmod(0o644)
    Path(new).replace(path(state_dir))
    return True


def newest(state_dir: Path) -> ProbeRecord | None:
    """Return the newest run that was kept; an unreadable file counts as none."""
    try:
        content = json.loads(path(state_dir).read_text(encoding="utf-8"))
        return ProbeRecord(
            at=datetime.fromisoformat(content["at"]),
            cause=str(content["cause"]),
            verdicts=tuple(Verdict.from_json(each) for each in content["verdicts"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("probes.unreadable", error=type(error).__name__)
        return None
