"""Remembers which scenario contents were verified, and when: for one range, or with the project."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from range.assessment.runner import GRADER_VERSION
from range.catalog.models import ScenarioVersion
from range.lib import clock

# Beside the scenarios, and committed with them: a fresh clone knows what passed elsewhere.
RECORD_FILE = "verified.json"


@dataclass(frozen=True, kw_only=True)
class VerifiedLog:
    """A small file with each scenario's last verified content; losing it means verifying again."""

    path: Path

    def knows(self, digest: str) -> bool:
        """Tell whether this content passed with the checks as they are now."""
        return self.verified_at(digest) is not None

    def verified_at(self, digest: str) -> str | None:
        """Return when this content last passed with the checks as they are now, in ISO form."""
        for entry in self.entries().values():
            if entry.get("digest") == digest and entry.get("grader") == GRADER_VERSION:
                return entry.get("at", "")
        return None

    def add(self, slug: str, digest: str) -> None:
        """Note that a content passed; an earlier content of the same scenario is forgotten."""
        at = clock.now().isoformat(timespec="seconds")
        kept = self.entries() | {slug: {"digest": digest, "grader": GRADER_VERSION, "at": at}}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(self.path)

    def entries(self) -> dict[str, dict[str, str]]:
        """Return what is noted, by scenario; a file that cannot be read holds nothing."""
        try:
            value = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(value, dict):
            return {}
        return {
            slug: {str(name): str(fact) for name, fact in entry.items()}
            for slug, entry in value.items()
            if isinstance(entry, dict)
        }


def own_log() -> VerifiedLog:
    """Return what was verified on this range."""
    return VerifiedLog(path=Path(settings.RANGE_STATE_DIR) / RECORD_FILE)


def project_record() -> VerifiedLog:
    """Return what was verified before the scenarios came here, noted with `--note`."""
    return VerifiedLog(path=Path(settings.RANGE_SCENARIOS_DIR) / RECORD_FILE)


def last_verified(digest: str) -> str | None:
    """Return when a content last passed, here or before it came here, in ISO form."""
    found = (log.verified_at(digest) for log in (own_log(), project_record()))
    return max((at for at in found if at), default=None)


def date_publication(version: ScenarioVersion) -> None:
    """Give a version the date on which its very content was verified, where one is known."""
    at = last_verified(version.digest)
    if version.verified_at is None and at is not None:
        version.verified_at = datetime.fromisoformat(at)
        version.save(update_fields=["verified_at"])
