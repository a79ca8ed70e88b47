"""Keeps outcomes as they come, one line each, so that a run that was ended goes on."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tutor.evaluation.sets import FOLDER
from tutor.prompt import PROMPTS

type Outcome = dict[str, Any]


def data_digest() -> str:
    """Return a digest of the sets and the prompts: with others, outcomes mean something else."""
    digest = hashlib.sha256()
    for path in [*sorted(FOLDER.glob("**/*.yaml")), *sorted(PROMPTS.glob("*.md"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Store:
    """Outcomes of one mode with one model, one seed, and these very sets.

    Args:
        about: What they belong to; a file that says otherwise is put aside.
    """

    def __init__(self, path: Path, about: dict[str, str], *, fresh: bool = False) -> None:
        self._path = path
        self.about = about
        self.done: dict[str, Outcome] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh or not self._is_ours():
            self._begin()
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            self._take(line)

    def add(self, name: str, outcome: Outcome) -> None:
        """Write an outcome down before anything else is tried."""
        self.done[name] = outcome
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"case": name, **outcome}) + "\n")

    def _is_ours(self) -> bool:
        if not self._path.is_file():
            return False
        first = self._path.read_text(encoding="utf-8").partition("\n")[0]
        try:
            return bool(json.loads(first) == self.about)
        except json.JSONDecodeError:
            return False

    def _begin(self) -> None:
        if self._path.is_file():
            self._path.replace(self._path.with_suffix(".before.jsonl"))
        self._path.write_text(json.dumps(self.about) + "\n", encoding="utf-8")

    def _take(self, line: str) -> None:
        # A run that was killed in mid-line leaves half of one, which is tried again.
        try:
            outcome: Outcome = json.loads(line)
        except json.JSONDecodeError:
            return
        self.done[str(outcome.pop("case"))] = outcome
