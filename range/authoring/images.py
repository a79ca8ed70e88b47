"""Builds the images that a scenario's machines start from."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from range.catalog.allowed_images import unpack
from range.catalog.models import AllowedImage
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_machines import MachineSpec
from range.runtime.base_image import ensure_base_image
from range.runtime.images import BASE_IMAGE, build_image, image_exists, image_tag

type Report = Callable[[str], None]


@dataclass(frozen=True)
class _Source:
    """Where a machine's image is built from, and what it is called."""

    folder: Path
    name: str


def tags_of(spec: ScenarioSpec, folder: Path) -> dict[str, str]:
    """Return the image tag of each machine; a function of files alone.

    Raises:
        BadBuildContext: A machine's folder cannot be built from.
        ImageGone: It names an image that the range no longer has.
    """
    with _sources(spec, folder) as sources:
        return {
            name: BASE_IMAGE if source is None else image_tag(source.folder, name=source.name)
            for name, source in sources.items()
        }


def missing_images(spec: ScenarioSpec, folder: Path) -> list[str]:
    """Return the machines whose images the engine does not have.

    Raises:
        BadBuildContext: A machine's folder cannot be built from.
        ImageGone: It names an image that the range no longer has.
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
        ImageGone: It names an image that the range no longer has.
        EngineDown: The engine does not answer.
    """
    ensure_base_image(progress=progress)
    built: dict[_Source, str] = {}
    with _sources(spec, folder) as sources:
        for source in sources.values():
            if source is not None and source not in built:
                built[source] = build_image(source.folder, name=source.name, progress=progress)
        return {
            name: BASE_IMAGE if source is None else built[source]
            for name, source in sources.items()
        }


def allowed_tag(image: AllowedImage, *, build: bool, progress: Report | None = None) -> str:
    """Return the tag of an image of the catalogue, building it first where asked to.

    Raises:
        ImageBuildFailed: With the last lines of the build's output.
        EngineDown: The engine does not answer.
    """
    if build:
        ensure_base_image(progress=progress)
    with tempfile.TemporaryDirectory() as folder:
        source = _allowed(f"{image.name}@{image.digest}", Path(folder))
        if build:
            return build_image(source.folder, name=source.name, progress=progress)
        return image_tag(source.folder, name=source.name)


@contextmanager
def _sources(spec: ScenarioSpec, folder: Path) -> Iterator[dict[str, _Source | None]]:
    with ExitStack() as stack:
        unpacked: dict[str, _Source] = {}
        for image in sorted({each.image for each in spec.machines.values() if each.image}):
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            unpacked[image] = _allowed(image, place)
        yield {
            name: _source(spec, folder, machine, unpacked)
            for name, machine in spec.machines.items()
        }


def _source(
    spec: ScenarioSpec, folder: Path, machine: MachineSpec, unpacked: dict[str, _Source]
) -> _Source | None:
    if machine.image is not None:
        return unpacked[machine.image]
    if machine.build is None:
        return None
    return _Source(folder / machine.build, _image_name(spec, machine.build))


def _allowed(image: str, folder: Path) -> _Source:
    return _Source(folder, f"image-{unpack(image, folder)}")


def _image_name(spec: ScenarioSpec, build: str) -> str:
    last = Path(build).name.lower().replace("_", "-").replace(".", "-")
    return f"{spec.id}-{last}"[:63].rstrip("-")
