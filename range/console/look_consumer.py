"""The socket of somebody who looks at a trainee's console, types along or takes over."""

import time
import uuid
from functools import partial
from typing import assert_never

from range.console.admission import ConsoleRefused
from range.console.company import Onlooker
from range.console.looking import (
    HANDED_BACK_KIND,
    TAKEN_OVER_KIND,
    TYPED_ALONG_KIND,
    LookAdmission,
    admit_look,
    note_look,
)
from range.console.protocol import (
    HEARTBEAT,
    Ack,
    Close,
    FrameRefused,
    Hands,
    Heartbeat,
    Keys,
    LookControl,
    Message,
    check_bytes,
    notice_frame,
    parse_look,
)
from range.console.registry import Seat
from range.console.relay import Key, Relay
from range.console.role import Role, current_role
from range.console.sockets import PageConsumer
from range.console.writer import EventNote
from range.lib.errors import RangeError
from range.lib.logs import get_logger

log = get_logger(__name__)

# As many consoles as one person can keep an eye on in pages of their own.
MOST_LOOKS = 20
MESSAGE_PAUSE_SECONDS = 1.0
_KINDS = {
    Hands.LOOK: HANDED_BACK_KIND,
    Hands.ALONG: TYPED_ALONG_KIND,
    Hands.OVER: TAKEN_OVER_KIND,
}


class LookConsumer(PageConsumer):
    """One page that looks at a console which its trainee opened."""

    role: Role
    seat: Seat
    admission: LookAdmission
    onlooker: Onlooker
    relay: Relay
    _wrote_at = float("-inf")

    async def connect(self) -> bool:
        """Check origin, person and console, write the look down, and only then show anything."""
        if not await self.is_from_our_pages():
            return False
        self.role = current_role()
        try:
            self.admission = await self._admitted()
            self.relay = await self._noted()
        except ConsoleRefused as error:
            await self.refused(error)
            return False
        await self.base_send({"type": "websocket.accept"})
        self.seat = Seat(
            person_id=self.admission.person_id,
            sandbox_id=self.admission.sandbox_id,
            admission=self.admission,
            close=self.close_soon,
        )
        try:
            self.role.registry.take_look(self.seat, limit=MOST_LOOKS)
        except RangeError as error:
            await self.close(Close.TOO_MANY, error.message)
            return False
        self.watcher = self.onlooker = Onlooker(
            self.send_frame,
            name=self.admission.viewer.shown_name,
            on_hands=self._hands_changed,
            send_now=self.send_now,
        )
        self.watcher.on_deaf = partial(self.close_soon, Close.FAILED)
        self.relay.look(self.onlooker)
        self.relay.closed.add_done_callback(lambda closed: self.close_soon(closed.result()))
        return True

    async def receive_bytes(self, data: bytes) -> None:
        """Type, where this page's keys count; where they do not, they are dropped."""
        try:
            await self.relay.type(check_bytes(data), by=self.onlooker)
        except FrameRefused as error:
            await self.end(error.code, error.message)
        except RangeError:
            # The terminal has ended; the relay says so to every page.
            return

    async def receive_text(self, text: str) -> None:
        """Follow a control message."""
        try:
            self._follow(parse_look(text))
        except FrameRefused as error:
            await self.end(error.code, error.message)

    async def disconnect(self) -> None:
        """Give the keys back and leave."""
        self._leave()
        self.role.registry.leave_seat(self.seat)

    def close_soon(self, code: Close) -> None:
        """End the socket; the keys go back at once, whether or not the page takes notice."""
        self._leave()
        super().close_soon(code)

    def _leave(self) -> None:
        self.relay.look_away(self.onlooker)
        self.role.recent_looks.note(*self._look)

    def _follow(self, control: LookControl) -> None:
        match control:
            case Ack():
                self.watcher.drawn(control.bytes)
            case Heartbeat():
                self.watcher.give(HEARTBEAT)
            case Keys():
                self.relay.company.ask(self.onlooker, control.hands)
            case Message():
                self._write(control.text)
            case _:
                assert_never(control)

    @property
    def _look(self) -> tuple[object, ...]:
        admission = self.admission
        return (
            admission.person_id,
            admission.attempt_id,
            admission.machine,
            admission.console,
        )

    async def _admitted(self) -> LookAdmission:
        route = self.scope["url_route"]["kwargs"]
        return await self.asked(
            partial(
                admit_look,
                self.cookies,
                attempt_id=uuid.UUID(str(route["attempt_id"])),
                machine=str(route["machine"]),
                console=str(route["console"]),
            )
        )

    async def _noted(self) -> Relay:
        """Return the open console once the look at it is written down."""
        relay = self._open_relay()
        if relay is not None and not self.role.recent_looks.goes_on(*self._look):
            await self.asked(partial(note_look, self.admission))
            self.role.recent_looks.note(*self._look)
            relay = self._open_relay()
        if relay is None:
            raise ConsoleRefused(
                f"Nothing is open on {self.admission.machine} now.",
                reason="not-open",
                code=Close.NOT_OPEN,
            )
        return relay

    def _open_relay(self) -> Relay | None:
        admission = self.admission
        return self.role.registry.find(
            Key(
                sandbox_id=admission.sandbox_id,
                machine=admission.machine,
                console=admission.console,
            )
        )

    def _hands_changed(self, hands: Hands) -> None:
        self._tell(_KINDS[hands])

    def _write(self, text: str) -> None:
        now = time.monotonic()
        if not text.isprintable() or now - self._wrote_at < MESSAGE_PAUSE_SECONDS:
            self.watcher.give(notice_frame("Not sent: one line at a time.", level="warning"))
            return
        self._wrote_at = now
        self.relay.write_to_trainee(text, sender=self.onlooker.name)
        self._tell("console.message", text=text)

    def _tell(self, kind: str, **more: object) -> None:
        admission = self.admission
        self.role.writer.submit(
            EventNote(
                attempt_id=admission.attempt_id,
                kind=kind,
                actor=f"instructor:{admission.person_id}",
                payload={
                    "person": self.onlooker.name,
                    "machine": admission.machine,
                    "console": admission.console,
                    **more,
                },
            )
        )
