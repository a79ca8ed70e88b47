"""A scenario with two ways, attempts at it, and evidence of any outcome."""

import hashlib
import itertools
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

# This file is read before Django is set up, so models are looked up when they are needed.
model = apps.get_model
MACHINE = {"build": "machines/box", "networks": ["lan"], "console": {"user": "trainee"}}


def spec_for(slug: str, *, ways=("sudo",), difficulty=3) -> dict:
    """A scenario: gain privilege in one of some ways, mend it, and report."""
    return {
        "schema": 1,
        "id": slug,
        "version": "1.0.0",
        "title": slug.title(),
        "summary": "One machine, one way in, one thing to mend.",
        "modes": ["attack", "fix"],
        "difficulty": difficulty,
        "estimated_minutes": 10,
        "variables": {"way": {"type": "choice", "from": list(ways)}, "flag_gain": {"type": "flag"}},
        "networks": {"lan": {"console": True}},
        "machines": {"box": MACHINE},
        "objectives": [
            {
                "key": "gain",
                "title": "Gain privilege",
                "checks": {"id": "flag", "kind": "flag"},
                "skills": [
                    {"key": "escalate-privilege", "weight": 0.5},
                    {"key": "abuse-sudo-rules", "weight": 0.5, "when": {"way": "sudo"}},
                    {"key": "abuse-setuid-programs", "weight": 0.5, "when": {"way": "setuid"}},
                ],
            },
            {
                "key": "mend",
                "title": "Close the way",
                "checks": {
                    "all_of": [
                        {"id": "gone", "kind": "file", "machine": "box", "path": "/etc/hole",
                         "exists": False},
                        {"id": "kept", "kind": "file", "machine": "box", "path": "/etc/kept",
                         "exists": True},
                    ]
                },
                "skills": [{"key": "harden-privilege-rules"}],
            },
        ],
    }  # fmt: skip


@pytest.fixture
def starter(db):
    from range.competencies.services import load_starter

    load_starter()


@pytest.fixture
def publish(school):
    """Publish a scenario and offer it to the school."""

    def make(slug="yard", *, policy="PRACTICE", **fields):
        scenario, _ = model("catalog.Scenario").objects.get_or_create(
            slug=slug, defaults={"title": slug.title()}
        )
        digest = hashlib.sha256(f"{slug}{fields}{timezone.now()}".encode()).hexdigest()
        version = model("catalog.ScenarioVersion").objects.create(
            scenario=scenario,
            version="1.0.0",
            digest=digest,
            spec=spec_for(slug, **fields),
            image_state="READY",
        )
        for position, objective in enumerate(version.spec["objectives"], start=1):
            model("catalog.Objective").objects.create(
                version=version,
                key=objective["key"],
                title=objective["title"],
                weight=100,
                position=position,
            )
        return model("exercises.Exercise").objects.create(
            version=version, organisation=school, policy=policy
        )

    return make


@pytest.fixture
def finished():
    """Make a graded attempt of a trainee."""

    def make(trainee, exercise, *, state="GRADED"):
        return model("exercises.Attempt").objects.create(
            trainee=trainee,
            exercise=exercise,
            state=state,
            finished_at=timezone.now(),
            graded_at=timezone.now() if state == "GRADED" else None,
        )

    return make


@pytest.fixture
def judged():
    """Write one piece of evidence, each a second after the one before."""
    seconds = itertools.count()
    base = timezone.now() - timedelta(days=1)

    def make(attempt, objective, check, outcome="MET", **fields):
        from range.assessment.evidence import append

        known = {
            "kind": "file",
            "outcome": outcome,
            "score": 1.0 if outcome == "MET" else 0.0,
            "reason": "met" if outcome == "MET" else "file-present",
            "observed_at": base + timedelta(seconds=next(seconds)),
            "grader_version": "1",
        }
        seen = {name: fields.pop(name, empty) for name, empty in (("detail", {}), ("excerpt", ""))}
        row = model("assessment.Evidence")(
            attempt=attempt,
            objective=attempt.exercise.version.objectives.get(key=objective),
            check_id=check,
            **(known | fields),
        )
        return append(row, **seen)

    return make


@pytest.fixture
def solved(finished, judged):
    """Make a graded attempt in which everything was met."""

    def make(trainee, exercise, **fields):
        attempt = finished(trainee, exercise)
        judged(attempt, "gain", "flag", kind="flag", **fields)
        judged(attempt, "mend", "gone", **fields)
        judged(attempt, "mend", "kept", **fields)
        return attempt

    return make


@pytest.fixture
def proven(publish, solved, trainee, starter):
    """A trainee with twelve checks over six scenarios, all met."""
    return [solved(trainee, publish(f"yard-{n}", policy="ASSESSED")) for n in range(6)]


@pytest.fixture
def seat(settings, console_role, monkeypatch):
    """Seat somebody at a page of their own in Chromium."""
    from tests.console.live import sign_in
    from tests.console.test_browser import served
    from tests.support.browser import chromium

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with served() as (pages, consoles), chromium(pages, consoles) as browser:
        settings.RANGE_WEB_PORT, settings.RANGE_CONSOLE_PORT = pages, consoles
        url = f"http://localhost:{pages}"

        def make(person):
            context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": sign_in(person), "url": url}])
            return context.new_page()

        yield make
