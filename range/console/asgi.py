"""The console role's ASGI application: sockets and a health answer, no pages."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "range.settings")
django.setup(set_prefix=False)

from range.console.role import current_role, start_role, stop_role  # noqa: E402
from range.console.routing import sockets  # noqa: E402

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Hand each kind of connection to its place."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await _socket(scope, receive, send)
    elif scope["type"] == "http":
        await _answer(scope, send)


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await start_role()
        await send({"type": "lifespan.startup.complete"})
    await stop_role()
    await send({"type": "lifespan.shutdown.complete"})


async def _socket(scope: Message, receive: Receive, send: Send) -> None:
    try:
        await sockets(scope, receive, send)
    except ValueError as error:
        # The router knows no such address; anything else is a bug and must be seen.
        if "No route found" not in str(error):
            raise
        await receive()
        await send({"type": "websocket.close"})


async def _answer(scope: Message, send: Send) -> None:
    healthy = scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD")
    body = orjson.dumps(_health() if healthy else {"error": "This port serves consoles only."})
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    status = 200 if healthy else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})


def _health() -> dict[str, object]:
    registry = current_role().registry
    return {"state": "ok", "consoles": len(registry.relays()), "pages": len(registry.seats)}
