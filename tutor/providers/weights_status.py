"""What the model role is doing, in a small file that other roles read."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

FILENAME = "model-status.json"


class WeightsStatus(BaseModel):
    """One line for pages: fetching with its progress, loading, serving, or why not."""

    state: Literal["unknown", "fetching", "loading", "serving", "no-memory", "failed"] = "unknown"
    done_bytes: int = 0
    total_bytes: int = 0
    message: str = ""

    @property
    def percent(self) -> int:
        """Return the progress of fetching in whole per cent."""
        return 100 * self.done_bytes // self.total_bytes if self.total_bytes else 0


def read(folder: Path) -> WeightsStatus:
    """Return what the model role wrote last; unknown where it wrote nothing."""
    try:
        return WeightsStatus.model_validate_json((folder / FILENAME).read_bytes())
    except (OSError, ValidationError):
        return WeightsStatus()


def write(folder: Path, status: WeightsStatus) -> None:
    """Replace the file in one step, so that nobody reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{FILENAME}.partial"
    partial.write_text(status.model_dump_json(), encoding="utf-8")
    partial.replace(folder / FILENAME)
