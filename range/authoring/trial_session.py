"""One author's desk: follows its draft on every save, and carries out what its author asks."""

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Protocol

from django.utils import timezone

from range.authoring import drafts
from range.authoring.models import Draft, DraftTrial, TrialOrder
from range.authoring.news import trial_changed
from range.authoring.plan import VariantNeverDrawn
from range.authoring.trial import Judged, Ready
from range.authoring.trial import Trial as Desk
from range.authoring.verification import Stopped
from range.catalog.briefs import to_html
from range.catalog.problems import ScenarioInvalid
from range.catalog.reader import BRIEF_FILE
from range.catalog.schema_variables import ChoiceVariable
from range.catalog.source import write_files
from range.catalog.templating import fill
from range.checks.spec import Scalar
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.lib.storable import storable, storable_data
from range.sandboxes.models import Trial

State = Trial.State
# A page that is open tells so several times a minute.
UNSEEN = timedelta(seconds=150)
LONGEST = timedelta(hours=2)
LOOK_SECONDS = 0.5
EXCERPT_CHARACTERS = 400
BRIEF_CHARACTERS = 60_000


class Waker(Protocol):
    """Whoever holds a session: tells it of news, and that it is to leave."""

    news: threading.Event
    left: threading.Event


class Session:
    """One author's desk with the draft it follows."""

    def __init__(self, desk: Desk, row: DraftTrial, *, protect: Callable[[], None]) -> None:
        self._desk, self._row, self._protect = desk, row, protect
        self._tried: int | None = None
        self._began = timezone.now()

    def hold(self, kept: Waker) -> None:
        """Follow the draft and the author's orders until the trial is over."""
        go_on = partial(self._go_on, kept)
        with suppress(Stopped):
            while True:
                go_on()
                self._follow()
                for order in self._row.orders.filter(done_at=None).order_by("asked_at", "pk"):
                    self._do(order, go_on)
                kept.news.wait(LOOK_SECONDS)
                kept.news.clear()

    def _go_on(self, kept: Waker) -> None:
        """Raise `Stopped` where this is over, or the role ends and another one goes on."""
        if kept.left.is_set():
            raise Stopped
        if (reason := self._over()) is not None:
            Trial.objects.filter(pk=self._row.pk).update(reason=reason)
            raise Stopped

    def _over(self) -> str | None:
        trial = Trial.objects.filter(pk=self._row.pk).first()
        now = timezone.now()
        if trial is None or trial.stop_wanted:
            return "stopped"
        if now - trial.seen_at > UNSEEN:
            return "left"
        return "too-long" if now - self._began > LONGEST else None

    def _follow(self) -> None:
        revision = Draft.objects.values_list("revision", flat=True).get(pk=self._row.draft_id)
        if revision != self._tried:
            self._bring_up(self._desk.refresh)

    def _bring_up(self, how: Callable[[], Ready]) -> None:
        draft = Draft.objects.get(pk=self._row.draft_id)
        self._tried = draft.revision
        if not is_up(self._desk):
            # Nothing runs, so what was told of disks is of machines that are gone.
            DraftTrial.objects.filter(pk=self._row.pk).update(disks={})
        self._told(draft, {"state": "working", "text": "Bringing the machines up to date"})
        try:
            self._protect()
            shutil.rmtree(self._desk.folder, ignore_errors=True)
            self._desk.folder.mkdir(parents=True)
            write_files(drafts.files_of(draft), self._desk.folder)
            ready = how()
        except ScenarioInvalid as error:
            problems = [str(problem) for problem in error.problems[:20]]
            self._broken(draft, "This cannot run yet; what ran before goes on.", problems)
        except VariantNeverDrawn as error:
            self._broken(draft, f"{str(error).capitalize()}.", [])
        except RangeError as error:
            self._broken(draft, error.message, [])
        else:
            self._up(draft, ready)

    def _up(self, draft: Draft, ready: Ready) -> None:
        machines = ", ".join(ready.machines)
        self._row.revision = draft.revision
        self._row.save(update_fields=["revision"])
        text = f"started {machines}" if machines else "no machine differs"
        self._told(
            draft,
            {
                "state": "up",
                "text": f"Ready in {ready.seconds:.1f} s: {text}.",
                "values": {name: str(value) for name, value in self._desk.values.items()},
                "choices": self._choices(),
                "brief": self._brief(),
            },
        )
        # Last, so that whoever sees it up finds told how it came up.
        handle = self._desk.handle.to_json()
        Trial.objects.filter(pk=self._row.pk).update(state=State.UP, handle=handle)
        notify("sandboxes", str(self._row.pk))
        trial_changed(self._row.pk)

    def _choices(self) -> dict[str, list[str]]:
        """Return what a variant is made of: each deciding choice with its options."""
        return {
            name: [str(option) for option in variable.options]
            for name, variable in self._desk.spec.variables.items()
            if isinstance(variable, ChoiceVariable)
        }

    def _brief(self) -> str:
        """Return the brief as a trainee of this very attempt would read it."""
        path = self._desk.folder / BRIEF_FILE
        try:
            text = path.read_text(encoding="utf-8")
            html = to_html(fill(text, self._desk.values, name=BRIEF_FILE))
        except (OSError, ValueError, RangeError):
            return ""
        return html if len(html) <= BRIEF_CHARACTERS else ""

    def _as_written(self, variant: Mapping[str, str]) -> dict[str, Scalar]:
        """Return chosen options as the scenario has them: a page knows their text alone."""
        found: dict[str, Scalar] = {}
        for name, variable in self._desk.spec.variables.items():
            if isinstance(variable, ChoiceVariable):
                same = [each for each in variable.options if str(each) == variant.get(name)]
                if same:
                    found[name] = same[0]
        return found

    def _broken(self, draft: Draft, text: str, problems: list[str]) -> None:
        self._told(draft, {"state": "broken", "text": text, "problems": problems})
        rows = Trial.objects.filter(pk=self._row.pk)
        if is_up(self._desk):
            # Of a machine that did not come up anew, nothing is left to connect to.
            rows.update(handle=self._desk.handle.to_json())
        else:
            rows.update(state=State.BROKEN, handle=None)
        trial_changed(self._row.pk)

    def _told(self, draft: Draft, told: dict[str, object]) -> None:
        at = timezone.now().isoformat()
        DraftTrial.objects.filter(pk=self._row.pk).update(
            told=storable_data(told) | {"revision": draft.revision, "at": at}
        )
        trial_changed(self._row.pk)

    def _do(self, order: TrialOrder, go_on: Callable[[], None]) -> None:
        go_on()
        try:
            answer = self._done(order, go_on)
        except RangeError as error:
            # Its machines may have been taken away under it.
            go_on()
            answer = storable(error.message)
        TrialOrder.objects.filter(pk=order.pk).update(done_at=timezone.now(), answer=answer)
        trial_changed(self._row.pk)

    def _done(self, order: TrialOrder, go_on: Callable[[], None]) -> str:
        match order.kind:
            case TrialOrder.Kind.HAND_IN:
                right = self._desk.hand_in(order.text)
                self._judge()
                return f"Right for {', '.join(right)}." if right else "Right for no objective."
            case TrialOrder.Kind.SOLVE:
                self._desk.solve(go_on=go_on)
                self._judge()
                return "Every reference was carried out, and the checks were run."
            case TrialOrder.Kind.RENEW:
                return self._renewed(order)
            case _:
                self._judge()
                return "The checks were run."

    def _renewed(self, order: TrialOrder) -> str:
        variant = self._as_written(json.loads(order.text)) if order.text else self._row.variant
        self._desk.choose(variant)
        DraftTrial.objects.filter(pk=self._row.pk).update(variant=variant, judged={})
        self._row.variant = variant
        self._bring_up(self._desk.renew)
        return "Started anew, with other values drawn."

    def _judge(self) -> None:
        judged = self._desk.judge()
        DraftTrial.objects.filter(pk=self._row.pk).update(
            judged={
                "at": timezone.now().isoformat(),
                "revision": self._row.revision,
                "objectives": storable_data([_judged(each) for each in judged]),
            }
        )


def is_up(desk: Desk) -> bool:
    """Tell whether any machine of a desk runs."""
    try:
        return bool(desk.handle.machines)
    except RangeError:
        return False


def _judged(each: Judged) -> dict[str, object]:
    return {
        "key": each.objective,
        "outcome": each.outcome,
        "checks": [
            {
                "id": check,
                "outcome": judgement.outcome.value,
                "reason": judgement.reason,
                "excerpt": judgement.excerpt[:EXCERPT_CHARACTERS],
            }
            for check, judgement in each.checks.items()
        ],
    }
