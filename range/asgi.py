"""The web role's ASGI application: pages and server-sent events; consoles have their own."""

import asyncio
import contextvars
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import iscoroutinefunction
from typing import IO, Any, cast

from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "range.settings")

_streams = get_asgi_application()

# What follows may only be imported once Django is set up.
from django.urls import Resolver404, ResolverMatch, resolve, set_script_prefix  # noqa: E402

from range.lib.bodies import bounded, limit_of  # noqa: E402
from range.workspace.static_files import StaticFiles  # noqa: E402

# A page that waits for a row must not wait five milliseconds for each page that is drawn.
SWITCH_SECONDS = 0.0005
PAGES_AT_ONCE = 4


class Pages(ASGIHandler):
    """Draws pages in a few threads, each page in one: Django's own changes threads a dozen times.

    A thread is taken when the request has arrived whole and given back before the answer is sent,
    so that no slow client can keep it.

    Args:
        at_once: How many pages are drawn side by side.
    """

    def __init__(self, *, at_once: int) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="page")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        here, loop = contextvars.copy_context(), asyncio.get_running_loop()
        drawn = await loop.run_in_executor(self._threads, here.run, self._drawn, scope, body)
        try:
            await self.send_response(drawn, send)
        finally:
            if drawn.streaming:
                await loop.run_in_executor(self._threads, drawn.close)

    def _drawn(self, scope: dict[str, Any], body: IO[bytes]) -> Any:
        """Return the answer to a request, which is closed unless it is sent bit by bit."""
        with body:
            set_script_prefix(get_script_prefix(scope))
            request_started.send(sender=type(self), scope=scope)
            request, refused = self.create_request(scope, body)
            answer: Any = self.get_response(request) if request else refused
            answer._handler_class = type(self)
            if not answer.streaming:
                answer.close()
            return answer


type Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Lanes:
    """Keeps event streams, launches and all other pages out of each other's way.

    When a whole class presses Launch at once, everybody else's pages must not stand behind it.
    """

    def __init__(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._launches: Application = Pages(at_once=1)
        self._others: Application = Pages(at_once=PAGES_AT_ONCE)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        found = _resolved(scope["path"])
        limit_bytes = limit_of(found.func if found is not None else None)
        receive = bounded(receive, scope, limit_bytes=limit_bytes)
        if found is not None and iscoroutinefunction(found.func):
            await _streams(scope, receive, send)
        elif found is not None and found.url_name == "launch":
            await self._launches(scope, receive, send)
        else:
            await self._others(scope, receive, send)


def _resolved(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None


application = StaticFiles(cast(ASGIHandler, Lanes()))
