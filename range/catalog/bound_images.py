"""Binds the images that a scenario names to the content which each name stands for."""

import hashlib
from collections.abc import Mapping

from range.catalog.image_names import offered_images
from range.catalog.schema import ScenarioSpec


def pinned(spec: ScenarioSpec) -> ScenarioSpec:
    """Bind each image a scenario names to the content it stands for now; others stay as they are.

    A name that comes with a digest, as in an exported version, keeps it while it is offered.
    """
    named = {each.image for each in spec.machines.values() if each.image is not None}
    if not named:
        return spec
    offered = offered_images() or {}
    machines = {
        name: machine.model_copy(update={"image": _bound(machine.image, offered)})
        for name, machine in spec.machines.items()
    }
    return spec.model_copy(update={"machines": machines})


def bound_digest(digest: str, spec: ScenarioSpec) -> str:
    """Return a scenario's digest with the content of every image it names."""
    images = {name: each.image for name, each in spec.machines.items() if each.image is not None}
    if not images:
        return digest
    whole = hashlib.sha256(b"muster/scenario-with-images/v1\0" + digest.encode())
    for name, image in sorted(images.items()):
        whole.update(f"{name}\0{image}\0".encode())
    return whole.hexdigest()


def _bound(image: str | None, offered: Mapping[str, str]) -> str | None:
    if image is None:
        return None
    name, _, digest = image.partition("@")
    present = offered.get(name)
    # Another content under a familiar name is not what the author saw: lint says so.
    return f"{name}@{present}" if present is not None and digest in ("", present) else name
