"""The console role beside an engine in memory, with a console for each of many people.

Usage: python -m benchmarks._instant PORT PEOPLE FILE      with a whole range's environment. Writes
to FILE, as JSON, each console's path and its trainee's cookie, then serves as `run_console` does.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import django
from django.core.management import call_command


def write_places(people: int) -> list[tuple[str, str]]:
    """Make the people, each signed in and with a running sandbox in memory."""
    from django.conf import settings
    from django.utils import timezone

    from benchmarks._people import cookie_of, people_called
    from range.exercises.models import Attempt, Exercise
    from range.runtime.registry import get_driver
    from range.runtime.topology import Console, Machine, Network, Topology
    from range.sandboxes.models import Sandbox

    topology = Topology(
        machines=(
            Machine(name="desk", image="none", networks=("lan",), console=Console(user="nobody")),
        ),
        networks=(Network(name="lan"),),
    )
    exercise = Exercise.objects.filter(version__scenario__slug="one-desk").first()
    trainees = people_called(f"instant-{number:04}" for number in range(people))
    attempts = Attempt.objects.bulk_create(
        Attempt(exercise=exercise, trainee=trainee) for trainee in trainees
    )
    driver, sandboxes = get_driver("fake"), []
    for attempt in attempts:
        pk, deadline = uuid4(), datetime.now(UTC) + timedelta(minutes=1)
        handle = driver.start(pk, topology, deadline=deadline).to_json()
        ends = timezone.now() + timedelta(hours=1)
        sandboxes.append(
            Sandbox(
                pk=pk, attempt=attempt, state="RUNNING", driver="fake", handle=handle,
                expires_at=ends,
            )
        )  # fmt: skip
    Sandbox.objects.bulk_create(sandboxes)
    name = settings.SESSION_COOKIE_NAME
    return [
        (f"/ws/attempts/{attempt.pk}/consoles/desk/main", f"{name}={cookie_of(attempt.trainee)}")
        for attempt in attempts
    ]


def main(port: str, people: str, file: str) -> None:
    """Prepare, tell, and serve until told to stop."""
    django.setup()
    Path(file).write_text(json.dumps(write_places(int(people))))
    call_command("run_console", "--port", port)


if __name__ == "__main__":
    main(*sys.argv[1:])
