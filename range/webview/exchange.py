"""One request carried to a machine and its answer carried back, streamed both ways."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import h11

from range.lib.errors import RangeError
from range.webview import headers
from range.webview.addresses import origin_of, page_origins
from range.webview.gate import Seat
from range.webview.machine import Streams
from range.webview.wire import Wire, carry

BODY_LIMIT_BYTES = 16 * 1024 * 1024
# How long a machine may think, and how long either side may be silent while a body flows.
ANSWER_SECONDS = 60.0
SILENT_SECONDS = 120.0
SOCKET_SILENT_SECONDS = 900.0


class TooLarge(RangeError):
    """A request's body is larger than what is carried."""

    def __init__(self) -> None:
        super().__init__(
            f"At most {BODY_LIMIT_BYTES >> 20} MB can be sent to a machine's page at once.",
            reason="too-large",
            status=413,
        )


class MachineStopped(Exception):
    """The machine takes no more of the request; it may answer all the same."""


class NoAnswer(RangeError):
    """The machine took the request and gave nothing a browser could read."""

    def __init__(self, seat: Seat, *, late: bool) -> None:
        grant = seat.grant
        said = "did not answer in time" if late else "answered with something that is no HTTP"
        super().__init__(
            f"Port {grant.port} of {grant.machine} {said}.",
            reason="no-answer",
            status=504 if late else 502,
        )


async def exchange(browser: Wire, request: h11.Request, seat: Seat, opened: Streams) -> None:
    """Carry one request and its answer; the answer is begun only once the machine begins it.

    Raises:
        TooLarge: The request's body is; nothing was answered yet.
        NoAnswer: The machine gave none; nothing was answered yet.
        OSError: A connection was lost halfway, and nothing more can be said.
        h11.ProtocolError: Either side broke the rules halfway.
    """
    machine = Wire(h11.CLIENT, *opened)
    try:
        async with _sending(browser, machine, request, seat):
            answer = await _answer(machine, seat)
            if isinstance(answer, h11.InformationalResponse):
                await _become_socket(browser, machine, answer)
            else:
                await _give_back(browser, machine, answer, request, seat)
    finally:
        machine.close()


@asynccontextmanager
async def _sending(
    browser: Wire, machine: Wire, request: h11.Request, seat: Seat
) -> AsyncIterator[None]:
    """Send the request while its answer may already come; too large a body ends both."""
    sent = headers.to_machine(
        request.headers, authority=seat.grant.authority, own_origin=origin_of(seat.grant.label)
    )
    head = h11.Request(method=request.method, target=request.target, headers=sent)
    whole = asyncio.current_task()
    over: list[BaseException] = []

    async def send() -> None:
        try:
            await _send_body(browser, machine, head)
        except MachineStopped:
            return
        except (TooLarge, OSError, h11.ProtocolError) as error:
            over.append(error)
            if whole is not None:
                whole.cancel()

    work = asyncio.create_task(send(), name="web view request")
    try:
        yield
    except asyncio.CancelledError:
        if over and whole is not None and whole.uncancel() == 0:
            raise over[0] from None
        raise
    finally:
        work.cancel()
        await asyncio.wait([work])


async def _send_body(browser: Wire, machine: Wire, head: h11.Request) -> None:
    await _pass_on(machine, head)
    if browser.state.they_are_waiting_for_100_continue:
        await browser.send(h11.InformationalResponse(status_code=100, headers=[]))
    size = 0
    while not isinstance(event := await browser.next(SILENT_SECONDS), h11.EndOfMessage):
        if not isinstance(event, h11.Data):
            raise ConnectionResetError
        size += len(event.data)
        if size > BODY_LIMIT_BYTES:
            raise TooLarge
        await _pass_on(machine, h11.Data(data=event.data))
    await _pass_on(machine, h11.EndOfMessage())


async def _pass_on(machine: Wire, event: h11.Event) -> None:
    try:
        await machine.send(event)
    except (OSError, h11.LocalProtocolError) as error:
        raise MachineStopped from error


async def _answer(machine: Wire, seat: Seat) -> h11.Response | h11.InformationalResponse:
    try:
        while True:
            event = await machine.next(ANSWER_SECONDS)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise NoAnswer(seat, late=False)
            if event.status_code == 101:
                return event
    except TimeoutError as error:
        raise NoAnswer(seat, late=True) from error
    except (h11.ProtocolError, OSError) as error:
        raise NoAnswer(seat, late=False) from error


async def _give_back(
    browser: Wire, machine: Wire, answer: h11.Response, request: h11.Request, seat: Seat
) -> None:
    sent = headers.to_browser(
        answer.headers,
        names=seat.grant.names,
        own_origin=origin_of(seat.grant.label),
        page_origins=page_origins(),
        embedded=seat.grant.embedded,
    )
    if _is_page(request, answer):
        seat.move(request.target.decode("ascii"))
    await browser.send(h11.Response(status_code=answer.status_code, headers=sent))
    while not isinstance(event := await machine.next(SILENT_SECONDS), h11.EndOfMessage):
        if not isinstance(event, h11.Data):
            raise ConnectionResetError
        await browser.send(h11.Data(data=event.data))
    await browser.send(h11.EndOfMessage())


def _is_page(request: h11.Request, answer: h11.Response) -> bool:
    """Tell whether the view's own frame shows this answer; a redirect is followed by another."""
    in_frame = headers.values(request.headers, b"sec-fetch-dest") == [b"iframe"]
    ours = headers.values(request.headers, b"sec-fetch-mode") == [b"navigate"]
    return in_frame and ours and not 300 <= answer.status_code < 400


async def _become_socket(browser: Wire, machine: Wire, answer: h11.InformationalResponse) -> None:
    agreed = headers.switched(answer.headers)
    await browser.send(h11.InformationalResponse(status_code=101, headers=agreed))
    each = partial(carry, idle_seconds=SOCKET_SILENT_SECONDS)
    ways = {
        asyncio.create_task(each(browser, machine)),
        asyncio.create_task(each(machine, browser)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        for ended in await asyncio.gather(*ways, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, (OSError, TimeoutError)):
                raise ended
        browser.close()
