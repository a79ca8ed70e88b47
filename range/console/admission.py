"""Decides once, before a socket is accepted, whether a person may use a console."""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from range.accounts.access import can_launch, can_see_workshop, can_work_in_attempt
from range.accounts.models import User
from range.console.extra_consoles import closed_among, is_open
from range.console.protocol import Close
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.runtime.driver import Handle
from range.sandboxes.models import Sandbox, Trial

_CONSOLE_ID = re.compile(r"[a-z0-9-]{1,32}")


class ConsoleRefused(RangeError):
    """This person gets no console here.

    Args:
        code: With which the socket is closed; None refuses the handshake itself, so that
            nothing can be learnt from outside.
    """

    def __init__(self, message: str, *, reason: str, code: Close | None = None) -> None:
        super().__init__(message, reason=reason, status=403)
        self.code = code


class NotYetRunning(ConsoleRefused):
    """The machines are on their way; whoever may type is admitted as soon as they run."""

    def __init__(self, *, person_id: uuid.UUID, sandbox_id: uuid.UUID) -> None:
        super().__init__(
            "The sandbox is not ready yet. The console opens when it runs.",
            reason="not-running",
            code=Close.NOT_RUNNING,
        )
        self.person_id = person_id
        self.sandbox_id = sandbox_id


@dataclass(frozen=True, kw_only=True, eq=False)
class Permission:
    """A person, their sign-in, and the console of a running sandbox they may do something with."""

    person_id: uuid.UUID
    session_key: str
    attempt_id: uuid.UUID
    sandbox_id: uuid.UUID
    machine: str
    console: str

    def holds(self, person: User, attempt: Attempt) -> bool:
        """Tell whether the person still may."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, eq=False)
class Admission(Permission):
    """Permission to type.

    Args:
        is_paused: Whether its machines must be resumed before anything can be opened.
    """

    driver: str
    handle: Handle
    is_paused: bool = False

    def holds(self, person: User, attempt: Attempt) -> bool:
        """Tell whether the person may still type."""
        return may_type(person, attempt)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialAdmission(Admission):
    """Permission to type in an author's own sandbox; `attempt_id` names it where others name one.

    It belongs to no attempt, so nothing of it is recorded.
    """


def admit_trial(cookies: Mapping[str, str], *, trial_id: uuid.UUID, machine: str) -> TrialAdmission:
    """Return what a socket may do in an author's own sandbox.

    Raises:
        NotYetRunning: Its machines are still to start.
        ConsoleRefused: Not signed in, not theirs, not running, or no such console.
    """
    session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    person = person_of(session_key)
    if person is None:
        raise ConsoleRefused("Sign in to use a console.", reason="signed-out")
    trial = Trial.objects.filter(pk=trial_id, person=person).first()
    if trial is None or not can_see_workshop(person):
        raise ConsoleRefused("There is no such console of yours.", reason="not-yours")
    if trial.state == Trial.State.ENDED or trial.stop_wanted:
        raise ConsoleRefused("This trial has ended.", reason="not-running", code=Close.NOT_RUNNING)
    if trial.state != Trial.State.UP or not trial.handle:
        raise NotYetRunning(person_id=person.pk, sandbox_id=trial.pk)
    handle = Handle.from_json(trial.handle)
    machine_handle = handle.machines.get(machine)
    if machine_handle is None or not machine_handle.console_user:
        raise _no_such_console()
    return TrialAdmission(
        person_id=person.pk,
        session_key=session_key,
        attempt_id=trial.pk,
        sandbox_id=trial.pk,
        machine=machine,
        console="main",
        driver=trial.driver,
        handle=handle,
    )


def admit(
    cookies: Mapping[str, str], *, attempt_id: uuid.UUID, machine: str, console: str
) -> Admission:
    """Return what a socket may do; asked once, because keys meet no database.

    Raises:
        NotYetRunning: The machines are still to start.
        ConsoleRefused: Not signed in, not theirs, not running, or no such console.
    """
    session_key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    person = person_of(session_key)
    if person is None:
        raise ConsoleRefused("Sign in to use a console.", reason="signed-out")
    attempt = Attempt.objects.filter(pk=attempt_id).first()
    if attempt is None or not may_type(person, attempt):
        raise ConsoleRefused("There is no such console of yours.", reason="not-yours")
    sandbox = _running_sandbox(attempt, person)
    handle = Handle.from_json(sandbox.handle or {})
    machine_handle = handle.machines.get(machine)
    if machine_handle is None or not machine_handle.console_user:
        raise _no_such_console()
    if not _CONSOLE_ID.fullmatch(console):
        raise _no_such_console()
    if not is_open(attempt.pk, machine=machine, console=console):
        raise ConsoleRefused(
            "This terminal was closed.", reason="console-closed", code=Close.CLOSED
        )
    return Admission(
        person_id=person.pk,
        session_key=session_key,
        attempt_id=attempt.pk,
        sandbox_id=sandbox.pk,
        machine=machine,
        console=console,
        driver=sandbox.driver,
        handle=handle,
        is_paused=sandbox.paused_at is not None,
    )


def still_admitted(admissions: Iterable[Permission]) -> dict[Permission, Close]:
    """Return those whose permission has ended, with the code to close them with.

    Few queries whatever their number: this is asked on every revocation and every few seconds.
    """
    everybody = list(admissions)
    people = people_of(a.session_key for a in everybody)
    trials = [a for a in everybody if isinstance(a, TrialAdmission)]
    held = [a for a in everybody if not isinstance(a, TrialAdmission)]
    attempts = Attempt.objects.in_bulk({a.attempt_id for a in held})
    stopped = ended_sandboxes(a.sandbox_id for a in everybody)
    closed = closed_among({(a.attempt_id, a.machine, a.console) for a in held})
    ended: dict[Permission, Close] = {
        each: code
        for each in trials
        if (code := _trial_end(each, people.get(each.session_key), stopped)) is not None
    }
    for admission in held:
        person, attempt = people.get(admission.session_key), attempts.get(admission.attempt_id)
        if person is None or attempt is None or not admission.holds(person, attempt):
            ended[admission] = Close.REVOKED
        elif admission.sandbox_id in stopped:
            ended[admission] = Close.NOT_RUNNING
        elif (admission.attempt_id, admission.machine, admission.console) in closed:
            ended[admission] = Close.CLOSED
    return ended


def ended_sandboxes(sandbox_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those among some sandboxes in which nobody may type any more."""
    asked = set(sandbox_ids)
    usable = Sandbox.objects.filter(
        pk__in=asked,
        state=Sandbox.State.RUNNING,
        wanted=Sandbox.Wanted.RUNNING,
        attempt__state=Attempt.State.ACTIVE,
    )
    trials = Trial.objects.filter(pk__in=asked, state=Trial.State.UP)
    return asked - set(usable.values_list("pk", flat=True).union(trials.values_list("pk")))


def _trial_end(
    admission: TrialAdmission, person: User | None, stopped: Collection[uuid.UUID]
) -> Close | None:
    if person is None or person.pk != admission.person_id or not can_see_workshop(person):
        return Close.REVOKED
    return Close.NOT_RUNNING if admission.sandbox_id in stopped else None


def may_type(person: User, attempt: Attempt) -> bool:
    """Tell whether a person may type in an attempt: the trainee, as long as they may launch."""
    return can_work_in_attempt(person, attempt.trainee_id) and can_launch(person)


def person_of(session_key: str) -> User | None:
    """Return who is signed in under a session's key, exactly as Django's own requests tell."""
    return people_of([session_key]).get(session_key)


def people_of(session_keys: Iterable[str]) -> dict[str, User]:
    """Return who is signed in under each of some sessions, with three queries at most."""
    store = SessionStore()
    rows = Session.objects.filter(
        session_key__in={key for key in session_keys if key}, expire_date__gt=timezone.now()
    )
    sessions = {row.session_key: store.decode(row.session_data) for row in rows}
    wanted = {pk for session in sessions.values() if (pk := session.get(SESSION_KEY))}
    known = User.objects.filter(pk__in=wanted, is_active=True).prefetch_related("memberships")
    people = {str(person.pk): person for person in known} if wanted else {}
    return {
        key: person
        for key, session in sessions.items()
        if (person := people.get(str(session.get(SESSION_KEY)))) and _holds(session, person)
    }


def _holds(session: Mapping[str, str], person: User) -> bool:
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return False
    # A changed password ends every sign-in made with the old one.
    expected = person.get_session_auth_hash()
    return constant_time_compare(session.get(HASH_SESSION_KEY, ""), expected)


def _running_sandbox(attempt: Attempt, person: User) -> Sandbox:
    sandbox = Sandbox.objects.live().filter(attempt=attempt).order_by("-requested_at").first()
    if attempt.state != Attempt.State.ACTIVE or sandbox is None:
        raise ConsoleRefused(
            "This attempt has no sandbox running. Launch one to get a console.",
            reason="not-running",
            code=Close.NOT_RUNNING,
        )
    if sandbox.wanted != Sandbox.Wanted.RUNNING:
        raise ConsoleRefused(
            "The sandbox is stopping. A console opens when one runs again.",
            reason="not-running",
            code=Close.NOT_RUNNING,
        )
    if sandbox.state != Sandbox.State.RUNNING or not sandbox.handle:
        raise NotYetRunning(person_id=person.pk, sandbox_id=sandbox.pk)
    return sandbox


def _no_such_console() -> ConsoleRefused:
    return ConsoleRefused("This machine has no console.", reason="no-console", code=Close.NOT_FOUND)
