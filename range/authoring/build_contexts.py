"""Keeps programs that build images to those an operator brought: compared by content."""

from collections.abc import Mapping
from functools import cache

from range.accounts.access import can_bring_builds
from range.accounts.models import User
from range.authoring.archive_names import quoted
from range.authoring.skeleton import KINDS, SKELETONS
from range.catalog.models import ScenarioSource
from range.catalog.source import File, Files, contexts_of, is_instruction, read_files
from range.lib.errors import RangeError


class BuildsRefused(RangeError):
    """A change would bring or alter what builds images."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"{quoted(folder or 'Dockerfile')} builds an image, and what builds images comes from "
            "whoever runs the range. Use a machine image as it is, and place files of your own "
            "with seed and setup; or ask an administrator to change it.",
            reason="builds-refused",
            status=403,
        )


def refuse_foreign(before: Files, after: Files, *, author: User) -> None:
    """Refuse a change that leaves a build context the author had not and no operator brought.

    Raises:
        BuildsRefused: With the folder.
    """
    if not can_bring_builds(author):
        had = set(contexts_of(before).values())
        for folder in _foreign(contexts_of(after), had):
            raise BuildsRefused(folder)


def without_foreign(files: Files, *, author: User) -> tuple[dict[str, File], list[str]]:
    """Return files without build contexts that no operator brought, and the folders left out."""
    kept = dict(files)
    left_out: list[str] = []
    if can_bring_builds(author):
        return kept, left_out
    # Leaving one out alters those around it, which are judged again.
    while foreign := _foreign(contexts_of(kept), set()):
        # The innermost first: one that is known may lie around one that is not.
        folder = max(foreign, key=len)
        kept = {path: file for path, file in kept.items() if not _builds(path, folder)}
        left_out.append(folder)
    return kept, sorted(left_out)


def _foreign(contexts: Mapping[str, str], had: set[str]) -> list[str]:
    return [folder for folder, digest in contexts.items() if not (digest in had or _known(digest))]


def _known(digest: str) -> bool:
    """Tell whether a skeleton or a published version has it: publication lets no other in."""
    if digest in _of_skeletons():
        return True
    return ScenarioSource.objects.filter(contexts__contains=[digest]).exists()


@cache
def _of_skeletons() -> frozenset[str]:
    found = (contexts_of(read_files(SKELETONS / kind)).values() for kind in KINDS)
    return frozenset(digest for digests in found for digest in digests)


def _builds(path: str, folder: str) -> bool:
    if folder:
        return path.startswith(f"{folder}/")
    # Beside the scenario itself only the instructions go.
    return "/" not in path and is_instruction(path)
