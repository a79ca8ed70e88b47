"""Trainees of the demo school who are signed in: passwords are not what is measured."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from benchmarks._servers import Place

if TYPE_CHECKING:
    from range.accounts.models import User

_LAUNCH_SECONDS = 120


def people_called(names: Iterable[str]) -> "list[User]":
    """Make trainees of the demo school."""
    from range.accounts.models import Cohort, Membership, Organisation, User

    school = Organisation.objects.get(kind=Organisation.Kind.SCHOOL)
    cohort = Cohort.objects.filter(organisation=school).first()
    people = User.objects.bulk_create(User(username=name) for name in names)
    Membership.objects.bulk_create(
        Membership(person=person, organisation=school, role=Membership.Role.TRAINEE, cohort=cohort)
        for person in people
    )
    return people


def cookie_of(person: "User") -> str:
    """Sign somebody in and return their session's key."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.utils.module_loading import import_string

    session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def desks(people: int, consoles: int, scenario: str) -> list[tuple[str, list[Place]]]:
    """Launch a sandbox for each of some trainees; return attempts' ids, and their consoles.

    Every one has a machine called `desk`, and `consoles` consoles on it.
    """
    from django.conf import settings

    from range.console.models import ExtraConsole
    from range.exercises.models import Exercise
    from range.runtime.driver import Handle
    from range.sandboxes import services
    from range.sandboxes.models import Sandbox

    exercise = Exercise.objects.filter(version__scenario__slug=scenario).first()
    if exercise is None:
        raise SystemExit(f"{scenario} is not offered to anybody.")
    found = []
    for trainee in people_called(f"desk-{number}" for number in range(people)):
        attempt = exercise.attempts.create(trainee=trainee)
        ExtraConsole.objects.bulk_create(
            ExtraConsole(attempt=attempt, machine="desk", console=str(number))
            for number in range(2, consoles + 1)
        )
        found.append((services.insert(attempt, epoch=1), trainee))
    live = Sandbox.objects.filter(pk__in=[sandbox.pk for sandbox, _ in found])
    _until(lambda: not live.exclude(state="RUNNING").exists())
    made = []
    for sandbox, trainee in found:
        sandbox.refresh_from_db()
        container = Handle.from_json(sandbox.handle or {}).machines["desk"].container_id
        cookie = f"{settings.SESSION_COOKIE_NAME}={cookie_of(trainee)}"
        base = f"/ws/attempts/{sandbox.attempt_id}/consoles/desk/"
        names = ["main", *map(str, range(2, consoles + 1))]
        places = [Place(path=base + name, cookie=cookie, container=container) for name in names]
        made.append((str(sandbox.attempt_id), places))
    return made


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LAUNCH_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The desks did not start in time; see var/log/bench-*.log.")
        time.sleep(0.1)
