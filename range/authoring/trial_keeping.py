"""Keeps authors' trials running: one thread for each, begun when there is room for it."""

import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from django.db import connection
from django.utils import timezone

from range.authoring import trial_disks, trial_slot
from range.authoring.images import build_images
from range.authoring.models import DraftTrial
from range.authoring.news import trial_changed
from range.authoring.room import refuse_without_room
from range.authoring.trial import Trial as Desk
from range.authoring.trial_session import UNSEEN, Session, is_up
from range.authoring.trial_slot import Drivers
from range.authoring.verify import Build
from range.catalog.schema import ScenarioSpec
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.lib.notify import notify
from range.sandboxes.models import Trial

log = get_logger(__name__)

State = Trial.State
# Trials at once on one machine; others wait in line.
MOST_TRIALS = 4


class Keeping:
    """Every trial of this machine.

    Args:
        folder: Where locks lie, which tell whose machines may be removed.
        protect: Refuses while the host would be open to what is started.
    """

    def __init__(
        self,
        folder: Path,
        drivers: Drivers,
        *,
        protect: Callable[[], None],
        build: Build = build_images,
    ) -> None:
        self._folder, self._drivers, self._protect, self._build = folder, drivers, protect, build
        self._kept: dict[uuid.UUID, _Kept] = {}

    @property
    def is_busy(self) -> bool:
        """Tell whether any runs."""
        return bool(self._kept)

    def take_over(self) -> None:
        """Remove what a killed role left; its trials begin anew, if anybody still looks.

        Raises:
            EngineDown: The engine does not answer.
        """
        trial_slot.sweep(self._folder, self._drivers)
        Trial.objects.filter(state__in=[State.STARTING, State.UP, State.BROKEN]).update(
            state=State.WAITING, handle=None
        )

    def tick(self) -> None:
        """Begin what waits, and have each look at what its author wants."""
        self._kept = {pk: kept for pk, kept in self._kept.items() if kept.is_alive()}
        unseen = Trial.objects.filter(state=State.WAITING, seen_at__lt=timezone.now() - UNSEEN)
        unseen.update(state=State.ENDED, reason="left", ended_at=timezone.now())
        stopped = Trial.objects.filter(state=State.WAITING, stop_wanted=True)
        stopped.update(state=State.ENDED, reason="stopped", ended_at=timezone.now())
        over = Trial.objects.filter(pk__in=list(self._kept), stop_wanted=True)
        for trial_id in over.values_list("pk", flat=True):
            self._kept[trial_id].end_machines()
        for kept in self._kept.values():
            kept.look()
        room = MOST_TRIALS - len(self._kept)
        waiting = Trial.objects.filter(state=State.WAITING).order_by("made_at")
        for trial_id in waiting.values_list("pk", flat=True)[: max(0, room)]:
            moved = Trial.objects.filter(pk=trial_id, state=State.WAITING).update(
                state=State.STARTING
            )
            if moved and trial_id not in self._kept:
                kept = _Kept(trial_id, self)
                self._kept[trial_id] = kept
                kept.start()

    def guard_disks(self) -> None:
        """Bound what the machines of every trial write; called in a thread of its own."""
        for kept in list(self._kept.values()):
            if (desk := kept.desk) is not None:
                trial_disks.guard(kept.trial_id, desk)

    def shut(self) -> None:
        """End all; their machines are removed, and they begin anew with the next role."""
        for kept in self._kept.values():
            kept.leave()
        for kept in self._kept.values():
            kept.end_machines()
            kept.join()
        self._kept.clear()

    def keep(self, kept: "_Kept") -> None:
        """Hold one trial until it is over; called in its thread."""
        name = f"web-{kept.trial_id.hex}"
        with trial_slot.slot(self._folder, name, self._drivers) as driver:
            place = Path(tempfile.mkdtemp(prefix="muster-trial-"))
            try:
                row = DraftTrial.objects.select_related("draft").get(pk=kept.trial_id)

                def build(spec: ScenarioSpec, folder: Path) -> Mapping[str, str]:
                    if not is_up(desk):
                        refuse_without_room(spec)
                    return self._build(spec, folder)

                desk = Desk(driver, place / row.draft.slug, variant=row.variant, build=build)
                kept.desk = desk
                try:
                    Session(desk, row, protect=self._protect).hold(kept)
                finally:
                    kept.desk = None
                    desk.stop()
            finally:
                shutil.rmtree(place, ignore_errors=True)


class _Kept(threading.Thread):
    def __init__(self, trial_id: uuid.UUID, keeping: Keeping) -> None:
        super().__init__(name=f"trial {trial_id}", daemon=True)
        self.trial_id, self._keeping = trial_id, keeping
        self.news, self.left = threading.Event(), threading.Event()
        self.desk: Desk | None = None

    def look(self) -> None:
        self.news.set()

    def leave(self) -> None:
        self.left.set()
        self.news.set()

    def end_machines(self) -> None:
        """End what runs in its machines with them, so that no step is waited for."""
        if (desk := self.desk) is None:
            return
        try:
            for handle in list(desk.driver.running()):
                desk.driver.stop(handle)
        except RangeError as error:
            log.warning("trial.machines.left", trial=str(self.trial_id), reason=error.reason)

    def run(self) -> None:
        reason = "failed"
        try:
            self._keeping.keep(self)
            reason = ""
        except RangeError as error:
            log.warning("trial.ended", trial=str(self.trial_id), reason=error.reason)
            reason = error.reason
        except Exception:
            log.exception("trial.failed", trial=str(self.trial_id))
        finally:
            self._note_end(reason)
            connection.close()

    def _note_end(self, reason: str) -> None:
        rows = Trial.objects.live().filter(pk=self.trial_id)
        if self.left.is_set():
            rows.update(state=State.WAITING, handle=None)
        else:
            facts = {"reason": reason} if reason else {}
            rows.update(state=State.ENDED, ended_at=timezone.now(), handle=None, **facts)
        notify("sandboxes", str(self.trial_id))
        trial_changed(self.trial_id)
