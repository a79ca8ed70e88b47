import os
import signal
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from range.lib import roles
from range.lib.notify import Listener, conninfo
from range.lib.roles import READY_VARIABLE, end_on_signal, is_ending, tell_ready


@pytest.fixture(autouse=True)
def _handlers():
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    roles._ended.clear()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_role(number):
    ended = end_on_signal()
    assert not is_ending()
    os.kill(os.getpid(), number)
    assert ended.wait(5)
    assert is_ending()


def test_a_role_tells_once_that_it_is_ready(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setenv(READY_VARIABLE, str(write))
    end_on_signal()
    assert os.read(read, 16) == b"ready"
    assert os.read(read, 16) == b""
    tell_ready()
    os.close(read)


def test_without_a_supervisor_there_is_nobody_to_tell(monkeypatch):
    monkeypatch.delenv(READY_VARIABLE, raising=False)
    tell_ready()


@pytest.mark.timeout(60)
def test_a_waiting_listener_returns_when_the_role_is_to_end():
    url = conninfo({**django_settings.DATABASES["default"], "NAME": "postgres"})
    end_on_signal()
    with Listener(url, "ending-of-roles") as listener:
        listener.wait(timedelta(seconds=5))
        os.kill(os.getpid(), signal.SIGTERM)
        assert listener.wait(timedelta(minutes=5)) == []
