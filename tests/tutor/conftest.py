"""An attempt with secrets, a ladder and a reference; models that say what a test wants."""

import hashlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

# This file is read before Django is set up, so models are looked up when they are needed.
model = apps.get_model

SPEC = {
    "schema": 1,
    "id": "ladder",
    "version": "1.0.0",
    "title": "The ladder",
    "summary": "A desk lets its clerks do a little more than was meant.",
    "modes": ["attack", "fix"],
    "difficulty": 2,
    "estimated_minutes": 20,
    "variables": {
        "flag_enter": {"type": "flag"},
        "service_password": {"type": "password", "length": 12, "secret": True},
        "ledger": {"type": "choice", "from": ["daybook"]},
    },
    "networks": {"lan": {"console": True}},
    "machines": {
        "box": {"build": "machines/box", "networks": ["lan"], "console": {"user": "trainee"}}
    },
    "objectives": [
        {
            "key": "enter",
            "title": "Read the flag of root",
            "checks": {"id": "flag", "kind": "flag"},
            "hints": [
                {"rung": 1, "text": "What may this account do that an ordinary one may not?"},
                {"rung": 2, "text": "A rule of sudo gives everything that the program can do."},
                {"rung": 3, "text": "Think about what a pager can start while it shows a file."},
                {"rung": 4, "from": "reference"},
            ],
        },
        {
            "key": "mend",
            "title": "Close the way",
            "checks": {
                "id": "gone",
                "kind": "file",
                "machine": "box",
                "path": "/etc/hole",
                "exists": False,
            },
            "hints": [{"rung": 1, "text": "What is the least this account needs?"}],
        },
    ],
    "reference": {
        "enter": [
            {
                "on": "box",
                "run": "sudo less /var/log/{{ ledger }}.log\n!cat /root/flag.txt",
                "say": "sudo starts less as root, and less starts whatever follows its mark.",
            },
            {"on": "box", "run": "printf '{{ service_password }}' | su - keeper"},
        ],
        "mend": [{"on": "box", "as": "root", "run": "rm -f /etc/hole"}],
    },
}


@pytest.fixture
def publish(school):
    """Publish a changed copy of the scenario and offer it."""

    def make(policy="PRACTICE", **changes):
        spec = SPEC | changes
        scenario, _ = model("catalog.Scenario").objects.get_or_create(
            slug="ladder", defaults={"title": "The ladder"}
        )
        version = model("catalog.ScenarioVersion").objects.create(
            scenario=scenario,
            version="1.0.0",
            digest=hashlib.sha256(repr((spec, policy)).encode()).hexdigest(),
            spec=spec,
            brief="Find the way in.",
            image_state="READY",
        )
        for position, each in enumerate(spec["objectives"]):
            model("catalog.Objective").objects.create(
                version=version,
                key=each["key"],
                title=each["title"],
                weight=100,
                position=position,
            )
        return model("exercises.Exercise").objects.create(
            version=version, organisation=school, policy=policy
        )

    return make


@pytest.fixture
def attempt(publish, trainee):
    return model("exercises.Attempt").objects.create(exercise=publish(), trainee=trainee)


@pytest.fixture
def typed(attempt):
    """Write commands into the attempt's timeline, as the console role does."""
    from range.timeline.services import record

    def do(text, *, code=0, first=(), error=None, into=None):
        from range.timeline.models import Event

        where = into or attempt
        number = Event.objects.filter(attempt_id=where.pk, kind="console.command").count() + 1
        return record(
            where.pk,
            kind="console.command",
            actor=f"trainee:{where.trainee_id}",
            payload={
                "number": number,
                "machine": "box",
                "text": text,
                "exit": code,
                "ms": 12,
                "digest": {"first": list(first), "last": [], "lines": len(first)},
                "error_class": error,
            },
        )

    return do


@pytest.fixture
def secrets(attempt):
    """Return the attempt's secret values by name."""
    from range.catalog.services import values_for

    values = values_for(attempt.exercise.version, attempt.pk, 1)
    return {name: values[name] for name in ("flag_enter", "service_password")}


class WordVectors:
    """Vectors from words alone: the same words give the same direction, in no time."""

    name = "word-vectors"

    def __init__(self):
        self.calls = []

    def embed(self, texts):
        self.calls.append(list(texts))
        return [self._vector(text) for text in texts]

    def _vector(self, text):
        from tutor.overlap import content

        vector = [1e-6] * 384
        for stem in content(text):
            vector[int(hashlib.sha256(stem.encode()).hexdigest(), 16) % 384] += 1.0
        length = sum(value * value for value in vector) ** 0.5
        return [value / length for value in vector]


@pytest.fixture
def vectors(monkeypatch):
    """Embed with words alone, so that no test waits for a model."""
    from tutor.providers import registry

    made = WordVectors()
    monkeypatch.setattr(registry, "embedding", lambda: made)
    return made


@pytest.fixture
def no_model(vectors):
    """Answer without a model."""
    from tutor.providers import registry

    with registry.using(None):
        yield


ARTICLE = """---
title: "{title}"
slug: {slug}
license: Apache-2.0
version: 1
min_rung: {rung}
spoils: {spoils}
---
{body}
"""


@pytest.fixture
def article(tmp_path):
    """Write an article and return where it lies."""

    def make(slug, body, *, title=None, rung=0, spoils="false", scenario=""):
        folder = tmp_path / "scenarios" / scenario / "knowledge" if scenario else tmp_path / "all"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{slug}.md"
        path.write_text(
            ARTICLE.format(
                title=title or slug.title(), slug=slug, rung=rung, spoils=spoils, body=body
            )
        )
        return path

    return make


@pytest.fixture
def knowledge(article, tmp_path, db, vectors):
    """Ingest three articles, one of them of the scenario."""
    from tutor.ingest import documents, ingest

    article(
        "pagers",
        "## What a pager is\n\nA pager shows a long text one screen at a time. "
        "The program less is a pager.\n\n"
        "## Commands inside\n<!-- rung: 3 -->\n\nA pager accepts commands while it shows a file. "
        "One of them starts a shell.",
        title="Pagers",
    )
    article(
        "sudo",
        "## Rules\n\nA rule of sudo names a program, and gives everything that the program can do. "
        "Look at each rule with `sudo -l`. The technique is T1548.003.",
        title="Rules of sudo",
        rung=2,
    )
    article(
        "desk",
        "## The desk\n\nThe clerks of this desk read the daybook every morning.",
        title="The desk",
        rung=1,
        scenario="ladder",
    )
    ingest(documents(tmp_path / "scenarios", articles=tmp_path / "all"), vectors)


@pytest.fixture
def later():
    """Return moments after now, for what is due some time later."""
    return lambda **parts: timezone.now() + timedelta(**parts)


@pytest.fixture
def same_thread(monkeypatch, db):
    """Stream inside the test's own transaction, which is ten times faster than emptying tables.

    The test must enter its event loop by `async_to_sync`.
    """
    from asgiref.sync import sync_to_async

    from tutor import answering, live, services, views

    async def at_once(work, *arguments):
        return await sync_to_async(work, thread_sensitive=True)(*arguments)

    for place in (answering, live, services, views):
        monkeypatch.setattr(place, "in_thread", at_once)
