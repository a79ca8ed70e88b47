"""The view role's server: reads requests, knows the few of its own, carries the rest."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import parse_qs, quote

import h11
import orjson
from django.conf import settings
from django.db import DatabaseError

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.webview import headers, words
from range.webview.addresses import ENTER, STYLES, WHERE, label_in, origin_of, page_origins
from range.webview.admission import NoTicket
from range.webview.exchange import BODY_LIMIT_BYTES, TooLarge, exchange
from range.webview.gate import WAIT_SECONDS, Busy, Gate, Seat
from range.webview.machine import READ_AHEAD_BYTES, connect
from range.webview.places import Places
from range.webview.services import hand_over
from range.webview.wire import Wire

log = get_logger(__name__)

# A request's head must be there in this time, counted from the connection or the last answer.
HEAD_SECONDS = 15.0
MACHINE_THREADS = 32
HEARTBEAT_SECONDS = 10.0
# What may stand in an address as it is. Source: RFC 3986, section 2.
_PLAIN = "!#$%&'()*+,/:;=?@[]~"
_METHODS = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS".split())


class Refused(RangeError):
    """A request that is carried nowhere."""

    def __init__(self, message: str, *, reason: str, status: int = 400) -> None:
        super().__init__(message, reason=reason, status=status)


class Server:
    """Serves every view on one port."""

    def __init__(self) -> None:
        self.gate = Gate()
        self._machines = ThreadPoolExecutor(MACHINE_THREADS, "web view machine")
        self._open: set[asyncio.Task[None]] = set()
        self._places = Places()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        self.gate.start()
        self._server = await asyncio.start_server(self._meet, host, port, limit=READ_AHEAD_BYTES)

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None  # noqa: S101  # asked for only once it listens
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for each in self._open:
            each.cancel()
        if self._open:
            await asyncio.wait(self._open)
        await self.gate.stop()
        await asyncio.to_thread(self._machines.shutdown)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._places.make_room():
            writer.transport.abort()
            return
        work = asyncio.create_task(self._converse(Wire(h11.SERVER, reader, writer)))
        self._open.add(work)
        self._places.arrive(work)
        work.add_done_callback(self._forget)

    def _forget(self, work: asyncio.Task[None]) -> None:
        self._open.discard(work)
        self._places.leave(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.error("view.failed", exc_info=error)

    async def _converse(self, browser: Wire) -> None:
        try:
            while await self._one(browser):
                browser.state.start_next_cycle()
            await browser.finish()
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            log.debug("view.connection.lost", error=type(error).__name__)
        finally:
            browser.close()

    async def _one(self, browser: Wire) -> bool:
        """Serve one request; tell whether another may follow on this connection."""
        try:
            request = await browser.next(HEAD_SECONDS)
            if not isinstance(request, h11.Request):
                return False
            await self._serve(browser, request)
        except h11.RemoteProtocolError as error:
            refused = Refused(
                "The request could not be read.", reason="no-http", status=error.error_status_hint
            )
            await _say(browser, refused)
        except RangeError as error:
            log.debug("view.refused", reason=error.reason)
            await _say(browser, error)
        except DatabaseError as error:
            log.warning("view.rows.away", error=type(error).__name__)
            away = Refused("The range cannot look at its rows now.", reason="rows", status=503)
            away.retryable = True
            await _say(browser, away)
        return _is_over(browser)

    async def _serve(self, browser: Wire, request: h11.Request) -> None:
        label, target = _asked(request)
        path, _, query = target.partition("?")
        if path == ENTER:
            await self._enter(browser, request, label, query)
            return
        if path == STYLES:
            await words.give_styles(browser)
            return
        seat = await self.gate.seat(label, headers.tickets_in(request.headers))
        work = asyncio.current_task()
        assert work is not None  # noqa: S101  # every connection has a task of its own
        self._places.know(work, seat.grant.sandbox_id)
        seat.exchanges.add(work)
        try:
            if path == WHERE:
                await _tell_where(browser, request, seat)
            else:
                await self._carry(browser, request, seat)
        finally:
            seat.exchanges.discard(work)

    async def _carry(self, browser: Wire, request: h11.Request, seat: Seat) -> None:
        _refuse_unfit(request, seat.grant.label)
        room = self.gate.room(seat)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await room.carrying.acquire()
        except TimeoutError as error:
            raise Busy from error
        try:
            async with room.opening:
                opened = await connect(seat.grant, self._machines)
            await exchange(browser, request, seat, opened)
        finally:
            room.carrying.release()

    async def _enter(self, browser: Wire, request: h11.Request, label: str, query: str) -> None:
        given = dict(parse_qs(query))
        code, path = given.get("code", [""])[0], given.get("to", ["/"])[0]
        embedded = headers.values(request.headers, b"sec-fetch-dest") == [b"iframe"]
        if request.method != b"GET" or not path.startswith("/"):
            raise NoTicket
        ticket = await self.gate.rows(partial(hand_over, code, label=label, embedded=embedded))
        if ticket is None:
            raise NoTicket
        cookie = headers.ticket_cookie(ticket, embedded=embedded, secure=settings.HTTPS)
        # Written out in full: a path that begins with two slashes would name another host.
        await words.lead_on(browser, origin_of(label) + quote(path, safe=_PLAIN), cookie)


def _asked(request: h11.Request) -> tuple[str, str]:
    """Return which view is asked for what.

    Raises:
        Refused: It names no view exactly, or asks in a way that leads elsewhere.
    """
    named = headers.values(request.headers, b"host")
    label = label_in(named[0].decode("ascii", "replace")) if len(named) == 1 else None
    if label is None:
        raise Refused("No machine's page has this address.", reason="no-such-host", status=404)
    if request.method not in _METHODS or not request.target.startswith(b"/"):
        raise Refused("A machine's page is asked by its path only.", reason="target")
    return label, request.target.decode("ascii")


def _refuse_unfit(request: h11.Request, label: str) -> None:
    given = request.headers
    lengths = headers.values(given, b"content-length")
    if lengths and headers.values(given, b"transfer-encoding"):
        raise Refused("The request says twice where it ends.", reason="two-lengths")
    if lengths and int(lengths[0]) > BODY_LIMIT_BYTES:
        raise TooLarge
    if headers.values(given, b"service-worker"):
        raise Refused("A machine's page may leave no worker behind.", reason="worker", status=403)
    own = [origin_of(label).encode()]
    if headers.wants_websocket(given) and headers.values(given, b"origin") != own:
        raise Refused("Only the page itself may do that.", reason="foreign-origin", status=403)


async def _tell_where(browser: Wire, request: h11.Request, seat: Seat) -> None:
    """Stream to the workspace what its frame shows, until either side goes."""
    asking = headers.values(request.headers, b"origin")
    if len(asking) != 1 or asking[0].decode("latin-1") not in page_origins():
        raise Refused("Only the workspace may ask that.", reason="foreign-origin", status=403)
    sent: headers.Headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", asking[0]),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
        *headers.guards(page_origins()),
    ]
    await browser.send(h11.Response(status_code=200, headers=sent))
    while True:
        seat.moved.clear()
        line = b"data: " + orjson.dumps({"path": seat.path}) + b"\n\n"
        await browser.send(h11.Data(data=line))
        while not await _happens(seat.moved, HEARTBEAT_SECONDS):
            await browser.send(h11.Data(data=b":\n\n"))


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _say(browser: Wire, error: RangeError) -> None:
    """Say it, unless an answer was begun already: then only hanging up is left."""
    if browser.state.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        raise ConnectionResetError
    await words.say(browser, error)


def _is_over(browser: Wire) -> bool:
    state = browser.state
    return state.our_state is h11.DONE and state.their_state is h11.DONE
