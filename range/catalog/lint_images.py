"""Lint: every image that a machine names is one that an operator allowed."""

from collections.abc import Iterator
from difflib import get_close_matches

from range.catalog.image_names import offered_images
from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario


def image_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield machines whose image nobody allowed; what is allowed, reading has bound already."""
    unbound = {
        name: machine.image
        for name, machine in loaded.spec.machines.items()
        if machine.image is not None and "@" not in machine.image
    }
    if not unbound:
        return
    offered = offered_images()
    for name, image in unbound.items():
        near = get_close_matches(image, offered or (), n=1)
        if offered is None:
            expected, advice = "a database that tells what is allowed", "Start the range first."
        elif image in offered:
            expected = f"{image}@{offered[image]}"
            advice = f"{image} stands for other files by now: leave out the part from @ on."
        else:
            expected = f"one of {', '.join(offered)}" if offered else "an image that is allowed"
            advice = (
                f"Did you mean {near[0]}?"
                if near
                else "The range offers no such image; an operator may allow one, or leave it out "
                "for the plain base image."
            )
        place = ("machines", name, "image")
        yield loaded.problem(Severity.ERROR, place, expected, repr(image), advice)
