"""The builder role: makes the images of published versions, then those of the catalogue."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections, connection, transaction

from range.authoring.images import allowed_tag, build_images, tags_of
from range.catalog.models import IMAGES_CHANNEL, AllowedImage, ScenarioVersion
from range.catalog.publish import source_of
from range.catalog.services import is_unchanged, spec_of
from range.catalog.source import written_out
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.notify import Listener, conninfo, notify
from range.runtime.images import image_exists, image_size

log = get_logger(__name__)

State = ScenarioVersion.ImageState
DETAIL_LIMIT = 4000
type Report = Callable[[str], None]


class FolderChanged(RangeError):
    """A version's folder is gone or changed since, and its files were not kept."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"The folder of {slug} has changed since this version was published, so its images "
            "cannot be built. Publish the scenario again.",
            reason="folder-changed",
            status=409,
        )


class Builder:
    """Builds one version at a time; only one builder works on an engine."""

    def __init__(self, *, scenarios: Path | None = None, progress: Report | None = None) -> None:
        self._scenarios = scenarios or Path(settings.RANGE_SCENARIOS_DIR)
        self._progress = progress

    def run(self, ended: threading.Event) -> None:
        """Build until `ended` is set; a database or engine that is away is waited for."""
        self._taken_over = False
        with Listener(conninfo(connection.settings_dict), IMAGES_CHANNEL) as listener:
            while not ended.is_set():
                try:
                    self._take_over()
                    while not ended.is_set() and (self.build_next() or self.build_allowed()):
                        pass
                except Exception:
                    log.exception("builder.tick.failed")
                    close_old_connections()
                listener.wait(timedelta(seconds=settings.RANGE_SWEEP_SECONDS))

    def take_over(self) -> None:
        """Put back what a builder before this one left half-done, or whose images are outdated.

        Raises:
            EngineDown: The engine does not answer.
        """
        ScenarioVersion.objects.filter(image_state=State.BUILDING).update(image_state=State.PENDING)
        newest = ScenarioVersion.objects.latest_per_scenario().values("pk")
        ready = ScenarioVersion.objects.filter(pk__in=newest, image_state=State.READY)
        for version in ready.select_related("scenario"):
            self.put_back(version)
        for image in AllowedImage.objects.filter(withdrawn_at=None).exclude(tag=""):
            if image.tag != allowed_tag(image, build=False) or not image_exists(image.tag):
                AllowedImage.objects.filter(pk=image.pk).update(tag="")

    def put_back(self, version: ScenarioVersion) -> None:
        """Let a ready version wait again if its images are gone or the base has changed since.

        Raises:
            EngineDown: The engine does not answer.
        """
        if version.image_state == State.READY and self._is_outdated(version):
            self._move(version, State.READY, State.PENDING)

    def build_next(self) -> bool:
        """Build the newest version that waits; False when none does."""
        waiting = ScenarioVersion.objects.filter(image_state=State.PENDING)
        version = waiting.select_related("scenario").order_by("-published_at").first()
        return version is not None and self.build(version)

    def build_allowed(self) -> bool:
        """Build the oldest image of the catalogue that is not built; False when none waits.

        Raises:
            RangeError: The engine does not answer.
        """
        waiting = AllowedImage.objects.filter(tag="", detail="", withdrawn_at=None)
        image = waiting.order_by("allowed_at").first()
        if image is None:
            return False
        try:
            tag = allowed_tag(image, build=True, progress=self._progress)
        except RangeError as error:
            if error.reason == "engine-down":
                raise
            log.warning("images.allowed.failed", image=image.name, reason=error.reason)
            facts: dict[str, object] = {"detail": error.message[-DETAIL_LIMIT:]}
        else:
            facts = {"tag": tag, "size_bytes": image_size(tag)}
        AllowedImage.objects.filter(pk=image.pk).update(**facts)
        return True

    def build(self, version: ScenarioVersion, *, source: str = State.PENDING) -> bool:
        """Build a version's images if it still is in a state; False if somebody else was faster.

        A failure is written to the row, for authors to read.

        Raises:
            RangeError: The engine does not answer; the version waits again.
        """
        if not self._move(version, source, State.BUILDING):
            return False
        log.info("images.build.begun", scenario=version.scenario.slug)
        try:
            images = self._images(version)
        except RangeError as error:
            if error.reason == "engine-down":
                self._move(version, State.BUILDING, State.PENDING)
                raise
            detail = error.message[-DETAIL_LIMIT:]
            self._move(version, State.BUILDING, State.FAILED, image_detail=detail)
            log.warning("images.build.failed", scenario=version.scenario.slug, reason=error.reason)
        else:
            self._move(version, State.BUILDING, State.READY, images=images, image_detail="")
            log.info("images.build.ready", scenario=version.scenario.slug)
        return True

    def _images(self, version: ScenarioVersion) -> dict[str, str]:
        with self._files(version) as folder:
            if folder is None:
                raise FolderChanged(version.scenario.slug)
            return build_images(spec_of(version), folder, progress=self._progress)

    def _is_outdated(self, version: ScenarioVersion) -> bool:
        if not all(image_exists(tag) for tag in set(version.images.values())):
            return True
        # An image's name follows from its inputs, the base image's among them.
        with self._files(version) as folder:
            return folder is not None and tags_of(spec_of(version), folder) != version.images

    @contextmanager
    def _files(self, version: ScenarioVersion) -> Iterator[Path | None]:
        """Give a version's files: its folder, or what was kept of it; None where both are gone."""
        if is_unchanged(version, folder := self._folder(version)):
            yield folder
        elif (kept := source_of(version)) is not None:
            with written_out(kept, name=version.scenario.slug) as folder:
                yield folder
        else:
            yield None

    def _folder(self, version: ScenarioVersion) -> Path:
        return self._scenarios / version.scenario.slug

    def _take_over(self) -> None:
        if not self._taken_over:
            self.take_over()
            self._taken_over = True

    def _move(self, version: ScenarioVersion, source: str, target: str, **fields: object) -> bool:
        rows = ScenarioVersion.objects.filter(pk=version.pk, image_state=source)
        with transaction.atomic():
            moved = rows.update(image_state=target, **fields) == 1
            if moved:
                notify(IMAGES_CHANNEL, f"{version.pk} {target}")
        return moved
