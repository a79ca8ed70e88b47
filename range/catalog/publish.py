"""Publishes a scenario's folder as an immutable version; the same content publishes once."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from range.accounts.models import Organisation
from range.catalog.lint import lint
from range.catalog.models import (
    IMAGES_CHANNEL,
    Objective,
    Scenario,
    ScenarioSource,
    ScenarioVersion,
)
from range.catalog.problems import ScenarioInvalid, Severity
from range.catalog.reader import LoadedScenario, read_scenario
from range.catalog.rendering import dumped
from range.catalog.source import File, contexts_of, packed, read_files, unpacked
from range.lib.logs import get_logger
from range.lib.notify import notify

log = get_logger(__name__)
# A scenario with more in it is published all the same; it cannot be opened from its version.
SOURCE_LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True)
class Published:
    """What publication did.

    Args:
        created: False when this very content had been published before.
    """

    version: ScenarioVersion
    created: bool


def publish(folder: Path) -> Published:
    """Publish a scenario's folder, and wake the builder of images.

    Raises:
        ScenarioInvalid: It cannot be read, or lint finds an error.
    """
    return publish_loaded(read_scenario(folder))


def publish_loaded(loaded: LoadedScenario, *, owner: Organisation | None = None) -> Published:
    """Publish a scenario that has been read.

    Args:
        owner: Who owns it, where it is not known yet.

    Raises:
        ScenarioInvalid: Lint finds an error.
    """
    errors = [each for each in lint(loaded) if each.severity is Severity.ERROR]
    if errors:
        raise ScenarioInvalid(errors)
    with transaction.atomic():
        # The row's lock makes two publications of one scenario wait for each other.
        scenario, _ = Scenario.objects.select_for_update().get_or_create(
            slug=loaded.spec.id, defaults={"title": loaded.spec.title, "owner": owner}
        )
        known = ScenarioVersion.objects.filter(digest=loaded.digest).first()
        if known is not None:
            _keep_source(known, loaded.folder)
            return Published(version=known, created=False)
        Scenario.objects.filter(pk=scenario.pk).update(title=loaded.spec.title, retired_at=None)
        version = _create(scenario, loaded)
        _keep_source(version, loaded.folder)
    log.info("catalog.published", scenario=loaded.spec.id, version=loaded.spec.version)
    return Published(version=version, created=True)


def _create(scenario: Scenario, loaded: LoadedScenario) -> ScenarioVersion:
    spec = loaded.spec
    version = ScenarioVersion.objects.create(
        scenario=scenario,
        version=spec.version,
        digest=loaded.digest,
        spec=dumped(spec),
        brief=loaded.brief,
        assets=loaded.assets,
    )
    Objective.objects.bulk_create(
        Objective(
            version=version,
            key=objective.key,
            title=objective.title,
            weight=objective.weight,
            position=position,
        )
        for position, objective in enumerate(spec.objectives)
    )
    notify(IMAGES_CHANNEL, str(version.pk))
    return version


def source_of(version: ScenarioVersion) -> dict[str, File] | None:
    """Return every file of a version; None where it was published before they were kept."""
    kept = ScenarioSource.objects.filter(version=version).first()
    return None if kept is None else unpacked(kept.files)


def _keep_source(version: ScenarioVersion, folder: Path) -> None:
    if ScenarioSource.objects.filter(version=version).exists():
        return
    files = read_files(folder)
    if sum(len(file.data) for file in files.values()) <= SOURCE_LIMIT_BYTES:
        contexts = sorted(set(contexts_of(files).values()))
        ScenarioSource.objects.create(version=version, files=packed(files), contexts=contexts)
