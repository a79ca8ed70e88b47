"""What other parts ask of a published scenario version: topology, values, secrets, texts."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from range.catalog import flags
from range.catalog.bound_images import bound_digest
from range.catalog.briefs import to_html
from range.catalog.folder import digest_of, list_files
from range.catalog.hints import hint_text
from range.catalog.models import ScenarioVersion
from range.catalog.reader import BRIEF_FILE
from range.catalog.rendering import rendered_data
from range.catalog.schema import ScenarioSpec
from range.catalog.templating import fill, names_in
from range.catalog.topology_builder import build_topology, scenario_file
from range.catalog.values import flag_secret as flag_secret
from range.catalog.values import remember
from range.catalog.values import secrets_of as secrets_of
from range.catalog.values import values_for as values_for
from range.checks.spec import Scalar
from range.lib.errors import RangeError
from range.runtime.topology import Topology

_written: dict[UUID, ScenarioSpec] = {}
_rendered: dict[tuple[UUID, UUID, int], ScenarioSpec] = {}


class ImagesNotReady(RangeError):
    """The machines' images are still being built, or could not be."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="images-not-ready", status=409, retryable=True)


def spec_of(version: ScenarioVersion) -> ScenarioSpec:
    """Return the scenario as written, with nothing chosen or filled in."""
    return remember(_written, version.pk, lambda: ScenarioSpec.model_validate(version.spec))


def is_unchanged(version: ScenarioVersion, folder: Path) -> bool:
    """Tell whether a folder holds what a version was published from, and nothing else."""
    if not folder.is_dir():
        return False
    digest = digest_of(folder, list_files(folder))
    return bound_digest(digest, spec_of(version)) == version.digest


def attempt_spec(version: ScenarioVersion, attempt_id: UUID, epoch: int) -> ScenarioSpec:
    """Return the scenario of one attempt: parts chosen, variables filled in.

    It holds secrets and the reference solution: never send it anywhere.

    Raises:
        TemplateInvalid: A text cannot be filled in.
    """
    return remember(
        _rendered,
        (version.pk, attempt_id, epoch),
        lambda: rendered_data(version.spec, values_for(version, attempt_id, epoch)),
    )


def topology_for(version: ScenarioVersion, attempt_id: UUID, epoch: int) -> Topology:
    """Return what a driver must start for an attempt.

    Raises:
        ImagesNotReady: The version's images are not built.
        TopologyInvalid: The version lacks a file or an image.
        TemplateInvalid: A seed cannot be filled in.
    """
    if version.image_state != ScenarioVersion.ImageState.READY:
        raise ImagesNotReady("The machines of this scenario are still being prepared.")
    return build_topology(
        attempt_spec(version, attempt_id, epoch),
        assets=version.assets,
        images=version.images,
        values=values_for(version, attempt_id, epoch),
    )


def file_for(
    version: ScenarioVersion, attempt_id: UUID, epoch: int, path: str, *, filled: bool
) -> bytes:
    """Return a file of a scenario as it is, or filled in for an attempt.

    Raises:
        TopologyInvalid: The version lacks it.
        TemplateInvalid: It cannot be filled in.
    """
    values = values_for(version, attempt_id, epoch)
    return scenario_file(version.assets, path, values, filled=filled)


def brief_for(version: ScenarioVersion, attempt_id: UUID, epoch: int) -> str:
    """Return the brief of an attempt as safe HTML.

    Raises:
        TemplateInvalid: It cannot be filled in, or names a secret.
    """
    return brief_html(spec_of(version), version.brief, values_for(version, attempt_id, epoch))


def brief_html(spec: ScenarioSpec, brief: str, values: Mapping[str, Scalar]) -> str:
    """Return a brief with the values of an attempt as safe HTML.

    Raises:
        TemplateInvalid: It cannot be filled in, or names a secret.
    """
    return to_html(fill(brief, _tellable(spec, values), name=BRIEF_FILE))


def brief_preview(version: ScenarioVersion) -> str:
    """Return the brief for readers without an attempt: names stand for what is drawn later.

    Raises:
        TemplateInvalid: It cannot be read.
    """
    values = {name: f"[{name.replace('_', ' ')}]" for name in names_in(version.brief)}
    return to_html(fill(version.brief, values, name=BRIEF_FILE))


def hint_for(
    version: ScenarioVersion, attempt_id: UUID, epoch: int, *, objective: str, rung: int
) -> str | None:
    """Return an authored rung as Markdown with secrets replaced; None when there is none.

    Raises:
        TemplateInvalid: A text cannot be filled in.
        KeyError: The scenario has no such objective.
    """
    text = hint_text(attempt_spec(version, attempt_id, epoch), objective, rung)
    for secret, placeholder in secrets_of(version, attempt_id, epoch).items():
        text = text.replace(secret, placeholder) if text else text
    return text


def examine_flag(version: ScenarioVersion, text: str) -> flags.FlagFinding:
    """Tell what a submitted flag is, looked up among the version's objectives."""
    keys = [objective.key for objective in spec_of(version).objectives]
    return flags.examine(flag_secret(), text, objectives=keys)


def _tellable(spec: ScenarioSpec, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    variables = spec.variables
    return {
        name: value
        for name, value in values.items()
        if not variables[name].is_secret and not variables[name].hidden
    }
