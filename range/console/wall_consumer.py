"""The socket of a wall: small live pictures of all consoles of an exercise, at most one a second.

Nothing waits in a queue here: a wall that does not take its pictures in time gets fewer of them,
and no console knows that it is on one.
"""

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import asdict
from functools import partial

from django.conf import settings

from range.console.admission import ConsoleRefused
from range.console.looking import note_wall_looks
from range.console.protocol import (
    HEARTBEAT,
    Close,
    FrameRefused,
    Heartbeat,
    parse,
    picture_frame,
    tiles_frame,
)
from range.console.relay import Relay
from range.console.role import Role, current_role
from range.console.sockets import StreamConsumer
from range.console.wall import PICTURE_BYTES, Roster, Tile, roster_of, tiles_of
from range.lib.logs import get_logger
from range.runtime.driver import Size

log = get_logger(__name__)

PICTURE_SECONDS = 1.0
ROSTER_SECONDS = 3.0
MOST_WALLS = 5


class WallConsumer(StreamConsumer):
    """One wall; it ends by itself as soon as the viewer may no longer see it."""

    role: Role
    roster: Roster
    _work: tuple[asyncio.Task[None], ...]

    async def connect(self) -> bool:
        """Check origin and person, then begin to show."""
        if not await self.is_from_our_pages():
            return False
        self.role = current_role()
        try:
            self.roster = await self._asked_roster()
        except ConsoleRefused as error:
            await self.refused(error)
            return False
        self._tiles: list[Tile] | None = None
        self._sent: dict[Relay, tuple[int, Size]] = {}
        await self.base_send({"type": "websocket.accept"})
        if self.role.walls[self.roster.viewer.pk] >= MOST_WALLS:
            await self.close(Close.TOO_MANY, f"You have {MOST_WALLS} walls open. Close one first.")
            return False
        self.role.walls[self.roster.viewer.pk] += 1
        self._work = (asyncio.create_task(self._show()), asyncio.create_task(self._ask_again()))
        return True

    async def receive_bytes(self, data: bytes) -> None:
        """Refuse: nobody types on a wall."""
        await self._end(Close.MALFORMED, "A wall takes no keys.")

    async def receive_text(self, text: str) -> None:
        """Answer a heartbeat; a wall sends nothing else that matters."""
        try:
            control = parse(text)
        except FrameRefused as error:
            await self._end(error.code, error.message)
            return
        if isinstance(control, Heartbeat):
            await self.send_frame(HEARTBEAT)

    async def disconnect(self) -> None:
        """Stop showing."""
        self.role.walls[self.roster.viewer.pk] -= 1
        for work in self._work:
            work.cancel()
        await asyncio.wait(self._work)

    async def _asked_roster(self) -> Roster:
        exercise_id = uuid.UUID(str(self.scope["url_route"]["kwargs"]["exercise_id"]))
        session_key = self.cookies.get(settings.SESSION_COOKIE_NAME, "")
        return await self.asked(partial(roster_of, session_key, exercise_id))

    async def _ask_again(self) -> None:
        """Learn who came and left, and end the wall when the viewer may not see it any more."""
        while True:
            await asyncio.sleep(ROSTER_SECONDS)
            try:
                self.roster = await self._asked_roster()
            except ConsoleRefused as error:
                log.info("console.wall.ends", reason=error.reason)
                await self._end(error.code or Close.REVOKED, error.message)
                return

    async def _show(self) -> None:
        try:
            while True:
                await self._show_once()
                await asyncio.sleep(PICTURE_SECONDS)
        except ConsoleRefused as error:
            await self._end(error.code or Close.FAILED, error.message)
        except OSError as error:
            log.debug("console.wall.gone", error=type(error).__name__)
        except Exception:
            # Whatever it was, the page must not wait for ever.
            log.exception("console.wall.failed")
            await self._end(Close.FAILED, "The wall stopped.")

    async def _show_once(self) -> None:
        roster = self.roster
        shown = tiles_of(roster, self.role.registry.relays())
        await self._note_looks(roster, {tile.attempt for tile, relay in shown.items() if relay})
        if list(shown) != self._tiles:
            self._tiles = list(shown)
            await self.send_frame(tiles_frame(asdict(tile) for tile in self._tiles))
        for tile, relay in shown.items():
            if relay is not None:
                await self._picture(tile, relay)
        self._sent = {relay: self._sent[relay] for relay in shown.values() if relay}

    async def _picture(self, tile: Tile, relay: Relay) -> None:
        seen, size = self._sent.get(relay, (0, None))
        if (relay.shown_bytes, relay.size) == (seen, size):
            return
        # A smaller or larger screen is drawn anew: lines may have been wrapped otherwise.
        data, whole = relay.shown_since(seen if size == relay.size else 0, most=PICTURE_BYTES)
        self._sent[relay] = (relay.shown_bytes, relay.size)
        cols, rows = relay.size.columns, relay.size.rows
        await self.send_frame(picture_frame(tile.id, cols=cols, rows=rows, whole=whole))
        await self.send_frame(data)

    async def _note_looks(self, roster: Roster, attempts: Collection[str]) -> None:
        """Write down, before anything is shown, whose consoles the viewer is about to see."""
        looks, viewer = self.role.recent_looks, roster.viewer
        seen = [each for each in roster.seated if str(each.attempt_id) in attempts]
        fresh = [each for each in seen if not looks.goes_on(viewer.pk, each.attempt_id, "wall")]
        if fresh:
            await self.asked(
                partial(
                    note_wall_looks,
                    viewer,
                    title=roster.title,
                    trainees={each.attempt_id: each.trainee_id for each in fresh},
                )
            )
        for each in seen:
            looks.note(viewer.pk, each.attempt_id, "wall")

    async def _end(self, code: Close, reason: str) -> None:
        for work in self._work:
            if work is not asyncio.current_task():
                work.cancel()
        try:
            await self.close(code, reason)
        except Exception as error:  # the page was faster
            log.debug("console.page.gone", error=type(error).__name__)
