"""What is sent to the web role is bounded before anything of it lies on a disk."""

import asyncio
import tempfile

import pytest
from django.urls import reverse

from range import asgi
from range.lib import bodies
from range.lib.bodies import USUAL_BYTES, bounded, limit_of, takes_up_to
from tests.workspace.test_lanes import scope

CHUNK = bytes(256 << 10)
FORM = (b"content-type", b"multipart/form-data; boundary=x")


class Sender:
    """Somebody who sends chunks for as long as they are taken, and keeps the answer."""

    def __init__(self, chunks):
        self.left, self.taken, self.status, self.body = chunks, 0, 0, b""

    async def receive(self):
        self.left -= 1
        self.taken += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": self.left > 0}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.body += message.get("body", b"")


@pytest.fixture
def kept(monkeypatch):
    """Count what is written to files on the way."""
    written = []
    real = tempfile.SpooledTemporaryFile.write

    def write(self, data):
        written.append(len(data))
        return real(self, data)

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", write)
    return written


async def sent(path, chunks):
    sender = Sender(chunks)
    asked = scope(path, "POST")
    asked["headers"] = [*asked["headers"], FORM]
    await asyncio.wait_for(asgi.Lanes()(asked, sender.receive, sender.send), 60)
    return sender


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/sign-in/", "/nowhere/", "/workshop/new/"])
async def test_a_flood_from_anybody_is_dropped_as_it_comes(path, kept):
    sender = await sent(path, 400)
    assert sender.status == 413
    assert "Nothing of it was kept" in sender.body.decode()
    assert sender.taken == 400 * len(CHUNK)
    assert sum(kept) <= USUAL_BYTES


@pytest.mark.django_db(transaction=True)
async def test_the_page_of_imports_takes_an_archive_and_no_more(kept):
    path = reverse("import-drafts")
    # Sixteen MiB come through, and meet what every stranger meets.
    assert (await sent(path, 64)).status in (302, 403)
    kept.clear()
    assert (await sent(path, 66)).status == 413
    assert sum(kept) < 17 << 20


async def test_who_sends_for_ever_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(bodies, "DRAINED_BYTES", 8 << 20)
    sender = Sender(10**9)
    asked = {}
    receive = bounded(sender.receive, asked, limit_bytes=1 << 20)
    message = await receive()
    while message["more_body"]:
        message = await receive()
    assert message["body"] == b""
    assert asked[bodies.TOO_LARGE] == 1 << 20
    assert sender.taken <= (8 << 20) + len(CHUNK)


def test_a_view_says_what_it_takes():
    @takes_up_to(10 << 20)
    def view(request):
        return None

    assert 10 << 20 < limit_of(view) < 11 << 20
    assert limit_of(None) == limit_of(len) == USUAL_BYTES
