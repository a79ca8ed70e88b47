"""Begins a scenario: a folder that checks and verifies as it stands, with comments that teach."""

import re
import shutil
from pathlib import Path

from range.catalog.editor_schema import refresh_schema
from range.lib.errors import RangeError

SKELETONS = Path(__file__).parent / "skeletons"
KINDS = ("attack", "fix", "investigate")
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,48}[a-z0-9]")


class BadName(RangeError):
    """A name that no scenario can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:60]!r} cannot name a scenario: use 3 to 50 of a-z, 0-9 and -, beginning with "
            "a letter, such as open-drawer.",
            reason="bad-scenario-name",
        )


class FolderTaken(RangeError):
    """Something lies where a scenario was to go."""

    def __init__(self, name: str, advice: str = "Choose another name, or move it away.") -> None:
        super().__init__(
            f"There already is something called {name} among the scenarios. {advice}",
            reason="folder-taken",
            status=409,
        )


def checked_slug(name: str) -> str:
    """Return a name that a scenario can have.

    Raises:
        BadName: It cannot.
    """
    if not is_slug(name):
        raise BadName(name)
    return name


def is_slug(name: str) -> bool:
    """Tell whether a scenario can have this name."""
    return _SLUG.fullmatch(name) is not None


def new_scenario(root: Path, slug: str, *, kind: str = "attack") -> Path:
    """Write a scenario's folder and return it.

    Args:
        root: Folder of all scenarios.
        kind: One of `KINDS`.

    Raises:
        BadName: The name cannot be a scenario's.
        FolderTaken: A folder of that name is there; it is left as it is.
    """
    folder = root / checked_slug(slug)
    source = SKELETONS / kind
    root.mkdir(parents=True, exist_ok=True)
    try:
        # Whoever makes the folder owns the name: two commands at once cannot both have it.
        folder.mkdir()
    except FileExistsError as error:
        raise FolderTaken(slug) from error
    title = slug.replace("-", " ").capitalize()
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_dir():
            target.mkdir()
        else:
            text = path.read_text(encoding="utf-8")
            text = text.replace("new-scenario", slug).replace("New scenario", title)
            target.write_text(text, encoding="utf-8")
            shutil.copymode(path, target)
    refresh_schema(root)
    return folder
