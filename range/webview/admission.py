"""Decides whether whoever holds a ticket may see a machine's page now, and which that is."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from range.catalog.services import attempt_spec
from range.console.admission import may_type, person_of
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.runtime.driver import Handle
from range.sandboxes.activity import awake
from range.webview.addresses import label_of
from range.webview.models import WebView
from range.webview.services import NoSuchView, digest, is_usable, views_in

AWAKE_WITHIN = timedelta(seconds=10)


class NoTicket(RangeError):
    """The browser holds no ticket for this view, or the sign-in behind it has ended."""

    def __init__(self) -> None:
        super().__init__(
            "This page belongs to one browser and one sign-in. Open it from the workspace.",
            reason="no-ticket",
            status=403,
        )


class Ended(RangeError):
    """The attempt or its machines have ended; a page of fresh machines has another address."""

    def __init__(self) -> None:
        super().__init__(
            "The machines of this page have ended. Once fresh ones run, open it from the "
            "workspace again.",
            reason="ended",
            status=410,
        )


class StillPaused(RangeError):
    """The machines stand still and did not go on in time."""

    def __init__(self) -> None:
        super().__init__(
            "The machines were paused and are being woken. This page tries again by itself.",
            reason="paused",
            status=503,
            retryable=True,
        )


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A machine's page that a ticket opens.

    Args:
        ticket: The one that opened it.
        network: From which the machine is asked, as an ordinary peer.
        names: What the machine calls itself where it names its own address, port included.
    """

    ticket: str = field(repr=False)
    label: str
    sandbox_id: uuid.UUID
    driver: str
    handle: Handle
    machine: str
    title: str
    network: str
    port: int
    names: frozenset[str]
    embedded: bool

    @property
    def authority(self) -> str:
        """Return what the machine is called in its Host header."""
        return self.machine if self.port == 80 else f"{self.machine}:{self.port}"


def admit(label: str, tickets: Iterable[str]) -> Grant:
    """Return what a ticket opens; paused machines are woken.

    Args:
        tickets: Those that the browser sent. There may be several: a machine's page can set
            cookies for its neighbours, so the right one need not be the first.

    Raises:
        NoTicket: None is of this view, or the sign-in has ended.
        Ended: The attempt or its machines have.
        NoSuchView: The scenario marks no page of this machine.
        StillPaused: The machines did not wake in time.
    """
    digests = {digest(ticket): ticket for ticket in tickets}
    found = WebView.objects.filter(ticket_digest__in=digests).select_related(
        "sandbox__attempt__exercise__version"
    )
    for view in found.order_by("-opened_at"):
        if label_of(view.sandbox_id, view.person_id, view.machine) == label:
            return _grant(view, label, digests[view.ticket_digest or ""])
    raise NoTicket


def _grant(view: WebView, label: str, ticket: str) -> Grant:
    sandbox, attempt = view.sandbox, view.sandbox.attempt
    person = person_of(view.session_key)
    if person is None or person.pk != view.person_id or not may_type(person, attempt):
        raise NoTicket
    if attempt.state != Attempt.State.ACTIVE or not is_usable(sandbox):
        raise Ended
    spec = attempt_spec(attempt.version, attempt.pk, sandbox.epoch)
    marked = views_in(spec).get(view.machine)
    if marked is None:
        raise NoSuchView
    if not awake(sandbox.pk, within=AWAKE_WITHIN):
        raise StillPaused
    handle = Handle.from_json(sandbox.handle or {})
    machine = spec.machines[view.machine]
    known = (view.machine, *machine.aliases, *handle.machines[view.machine].addresses.values())
    port = int(marked.port)
    return Grant(
        ticket=ticket,
        label=label,
        sandbox_id=sandbox.pk,
        driver=sandbox.driver,
        handle=handle,
        machine=view.machine,
        title=marked.title,
        network=machine.networks[0],
        port=port,
        names=frozenset(f"{name}:{port}" for name in known),
        embedded=view.embedded,
    )
