"""The console's end of a WebSocket: admitted once, then nothing but bytes."""

import asyncio
import re
import uuid
from functools import partial
from typing import assert_never
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings

from range.console.admission import Admission, ConsoleRefused, NotYetRunning, admit, admit_trial
from range.console.opening import open_console, open_unrecorded
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
from range.console.sockets import PageConsumer
from range.console.typists import Typing
from range.console.watchers import Watcher
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime.driver import Size
from range.sandboxes.activity import is_awake, touch

log = get_logger(__name__)

# Resuming takes a fraction of a second; a page whose console took longer than this tries again.
RESUME_SECONDS = 10.0
RESUME_LOOK_SECONDS = 0.1
# News of a sandbox that starts may be lost with their connection; then it is asked for this often.
LOOK_SECONDS = 3.0
_PAGE = re.compile(r"[a-z0-9]{8,40}")


class ConsoleConsumer(PageConsumer):
    """One page on one console of its own sandbox, which may still be starting."""

    open_relay = staticmethod(open_console)
    role: Role
    seat: Seat
    relay: Relay | None = None
    typing: Typing | None = None
    _opening: asyncio.Task[None]
    _left: asyncio.Event
    _ahead: bytearray

    async def connect(self) -> bool:
        """Check origin, person, sandbox and seat, in this order, then begin to open."""
        if not await self.is_from_our_pages():
            return False
        admission: Admission | None = None
        who: Admission | NotYetRunning
        try:
            who = admission = await self._admitted()
        except NotYetRunning as error:
            who = error
        except ConsoleRefused as error:
            await self.refused(error)
            return False
        self.role = current_role()
        self._left = asyncio.Event()
        self._ahead = bytearray()
        await self.base_send({"type": "websocket.accept"})
        size = self._size_asked()
        self.watcher = Watcher(
            self.send_frame, cols=size.columns, rows=size.rows, send_now=self.send_now
        )
        self.watcher.on_deaf = partial(self.close_soon, Close.FAILED)
        self.seat = Seat(
            person_id=who.person_id,
            sandbox_id=who.sandbox_id,
            admission=admission,
            close=self.close_soon,
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
                await self.relay.type(data, typing=self.typing)
        except FrameRefused as error:
            await self.end(error.code, error.message)
        except RangeError:
            # The terminal has ended; the relay says so to every page.
            return

    async def receive_text(self, text: str) -> None:
        """Follow a control message."""
        try:
            control = parse(text)
        except FrameRefused as error:
            await self.end(error.code, error.message)
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

    async def _admitted(self) -> Admission:
        route = self.scope["url_route"]["kwargs"]
        return await self.asked(
            partial(
                admit,
                self.cookies,
                attempt_id=uuid.UUID(str(route["attempt_id"])),
                machine=str(route["machine"]),
                console=str(route["console"]),
            )
        )

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
            await self.end(error.code or Close.REVOKED, error.message)
        except RangeError as error:
            log.warning("console.open.failed", reason=error.reason)
            await self.end(Close.FAILED, error.message)
        except Exception:
            # Whatever it was, the page must not wait for ever.
            log.exception("console.open.failed")
            await self.end(Close.FAILED, "The console did not open.")

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
            self.open_relay,
            admission,
            size=size,
            scribe=self.role.scribe,
            writer=self.role.writer,
        )
        relay = await self.role.registry.join(key, self.watcher, opener)
        if page := self._page_asked():
            self.typing = relay.typists.sit(page, self.watcher)
        try:
            while self._ahead:
                typed, self._ahead = bytes(self._ahead), bytearray()
                await relay.type(typed, typing=self.typing)
        except RangeError:
            # The terminal has ended already; the relay says so to every page.
            log.info("console.ahead.lost")
        # Only now, so that no later key overtakes; and in any case, so that the page can leave.
        self.relay = relay
        if self.direct is not None:
            self.direct.take = partial(relay.type_now, typing=self.typing)
        relay.closed.add_done_callback(self._relay_closed)

    def _asked_for(self, name: str) -> str:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        return str(query.get(name, [""])[0])

    def _page_asked(self) -> str:
        page = self._asked_for("page")
        return page if _PAGE.fullmatch(page) else ""

    def _size_asked(self) -> Size:
        def side(name: str, default: int) -> int:
            text = self._asked_for(name)
            return clamp(int(text)) if re.fullmatch(r"[0-9]{1,5}", text) else default

        return Size(columns=side("cols", 80), rows=side("rows", 24))

    def _relay_closed(self, closed: asyncio.Future[Close]) -> None:
        self.close_soon(closed.result())


class TrialConsumer(ConsoleConsumer):
    """One page on a console of an author's own sandbox."""

    open_relay = staticmethod(open_unrecorded)

    def _relay_closed(self, closed: asyncio.Future[Close]) -> None:
        # A machine that its author changed starts anew: the page connects again by itself.
        code = closed.result()
        self.close_soon(Close.NOT_RUNNING if code is Close.ENDED else code)

    async def _admitted(self) -> Admission:
        route = self.scope["url_route"]["kwargs"]
        trial_id, machine = uuid.UUID(str(route["attempt_id"])), str(route["machine"])
        return await self.asked(
            partial(admit_trial, self.cookies, trial_id=trial_id, machine=machine)
        )


class _PageLeft(Exception):
    """Nobody waits for the console any more."""
