"""A console role served over a real port, with a running sandbox of the in-memory driver."""

import asyncio
import json
import socket
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import uvicorn
import websockets
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from django.utils import timezone

from range.accounts.models import Membership, Organisation, User
from range.catalog.models import Scenario, ScenarioVersion
from range.console import role as role_module
from range.console.management.commands.run_console import server_config
from range.exercises.models import Attempt, Exercise
from range.runtime.registry import get_driver
from range.runtime.topology import Console, Machine, Network, Topology
from range.sandboxes.models import Sandbox
from tests.support import fixtures

TOPOLOGY = Topology(
    machines=(
        Machine(name="web", image="x", networks=("lan",), console=Console(user="eve")),
        Machine(name="db", image="x", networks=("lan",), console=Console(user="eve")),
        Machine(name="hidden", image="x", networks=("lan",), hidden=True),
    ),
    networks=(Network(name="lan"),),
)

BOX = {
    "build": "machines/box",
    "networks": ["lan"],
    "console": {"user": "eve"},
    "resources": {"memory_mb": 64},
}
# The shared small scenario on the machine that these tests type on.
SPEC = json.loads(json.dumps(fixtures.SPEC).replace('"box', '"web'))
SPEC["machines"] = {"web": BOX}


@dataclass
class Desk:
    """A trainee with a running sandbox, and the cookie of their sign-in."""

    trainee: User
    attempt: Attempt
    sandbox: Sandbox
    cookie: str

    @property
    def driver(self):
        return get_driver(self.sandbox.driver)

    def path(self, machine="web", console="main", query=""):
        return f"/ws/attempts/{self.attempt.pk}/consoles/{machine}/{console}{query}"

    def terminal(self, machine="web", console="main"):
        handle = self.driver.sandboxes[self.sandbox.pk]
        return handle.machines[machine].terminals[console]


def sign_in(person):
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def school():
    return Organisation.objects.get_or_create(
        slug="school", defaults={"name": "School", "kind": Organisation.Kind.SCHOOL}
    )[0]


def person(role=Membership.Role.TRAINEE):
    made = User.objects.create_user(f"p-{uuid.uuid4().hex[:8]}")
    Membership.objects.create(person=made, organisation=school(), role=role)
    return made


def attempt_of(trainee):
    slug = f"s-{uuid.uuid4().hex[:8]}"
    scenario = Scenario.objects.create(slug=slug, title="A scenario")
    version = ScenarioVersion.objects.create(
        scenario=scenario, version="1", digest=uuid.uuid4().hex * 2, spec=SPEC
    )
    exercise = Exercise.objects.create(version=version, organisation=school())
    return Attempt.objects.create(exercise=exercise, trainee=trainee)


def sandbox_of(attempt, **fields):
    pk = uuid.uuid4()
    handle = get_driver("fake").start(
        pk, TOPOLOGY, deadline=datetime.now(UTC) + timedelta(seconds=30)
    )
    values = {
        "state": Sandbox.State.RUNNING,
        "driver": "fake",
        "handle": handle.to_json(),
        "expires_at": timezone.now() + timedelta(hours=1),
    }
    return Sandbox.objects.create(pk=pk, attempt=attempt, **(values | fields))


def desk(trainee=None):
    trainee = trainee or person()
    attempt = attempt_of(trainee)
    return Desk(trainee, attempt, sandbox_of(attempt), sign_in(trainee))


a_desk = sync_to_async(desk)


class Server:
    """The console role on a port of its own."""

    def __init__(self, port):
        self.port = port

    def connect(self, path, *, cookie="", origin="own", host=None, **options):
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"} if cookie else {}
        if host:
            headers["Host"] = host
        own = f"http://127.0.0.1:{settings.RANGE_WEB_PORT}"
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers=headers,
            origin=own if origin == "own" else origin,
            compression=None,
            proxy=None,
            **options,
        )

    def sit(self, desk, machine="web", console="main", query="", **options):
        return self.connect(desk.path(machine, console, query), cookie=desk.cookie, **options)

    @property
    def role(self):
        return role_module.current_role()


@asynccontextmanager
async def listening(configure):
    """Serve what `configure` returns for a free port; yields the port."""
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    server = uvicorn.Server(configure(port))
    # Signals belong to the test run.
    task = asyncio.create_task(server._serve(sockets=[door]))
    while not server.started:
        await asyncio.sleep(0.005)
        if task.done():
            task.result()
    try:
        yield port
    finally:
        server.should_exit = True
        await task
        door.close()


@asynccontextmanager
async def serving():
    """The console role, as it is served in earnest."""
    async with listening(lambda port: server_config(host="127.0.0.1", port=port)) as port:
        yield Server(port)


def pages_config(port):
    """The web role with its static files."""
    from range.asgi import application

    return uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )


class Page:
    """What a page does: keeps what was shown, hears control messages, acknowledges."""

    def __init__(self, socket):
        self.socket = socket
        self.shown = b""
        self.controls = []

    async def take(self, *, ack=True):
        frame = await self.socket.recv()
        if isinstance(frame, bytes):
            self.shown += frame
            if ack:
                await self.say(type="ack", bytes=len(frame))
        else:
            self.controls.append(orjson.loads(frame))

    async def until(self, condition, *, seconds=30.0):
        async with asyncio.timeout(seconds):
            while not condition(self):
                await self.take()
        return self

    async def until_shown(self, data, *, seconds=30.0):
        return await self.until(lambda page: data in page.shown, seconds=seconds)

    async def until_closed(self, *, seconds=30.0):
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.take()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def say(self, **control):
        await self.socket.send(orjson.dumps(control).decode())

    async def type(self, data):
        await self.socket.send(data)
