"""Types on a console as a page does, for the tests that kill what lies in between."""

import re
import time

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from benchmarks._launching import CONSOLE, Visitor

TURN_SECONDS = 10


def say(trainee: Visitor, attempt: str, line: str, answer: str, *, within: float) -> str:
    """Type a line on the attempt's console, anew where it is cut off, until the answer shows.

    Args:
        line: May be run more than once; what it prints must differ from what is typed.
        answer: A pattern with one group, which is returned.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            found = re.search(answer, _screen(trainee, attempt, line, answer))
        except (OSError, httpx.TransportError, ConnectionClosed, InvalidStatus) as error:
            found, said = None, repr(error)
        else:
            said = "the console did not show it"
        if found:
            return found[1]
        assert time.monotonic() < deadline, f"{line!r} had no answer: {said}"
        time.sleep(0.3)


def _screen(trainee: Visitor, attempt: str, line: str, answer: str) -> str:
    page = trainee.client.get(f"/attempts/{attempt}/consoles/", headers={"HX-Request": "true"})
    place = CONSOLE.search(page.text)
    if place is None:
        return ""
    # As a browser does: the newest of each name, wherever it was set.
    newest = {cookie.name: cookie.value for cookie in trainee.client.cookies.jar}
    cookies = "; ".join(f"{name}={value}" for name, value in newest.items())
    shown = b""
    with connect(
        place[1], origin=trainee.address, additional_headers={"Cookie": cookies}
    ) as socket:
        socket.send(f"{line}\r".encode())
        end = time.monotonic() + TURN_SECONDS
        while time.monotonic() < end:
            try:
                message = socket.recv(timeout=end - time.monotonic())
            except TimeoutError:
                break
            shown += message if isinstance(message, bytes) else b""
            if re.search(answer, shown.decode(errors="replace")):
                break
    return shown.decode(errors="replace")
