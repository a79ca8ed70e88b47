"""The web role's ASGI application: pages and server-sent events; consoles have their own."""

import asyncio
import contextvars
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import iscoroutinefunction
from typing import Any, cast

from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "range.settings")

_streams = get_asgi_application()

# What follows may only be imported once Django is set up.
from django.db import close_old_connections  # noqa: E402
from django.http import HttpRequest, HttpResponseBase  # noqa: E402
from django.urls import Resolver404, ResolverMatch, resolve  # noqa: E402

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

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer to a request."""
        here = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, here.run, self._drawn, request)

    def _drawn(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()


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
