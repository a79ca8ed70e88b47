"""What every socket of the console role shares: its receive loop, its origin, how it is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from range.console.admission import ConsoleRefused
from range.console.origins import is_own
from range.console.protocol import Close
from range.console.reading import DIRECT, EagerSocket
from range.console.watchers import Watcher
from range.lib.logs import get_logger

log = get_logger(__name__)

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type SendMessage = Callable[[dict[str, Any]], Awaitable[None]]

# A close frame carries at most 123 bytes of reason. Source: RFC 6455, 5.5.
_REASON_CHARACTERS = 120


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
        self.direct = scope.get("extensions", {}).get(DIRECT, {}).get("socket")
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

    direct: EagerSocket | None

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

    def send_now(self, frame: bytes | str) -> bool:
        """Send one frame if the network takes it without waiting; tell whether it did."""
        return self.direct is not None and self.direct.send_now(frame)

    async def close(self, code: Close, reason: str = "") -> None:
        """End the socket with a code, after accepting it."""
        await self.base_send(
            {"type": "websocket.close", "code": int(code), "reason": reason[:_REASON_CHARACTERS]}
        )

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies of the handshake."""
        headers = self.scope["headers"]
        return parse_cookie(
            "; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie")
        )

    async def is_from_our_pages(self) -> bool:
        """Refuse the handshake unless one of our own pages asks."""
        if self._own_origin():
            return True
        log.warning("console.origin.refused")
        await self.refuse()
        return False

    async def asked[T](self, question: Callable[[], T]) -> T:
        """Ask the database, once, whether this socket may be.

        Raises:
            ConsoleRefused: It may not, or the database does not answer.
        """
        try:
            answer: T = await database_sync_to_async(question)()
            return answer
        except DatabaseError as error:
            log.warning("console.admission.failed", error=type(error).__name__)
            raise ConsoleRefused(
                "The range's database does not answer; the console will try again.",
                reason="database-down",
                code=Close.FAILED,
            ) from error

    async def refused(self, error: ConsoleRefused) -> None:
        """Refuse the handshake, or accept it and tell why there is nothing."""
        log.info("console.refused", reason=error.reason)
        if error.code is None:
            await self.refuse()
            return
        # The person is who they say: the page may be told why, which a refusal cannot do.
        await self.base_send({"type": "websocket.accept"})
        await self.close(error.code, error.message)

    async def refuse(self) -> None:
        """Refuse the handshake: the server answers 403 and nothing was ever open."""
        await self.base_send({"type": "websocket.close"})

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


class PageConsumer(StreamConsumer):
    """A socket whose frames a watcher sends."""

    watcher: Watcher
    _ending: asyncio.Task[None] | None = None

    def close_soon(self, code: Close) -> None:
        """End the socket from outside of its own receive loop, once."""
        if self._ending is None:
            self._ending = asyncio.create_task(self.end(code))

    async def end(self, code: Close, reason: str = "") -> None:
        """End the socket; what was shown last still goes out, unless the page does not take it."""
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
