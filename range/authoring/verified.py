"""Remembers which scenario contents were verified, and when, beside the range's state."""

import json
from dataclasses import dataclass
from pathlib import Path

from range.assessment.runner import GRADER_VERSION
from range.lib import clock


@dataclass(frozen=True, kw_only=True)
class VerifiedLog:
    """A small file of digests; losing it only means verifying again."""

    path: Path

    def knows(self, digest: str) -> bool:
        """Tell whether this content passed with the checks as they are now."""
        return self.verified_at(digest) is not None

    def verified_at(self, digest: str) -> str | None:
        """Return when this content last passed with the checks as they are now, in ISO form."""
        entry = self._read().get(digest)
        if not isinstance(entry, dict) or entry.get("grader") != GRADER_VERSION:
            return None
        return str(entry.get("at", ""))

    def add(self, slug: str, digest: str) -> None:
        """Note that a content passed; earlier contents of the same scenario are dropped."""
        kept = {
            key: entry
            for key, entry in self._read().items()
            if isinstance(entry, dict) and entry.get("scenario") != slug
        }
        kept[digest] = {
            "scenario": slug,
            "grader": GRADER_VERSION,
            "at": clock.now().isoformat(timespec="seconds"),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(self.path)

    def _read(self) -> dict[str, object]:
        try:
            value = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}
