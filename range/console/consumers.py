"""The console's end of a WebSocket: admitted once, then nothing but bytes."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, assert_never
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from range.console.admission import Admission, ConsoleRefused, NotYetRunning, admit
from range.console.opening import open_console
from range.console.origins import is_own
from range.console.protocol import (
    HEARTBEAT,
    MAX_FRAME_BYTES,
    Ack,
    Close,
    FrameRefused,
    Heartbeat,
    Resize,
    check_bytes,
    clamp,
    parse,
)
from range.console.registry import Seat
from range.console.relay import Key, Relay
from range.console.role import Role, current_role
from range.console.watchers import Watcher
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import Size
from range.sandboxes.activity import is_awake, touch

log = get_logger(__name__)

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type SendMessage = Callable[[dict[str, Any]], Awaitable[None]]

# A close frame carries at most 123 bytes of reason. Source: RFC 6455, 5.5.
_REASON_CHARACTERS = 120
# Resuming takes a fraction of a second; a page whose console took longer than this tries again.
RESUME_SECONDS = 10.0
RESUME_LOOK_SECONDS = 0.1
# News of a sandbox that starts may be lost with their connection; then it is asked for this often.
LOOK_SECONDS = 3.0


class StreamConsumer(AsyncConsumer):  # type: ignore[misc]
    """A consumer that owns its receive loop once it is connected.

    Channels asks the one shared synchronous thread to close old database connections before
    every frame, which makes each key wait for any query of the process: django/channels#2132.
    Nothing here touches the database after `connect`, so there is nothing to close.
    """

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: SendMessage) -> None:
        """Connect, then hand every frame on until the socket ends."""
        self.scope = scope
        self.base_send = send
        message = await receive()
        if message["type"] != "websocket.connect" or not await self.connect():
            return
        try:
            while (message := await receive())["type"] == "websocket.receive":
                data = message.get("bytes")
                if data is not None:
                    await self.receive_bytes(data)
                else:
                    await self.receive_text(message.get("text") or "")
        finally:
            await self.disconnect()

    async def connect(self) -> bool:
        """Accept or refuse the socket; False when there is nothing more to receive."""
        raise NotImplementedError

    async def receive_bytes(self, data: bytes) -> None:
        """Take a binary frame."""
        raise NotImplementedError

    async def receive_text(self, text: str) -> None:
        """Take a text frame."""
        raise NotImplementedError

    async def disconnect(self) -> None:
        """Let go of everything; called once after a successful `connect`."""
        raise NotImplementedError

    async def send_frame(self, frame: bytes | str) -> None:
        """Send one frame, binary or text."""
        kind = "bytes" if isinstance(frame, bytes) else "text"
        await self.base_send({"type": "websocket.send", kind: frame})

    async def close(self, code: Close, reason: str = "") -> None:
        """End the socket with a code, after accepting it."""
        await self.base_send(
            {"type": "websocket.close", "code": int(code), "reason": reason[:_REASON_CHARACTERS]}
        )

    async def refuse(self) -> None:
        """Refuse the handshake: the server answers 403 and nothing was ever open."""
        await self.base_send({"type": "websocket.close"})


class ConsoleConsumer(StreamConsumer):
    """One page on one console of its own sandbox, which may still be starting."""

    role: Role
    seat: Seat
    watcher: Watcher
    relay: Relay | None = None
    _opening: asyncio.Task[None]
    _left: asyncio.Event
    _ahead: bytearray
    _ending: asyncio.Task[None] | None = None

    async def connect(self) -> bool:
        """Check origin, person, sandbox and seat, in this order, then begin to open."""
        if not self._own_origin():
            log.warning("console.origin.refused")
            await self.refuse()
            return False
        admission: Admission | None = None
        who: Admission | NotYetRunning
        try:
            who = admission = await self._admitted()
        except NotYetRunning as error:
            who = error
        except ConsoleRefused as error:
            await self._refused(error)
            return False
        self.role = current_role()
        self._left = asyncio.Event()
        self._ahead = bytearray()
        await self.base_send({"type": "websocket.accept"})
        size = self._size_asked()
        self.watcher = Watcher(self.send_frame, cols=size.columns, rows=size.rows)
        self.seat = Seat(
            person_id=who.person_id,
            sandbox_id=who.sandbox_id,
            admission=admission,
            close=self._close_soon,
        )
        try:
            self.role.registry.take_seat(self.seat, limit=settings.RANGE_CONSOLES_PER_TRAINEE)
        except RangeError as error:
            await self.close(Close.TOO_MANY, error.message)
            return False
        self._opening = asyncio.create_task(self._open(admission))
        return True

    async def receive_bytes(self, data: bytes) -> None:
        """Type on the console; what is typed before it is open waits for it."""
        try:
            check_bytes(data)
            if self.relay is None:
                self._ahead += data
            if len(self._ahead) > MAX_FRAME_BYTES:
                await asyncio.wait([self._opening])
            elif self.relay is not None:
                await self.relay.type(data)
        except FrameRefused as error:
            await self._end(error.code, error.message)
        except RangeError:
            # The terminal has ended; the relay says so to every page.
            return

    async def receive_text(self, text: str) -> None:
        """Follow a control message."""
        try:
            control = parse(text)
        except FrameRefused as error:
            await self._end(error.code, error.message)
            return
        match control:
            case Ack():
                self.watcher.drawn(control.bytes)
            case Resize():
                self.watcher.cols, self.watcher.rows = control.clamped
                if self.relay is not None:
                    cols, rows = control.clamped
                    self.relay.resize(self.watcher, cols=cols, rows=rows)
            case Heartbeat():
                self.watcher.give(HEARTBEAT)
            case _:
                assert_never(control)

    async def disconnect(self) -> None:
        """Leave the console to the next page."""
        self._left.set()
        # Never cancelled: half an opened terminal would stay behind.
        await asyncio.wait([self._opening])
        if self.relay is not None:
            self.role.registry.leave(self.relay, self.watcher)
        self.role.registry.leave_seat(self.seat)

    def _own_origin(self) -> bool:
        headers = self.scope["headers"]
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        domain, _ = split_domain_port(hosts[0]) if len(hosts) == 1 else ("", "")
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        return is_own(
            origins,
            host=domain,
            web_port=settings.RANGE_WEB_PORT,
            secure=settings.HTTPS,
            configured=settings.RANGE_WEB_ORIGINS,
        )

    async def _admitted(self) -> Admission:
        headers = self.scope["headers"]
        cookie = "; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
        route = self.scope["url_route"]["kwargs"]
        try:
            admission: Admission = await database_sync_to_async(admit)(
                parse_cookie(cookie),
                attempt_id=uuid.UUID(str(route["attempt_id"])),
                machine=str(route["machine"]),
                console=str(route["console"]),
            )
            return admission
        except DatabaseError as error:
            log.warning("console.admission.failed", error=type(error).__name__)
            raise ConsoleRefused(
                "The range's database does not answer; the console will try again.",
                reason="database-down",
                code=Close.FAILED,
            ) from error

    async def _refused(self, error: ConsoleRefused) -> None:
        log.info("console.refused", reason=error.reason)
        if error.code is None:
            await self.refuse()
            return
        # The person is who they say: the page may be told why, which a refusal cannot do.
        await self.base_send({"type": "websocket.accept"})
        await self.close(error.code, error.message)

    async def _open(self, admission: Admission | None) -> None:
        try:
            admission = admission or await self._once_running()
            if admission.is_paused:
                await self._resumed(admission)
            self.seat.admission, self.seat.sandbox_id = admission, admission.sandbox_id
            await self._join(admission)
        except _PageLeft:
            return
        except ConsoleRefused as error:
            log.info("console.refused", reason=error.reason)
            await self._end(error.code or Close.REVOKED, error.message)
        except RangeError as error:
            log.warning("console.open.failed", reason=error.reason)
            await self._end(Close.FAILED, error.message)
        except Exception:
            # Whatever it was, the page must not wait for ever.
            log.exception("console.open.failed")
            await self._end(Close.FAILED, "The console did not open.")

    async def _once_running(self) -> Admission:
        """Wait until the machines run, and ask anew whether this person may type on them."""
        attempt_id = uuid.UUID(str(self.scope["url_route"]["kwargs"]["attempt_id"]))
        while True:
            news = self.role.news_of(attempt_id)
            try:
                return await self._admitted()
            except NotYetRunning:
                await self._pause(news, LOOK_SECONDS)

    async def _resumed(self, admission: Admission) -> None:
        """Wait until the reconciler has resumed a paused sandbox."""
        await database_sync_to_async(touch)([admission.sandbox_id])
        ask = database_sync_to_async(is_awake)
        for _ in range(round(RESUME_SECONDS / RESUME_LOOK_SECONDS)):
            if await ask(admission.sandbox_id):
                return
            await self._pause(asyncio.Event(), RESUME_LOOK_SECONDS)
        raise ConsoleRefused(
            "The machines are paused and do not resume yet.", reason="paused", code=Close.FAILED
        )

    async def _pause(self, news: asyncio.Event, seconds: float) -> None:
        """Wait for news, for some time, or until the page leaves."""
        waits = [asyncio.ensure_future(event.wait()) for event in (news, self._left)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._left.is_set():
            raise _PageLeft

    async def _join(self, admission: Admission) -> None:
        key = Key(
            sandbox_id=admission.sandbox_id, machine=admission.machine, console=admission.console
        )
        size = Size(columns=self.watcher.cols, rows=self.watcher.rows)
        opener = partial(
            open_console,
            admission,
            size=size,
            scribe=self.role.scribe,
            writer=self.role.writer,
        )
        relay = await self.role.registry.join(key, self.watcher, opener)
        while self._ahead:
            typed, self._ahead = bytes(self._ahead), bytearray()
            await relay.type(typed)
        self.relay = relay
        relay.closed.add_done_callback(self._relay_closed)

    def _size_asked(self) -> Size:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))

        def side(name: str, default: int) -> int:
            text = query.get(name, [""])[0]
            return clamp(int(text)) if re.fullmatch(r"[0-9]{1,5}", text) else default

        return Size(columns=side("cols", 80), rows=side("rows", 24))

    def _relay_closed(self, closed: asyncio.Future[Close]) -> None:
        self._close_soon(closed.result())

    def _close_soon(self, code: Close) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(code))

    async def _end(self, code: Close, reason: str = "") -> None:
        # What the console showed last still goes out, unless the page does not take it.
        try:
            async with asyncio.timeout(1.0):
                await self.watcher.flushed()
        except TimeoutError:
            log.info("console.page.stalled")
        self.watcher.leave()
        try:
            await self.close(code, reason)
        except Exception as error:  # the page was faster
            log.debug("console.page.gone", error=type(error).__name__)


class _PageLeft(Exception):
    """Nobody waits for the console any more."""
