import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg.conninfo import conninfo_to_dict

from range.lib import notify as module
from range.lib.embedded_postgres import PostgresError, cluster
from range.lib.notify import AsyncListener, Listener, Wake, conninfo, notify

# Every worker listens on the server's common database, so they would hear each other.
pytestmark = pytest.mark.xdist_group("notify")
SECOND = timedelta(seconds=1)
QUICK = {"fsync": "off"}


@pytest.fixture
def url():
    return conninfo({**django_settings.DATABASES["default"], "NAME": "postgres"})


@pytest.fixture
def connection(url):
    with psycopg.connect(url) as connection:
        yield connection


@pytest.fixture
def server():
    """A server of the test's own, which it may kill."""
    state = Path(os.environ["RANGE_STATE_DIR"]) / f"killed-{os.getpid()}-{time.monotonic_ns()}"
    state.mkdir(parents=True, mode=0o755)
    own = cluster(state, settings=QUICK)
    own.create()
    children = [own.start()]
    own.ensure_database()
    yield own, children
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        child.wait(timeout=20)


def ready(listener):
    assert listener.wait(SECOND * 30) == [Wake(channel) for channel in listener._channels]


def kill_and_restart(own, children):
    """Kill every process of the server as a power cut would, and start it again."""
    postmaster = int((own.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    children[-1].wait(timeout=20)
    deadline = time.monotonic() + 60
    while True:
        try:
            children.append(own.start())
            return
        except PostgresError:
            assert time.monotonic() < deadline


def test_connecting_wakes_every_channel_because_anything_may_have_happened(url):
    with Listener(url, "sandboxes", "checks") as listener:
        assert listener.wait(SECOND * 30) == [Wake("sandboxes"), Wake("checks")]


def test_a_notification_arrives_with_its_payload(url, connection):
    with Listener(url, "sandboxes") as listener:
        ready(listener)
        notify("sandboxes", "abc", connection=connection)
        connection.commit()
        assert listener.wait(SECOND * 30) == [Wake("sandboxes", "abc")]


def test_nothing_is_sent_before_the_commit(url, connection):
    with Listener(url, "sandboxes") as listener:
        ready(listener)
        notify("sandboxes", "abc", connection=connection)
        assert listener.wait(SECOND * 0.3) == []
        connection.rollback()
        assert listener.wait(SECOND * 0.3) == []


def test_another_channel_wakes_nobody(url, connection):
    with Listener(url, "sandboxes") as listener:
        ready(listener)
        notify("checks", "abc", connection=connection)
        connection.commit()
        assert listener.wait(SECOND * 0.3) == []


def test_equal_wakes_count_once(url, connection):
    with Listener(url, "sandboxes") as listener:
        ready(listener)
        for payload in ("a", "b", "a"):
            notify("sandboxes", payload, connection=connection)
            connection.commit()
        time.sleep(0.2)
        arrived = listener.wait(SECOND)
        assert arrived == [Wake("sandboxes", "a"), Wake("sandboxes", "b")]


def test_a_channels_name_is_never_read_as_sql(url, connection):
    name = 'x"; DROP TABLE y; --'
    with Listener(url, name) as listener:
        ready(listener)
        notify(name, "'); --", connection=connection)
        connection.commit()
        assert listener.wait(SECOND * 30) == [Wake(name, "'); --")]


def test_a_payload_too_large_for_postgres_is_refused(connection):
    notify("sandboxes", "x" * 7999, connection=connection)
    with pytest.raises(ValueError, match="7999"):
        notify("sandboxes", "ä" * 4000, connection=connection)


def test_without_a_connection_or_a_provider_it_says_so(monkeypatch):
    monkeypatch.setattr(module, "_default", [])
    with pytest.raises(RuntimeError, match="use_connection"):
        notify("sandboxes")


@pytest.mark.django_db(transaction=True)
def test_django_s_present_transaction_carries_it(django_db_blocker):
    from django.db import connection as django_connection
    from django.db import transaction

    with Listener(conninfo(django_connection.settings_dict), "sandboxes") as listener:
        ready(listener)
        with transaction.atomic():
            notify("sandboxes", "inside")
            assert listener.wait(SECOND * 0.2) == []
        assert listener.wait(SECOND * 30) == [Wake("sandboxes", "inside")]


def test_a_listener_returns_after_the_server_was_killed(server):
    own, children = server
    with Listener(own.url(), "sandboxes") as listener:
        ready(listener)
        # The restart belongs to the main thread: a server ends with the thread that started it.
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(listener.wait, SECOND * 30)
            kill_and_restart(own, children)
            assert waiting.result() == [Wake("sandboxes")]
        with psycopg.connect(own.url()) as connection:
            notify("sandboxes", "again", connection=connection)
        assert listener.wait(SECOND * 30) == [Wake("sandboxes", "again")]


@pytest.mark.timeout(60)
def test_waiting_for_a_database_that_is_away_ends_in_time():
    listener = Listener("postgresql://nobody@/none?host=/nonexistent", "sandboxes")
    assert listener.wait(SECOND * 0.5) == []


async def test_the_async_listener_hears_the_same(url, connection):
    async with AsyncListener(url, "sandboxes", "checks") as listener:
        assert await listener.wait(SECOND * 30) == [Wake("sandboxes"), Wake("checks")]
        notify("checks", "abc", connection=connection)
        connection.commit()
        assert await listener.wait(SECOND * 30) == [Wake("checks", "abc")]
        assert await listener.wait(SECOND * 0.2) == []


async def test_the_async_listener_goes_on_yielding(url, connection):
    async with AsyncListener(url, "sandboxes") as listener:
        wakes = listener.wakes()
        assert await anext(wakes) == Wake("sandboxes")
        notify("sandboxes", "abc", connection=connection)
        connection.commit()
        assert await anext(wakes) == Wake("sandboxes", "abc")


async def test_the_async_listener_returns_after_the_server_was_killed(server):
    own, children = server
    async with AsyncListener(own.url(), "sandboxes") as listener:
        assert await listener.wait(SECOND * 30) == [Wake("sandboxes")]
        waiting = asyncio.create_task(listener.wait(SECOND * 30))
        await asyncio.sleep(0.1)
        kill_and_restart(own, children)
        assert await waiting == [Wake("sandboxes")]


def test_a_database_entry_becomes_a_connection_string():
    entry = {"NAME": "m", "USER": "u", "PASSWORD": "p w'", "HOST": "/run/x", "PORT": ""}
    assert conninfo_to_dict(conninfo(entry)) == {
        "dbname": "m",
        "user": "u",
        "password": "p w'",
        "host": "/run/x",
    }
