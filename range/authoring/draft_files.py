"""What a draft may hold: paths, sizes and counts, judged before anything is kept."""

from range.authoring.archive_names import ArchiveRefused, Names, is_left_out, quoted, sound_path
from range.catalog.reader import SCENARIO_FILE
from range.catalog.source import Files
from range.catalog.yaml_tree import SIZE_LIMIT_BYTES
from range.lib.errors import RangeError

FILES_LIMIT = 400
FILE_LIMIT_BYTES = 2 << 20
TOTAL_LIMIT_BYTES = 6 << 20
# Larger text is kept, shown and downloaded, and not edited in a page.
TEXT_LIMIT_BYTES = SIZE_LIMIT_BYTES


class FileRefused(RangeError):
    """A draft cannot hold a file, or not under that name; nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="draft-file", status=422)


def checked_path(path: str) -> str:
    """Return a path that a draft's file can have.

    Raises:
        FileRefused: It leads elsewhere, cannot be shown, or is no part of a scenario.
    """
    try:
        parts = sound_path(path)
    except ArchiveRefused as refusal:
        raise FileRefused(refusal.message.replace("The archive is", "The name is")) from refusal
    if path != "/".join(parts) or is_left_out(parts):
        raise FileRefused(
            f"{quoted(path)} cannot be a file's name: expected a path such as seed/notes.txt."
        )
    return path


def refuse_too_much(files: Files) -> None:
    """Refuse files that no draft holds together.

    Raises:
        FileRefused: Too many, too large, or names that one file system takes for one.
    """
    if len(files) > FILES_LIMIT:
        raise FileRefused(f"A draft holds at most {FILES_LIMIT} files.")
    names = Names()
    for path, file in files.items():
        try:
            names.add(tuple(path.split("/")))
        except ArchiveRefused as refusal:
            message = refusal.message.replace("The archive", "The draft")
            raise FileRefused(message) from refusal
        if len(file.data) > FILE_LIMIT_BYTES:
            raise FileRefused(
                f"{quoted(path)} holds {len(file.data)} bytes; a file of a draft holds at most "
                f"{FILE_LIMIT_BYTES}."
            )
    if sum(len(file.data) for file in files.values()) > TOTAL_LIMIT_BYTES:
        raise FileRefused(f"A draft holds at most {TOTAL_LIMIT_BYTES} bytes in all.")
    if SCENARIO_FILE not in files:
        raise FileRefused(f"A draft keeps its {SCENARIO_FILE}: it says what everything else is.")
