"""Open a web view: what the site asks for, and what the browser hands in at the other end."""

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.utils import timezone

from range.accounts.models import User
from range.catalog.schema import ScenarioSpec
from range.catalog.schema_machines import ViewSpec
from range.catalog.services import attempt_spec
from range.console.admission import may_type
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.runtime.driver import Handle
from range.sandboxes.activity import touch
from range.sandboxes.models import Sandbox
from range.sandboxes.services import live_sandbox
from range.timeline.services import record
from range.webview.addresses import ENTER, label_of, origin_of
from range.webview.models import WebView

# A code travels in an address, which browsers write down: it serves once, and soon.
CODE_LASTS = timedelta(seconds=60)
# Openings of one page that may hold a ticket at the same time, such as tabs and other browsers.
KEPT_OPENINGS = 8


class NoSuchView(RangeError):
    """The machine does not exist, is hidden, or its scenario shows no page of it."""

    def __init__(self) -> None:
        super().__init__(
            "This machine has no web page to show here.", reason="no-web-view", status=404
        )


class NotRunning(RangeError):
    """There are no machines whose page could be shown."""

    def __init__(self) -> None:
        super().__init__(
            "The machines are not running. The page opens when they do.",
            reason="not-running",
            status=409,
            retryable=True,
        )


def views_in(spec: ScenarioSpec) -> dict[str, ViewSpec]:
    """Return what trainees may look at in a scenario, by machine."""
    return {
        name: machine.view
        for name, machine in spec.machines.items()
        if machine.view is not None and not machine.hidden
    }


def open_view(person: User, attempt: Attempt, machine: str, *, session_key: str) -> str:
    """Open a machine's web page for its trainee; return the address that lets a browser in.

    The address serves one browser, once, within a minute.

    Args:
        session_key: The sign-in the view belongs to; it ends with that.

    Raises:
        NoSuchView: It is not theirs, or not marked by the scenario.
        NotRunning: The machines do not run.
    """
    sandbox = live_sandbox(attempt)
    if not may_type(person, attempt):
        raise NoSuchView
    if sandbox is None or not is_usable(sandbox) or attempt.state != Attempt.State.ACTIVE:
        raise NotRunning
    view = views_in(attempt_spec(attempt.version, attempt.pk, sandbox.epoch)).get(machine)
    if view is None or machine not in Handle.from_json(sandbox.handle or {}).machines:
        raise NoSuchView
    code = secrets.token_urlsafe(32)
    with transaction.atomic():
        WebView.objects.create(
            sandbox=sandbox,
            person=person,
            machine=machine,
            session_key=session_key,
            code_digest=digest(code),
        )
        _forget_old(sandbox, person, machine)
        actor = f"trainee:{person.pk}"
        record(attempt.pk, kind="view.opened", actor=actor, payload={"machine": machine})
    touch([sandbox.pk])
    origin = origin_of(label_of(sandbox.pk, person.pk, machine))
    return f"{origin}{ENTER}?{urlencode({'code': code, 'to': view.path})}"


def hand_over(code: str, *, label: str, embedded: bool) -> str | None:
    """Exchange a code for a ticket; None unless it is fresh, unused and of this view.

    Args:
        label: The view that the browser asked.
    """
    since = timezone.now() - CODE_LASTS
    fresh = WebView.objects.filter(code_digest=digest(code), opened_at__gt=since)
    view = fresh.first()
    if view is None or label_of(view.sandbox_id, view.person_id, view.machine) != label:
        return None
    ticket = secrets.token_urlsafe(32)
    taken = fresh.update(code_digest=None, ticket_digest=digest(ticket), embedded=embedded)
    return ticket if taken == 1 else None


def is_usable(sandbox: Sandbox) -> bool:
    """Tell whether a sandbox's machines can be asked, and are meant to go on."""
    running = sandbox.state == Sandbox.State.RUNNING and bool(sandbox.handle)
    return running and sandbox.wanted == Sandbox.Wanted.RUNNING


def digest(secret: str) -> str:
    """Return what is kept of a code or a ticket; both are long enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _forget_old(sandbox: Sandbox, person: User, machine: str) -> None:
    same = WebView.objects.filter(sandbox=sandbox, person=person, machine=machine)
    kept = same.order_by("-opened_at").values_list("pk", flat=True)[:KEPT_OPENINGS]
    same.exclude(pk__in=list(kept)).delete()
