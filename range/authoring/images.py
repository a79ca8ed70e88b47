"""Builds the images that a scenario's machines start from."""

from collections.abc import Callable
from pathlib import Path

from range.catalog.schema import ScenarioSpec
from range.runtime.base_image import ensure_base_image
from range.runtime.images import BASE_IMAGE, build_image, image_exists, image_tag

type Report = Callable[[str], None]


def tags_of(spec: ScenarioSpec, folder: Path) -> dict[str, str]:
    """Return the image tag of each machine; a function of files alone.

    Raises:
        BadBuildContext: A machine's folder cannot be built from.
    """
    return {
        name: BASE_IMAGE
        if machine.build is None
        else image_tag(folder / machine.build, name=_image_name(spec, machine.build))
        for name, machine in spec.machines.items()
    }


def missing_images(spec: ScenarioSpec, folder: Path) -> list[str]:
    """Return the machines whose images the engine does not have.

    Raises:
        BadBuildContext: A machine's folder cannot be built from.
        EngineDown: The engine does not answer.
    """
    return [name for name, tag in tags_of(spec, folder).items() if not image_exists(tag)]


def build_images(
    spec: ScenarioSpec, folder: Path, *, progress: Report | None = None
) -> dict[str, str]:
    """Build what is missing, the base image first, and return the image tag of each machine.

    Machines that share a folder share an image.

    Raises:
        BadBuildContext: A machine's folder cannot be built from.
        ImageBuildFailed: With the last lines of the build's output.
        EngineDown: The engine does not answer.
    """
    ensure_base_image(progress=progress)
    built: dict[str, str] = {}
    for machine in spec.machines.values():
        if machine.build is not None and machine.build not in built:
            built[machine.build] = build_image(
                folder / machine.build, name=_image_name(spec, machine.build), progress=progress
            )
    return {
        name: BASE_IMAGE if machine.build is None else built[machine.build]
        for name, machine in spec.machines.items()
    }


def _image_name(spec: ScenarioSpec, build: str) -> str:
    last = Path(build).name.lower().replace("_", "-").replace(".", "-")
    return f"{spec.id}-{last}"[:63].rstrip("-")
