"""Carries out one verification at a time: claimed, followed, stopped, written down."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import DataError, connection
from django.utils import timezone

from range.authoring import drafts
from range.authoring.images import build_images
from range.authoring.models import DraftRevision, VerificationRun
from range.authoring.news import line_changed, verification_changed
from range.authoring.room import refuse_without_room
from range.authoring.verification import Verification
from range.authoring.verification_progress import Progress
from range.authoring.verifications import in_line
from range.authoring.verified import own_log
from range.authoring.verify import Build, Verifier
from range.catalog.models import ScenarioVersion
from range.catalog.publish import source_of
from range.catalog.schema import ScenarioSpec
from range.catalog.services import is_unchanged
from range.catalog.source import written_out
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.storable import storable
from range.runtime.driver import Driver
from range.sandboxes.models import Sandbox
from range.timeline.services import record

log = get_logger(__name__)

State = VerificationRun.State
# Whatever ended its role twice would end it a third time.
MOST_BEGUN = 2
PARALLEL = 2
ITSELF_FAILED = (
    "Verification itself failed. Whoever runs the range finds why in var/log/workshop.log."
)


class FilesGone(RangeError):
    """What was to be verified is not kept any more."""

    def __init__(self) -> None:
        super().__init__(
            "The files of this revision are not kept any more. Verify the draft as it is now.",
            reason="files-gone",
            status=409,
        )


class Verifying:
    """The verifications of this machine.

    Args:
        driver: Holds sandboxes of verification and no others.
        protect: Refuses while the host would be open to what is started.
    """

    def __init__(
        self, driver: Driver, *, protect: Callable[[], None], build: Build = build_images
    ) -> None:
        self._driver, self._protect, self._build = driver, protect, build
        self._run: VerificationRun | None = None
        self._progress: Progress | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether one is under way."""
        return self._run is not None

    def take_over(self) -> None:
        """Put back in line what a killed role left, or fail what has ended it before."""
        left = VerificationRun.objects.filter(state=State.RUNNING)
        given_up = left.filter(begun__gte=MOST_BEGUN)
        given_up.update(
            state=State.FAILED,
            ended_at=timezone.now(),
            message="The range stopped while this was verified, twice. Ask whoever runs it to look "
            "at var/log/workshop.log.",
        )
        left.update(state=State.WAITING, progress={})

    def tick(self) -> None:
        """Begin the next one, or follow the one under way."""
        run, progress = self._run, self._progress
        if run is None or progress is None:
            self._begin()
            return
        try:
            self._follow(run, progress)
        except (DataError, ValueError):
            # What this one found cannot be written down: it fails alone, and other work goes on.
            log.exception("verification.not_written", run=str(run.pk))
            self._failed(run, ITSELF_FAILED)
            self._end_machines(progress)

    def shut(self) -> None:
        """End the one under way so that it begins anew later; its machines are removed."""
        run, progress, thread = self._run, self._progress, self._thread
        if run is None or progress is None or thread is None:
            return
        self._end_machines(progress)
        thread.join()
        VerificationRun.objects.claim(
            run.pk, source=State.RUNNING, target=State.WAITING, progress={}, begun=run.begun - 1
        )
        self._run = None

    def _begin(self) -> None:
        run = in_line().select_related("draft", "version__scenario").first()
        if run is None:
            return
        moved = VerificationRun.objects.claim(
            run.pk,
            source=State.WAITING,
            target=State.RUNNING,
            begun=run.begun + 1,
            started_at=timezone.now(),
        )
        if not moved:
            return
        run.begun += 1
        line_changed()
        log.info("verification.begun", run=str(run.pk), begun=run.begun)
        self._run, self._progress = run, Progress()
        self._let_trainees_first(self._progress)
        self._thread = threading.Thread(
            target=self._carry_out, args=(run, self._progress), name="verification", daemon=True
        )
        self._thread.start()

    def _follow(self, run: VerificationRun, progress: Progress) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._run = None
            # Only what its thread could not write down is still called running.
            self.take_over()
            return
        row = VerificationRun.objects.filter(pk=run.pk).values("stop_wanted").first()
        if row is None or row["stop_wanted"]:
            self._end_machines(progress)
        self._let_trainees_first(progress)
        if progress.is_new:
            rows = VerificationRun.objects.filter(pk=run.pk, state=State.RUNNING)
            rows.update(progress=progress.as_json())
            verification_changed(run.pk)

    def _let_trainees_first(self, progress: Progress) -> None:
        waiting = [Sandbox.State.REQUESTED, Sandbox.State.STARTING]
        if Sandbox.objects.filter(state__in=waiting).exists():
            progress.go.clear()
        else:
            progress.go.set()

    def _end_machines(self, progress: Progress) -> None:
        """Have it end soon: what runs in its machines ends with them."""
        progress.stop.set()
        for handle in list(self._driver.running()):
            self._driver.stop(handle)

    def _carry_out(self, run: VerificationRun, progress: Progress) -> None:
        try:
            self._protect()
            with _folder_of(run) as folder:
                verifier = Verifier(
                    driver=self._driver,
                    build=self._built,
                    parallel=PARALLEL,
                    follower=progress,
                )
                self._written(run, progress, verifier.verify(folder))
        except RangeError as error:
            self._failed(run, error.message)
        except Exception:
            log.exception("verification.failed", run=str(run.pk))
            self._failed(run, ITSELF_FAILED)
        finally:
            self._remove_all()
            connection.close()

    def _built(self, spec: ScenarioSpec, folder: Path) -> Mapping[str, str]:
        refuse_without_room(spec, sandboxes=PARALLEL)
        return self._build(spec, folder)

    def _written(self, run: VerificationRun, progress: Progress, found: Verification) -> None:
        wanted = VerificationRun.objects.filter(pk=run.pk, stop_wanted=True).exists()
        if found.stopped and not wanted:
            # The role ends, and nobody asked for it: `shut` puts it back in line.
            return
        state = State.STOPPED if found.stopped else State.PASSED if found.passed else State.FAILED
        report = progress.as_json() | {"seconds": round(found.seconds, 1)}
        moved = VerificationRun.objects.claim(
            run.pk,
            source=State.RUNNING,
            target=state,
            digest=found.digest,
            report=report,
            progress={},
            message=storable(found.error),
            ended_at=timezone.now(),
        )
        if moved and state == State.PASSED:
            own_log().add(found.id, found.digest)
            versions = ScenarioVersion.objects.filter(digest=found.digest)
            versions.update(verified_at=timezone.now())
        if moved:
            line_changed()
            _note(run, state, report)
            log.info(
                "verification.ended", run=str(run.pk), state=state.value, seconds=found.seconds
            )

    def _failed(self, run: VerificationRun, message: str) -> None:
        VerificationRun.objects.claim(
            run.pk,
            source=State.RUNNING,
            target=State.FAILED,
            message=storable(message),
            progress={},
            ended_at=timezone.now(),
        )
        line_changed()

    def _remove_all(self) -> None:
        try:
            for handle in list(self._driver.running()):
                self._driver.stop(handle)
        except RangeError as error:
            log.warning("verification.machines.left", reason=error.reason)


@contextmanager
def _folder_of(run: VerificationRun) -> Iterator[Path]:
    """Give the files that a verification is of.

    Raises:
        FilesGone: They are not kept any more.
    """
    if run.version is not None:
        with _folder_of_version(run.version) as folder:
            yield folder
        return
    revision = DraftRevision.objects.filter(draft=run.draft_id, number=run.revision or 0)
    kept = revision.select_related("draft").first()
    if kept is None:
        raise FilesGone
    with drafts.folder_of(kept) as folder:
        yield folder


@contextmanager
def _folder_of_version(version: ScenarioVersion) -> Iterator[Path]:
    kept = source_of(version)
    folder = Path(settings.RANGE_SCENARIOS_DIR) / version.scenario.slug
    if kept is not None:
        with written_out(kept, name=version.scenario.slug) as written:
            yield written
    elif is_unchanged(version, folder):
        yield folder
    else:
        raise FilesGone


def _note(run: VerificationRun, state: str, report: dict[str, object]) -> None:
    kind = "verified" if state == State.PASSED else "not_verified"
    if run.version is not None:
        subject_id, subject = run.version.scenario_id, "scenario"
    elif run.draft is not None:
        subject_id, subject = run.draft.pk, "draft"
    else:
        return
    record(
        subject_id,
        kind=f"{subject}.{kind}",
        actor="range",
        payload={"state": state, "runs": report["total"], "differing": report["differing"]},
    )
