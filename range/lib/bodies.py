"""Bounds what is kept of a request's body: a little, unless its view says that files come to it."""

from collections.abc import Awaitable, Callable
from typing import Any

# Forms, and texts that are edited in the browser.
USUAL_BYTES = 4 << 20
# What wraps files on their way: names, boundaries, the other fields of the form.
AROUND_BYTES = 64 << 10
# Whoever sent too much can read why only once everything was sent; nobody waits for more than this.
DRAINED_BYTES = 256 << 20
TOO_LARGE = "range.body_too_large"
type Receive = Callable[[], Awaitable[dict[str, Any]]]


def takes_up_to[View: Callable[..., Any]](limit_bytes: int) -> Callable[[View], View]:
    """Say that files of so many bytes together may be sent to a view."""

    def marked(view: View) -> View:
        view.takes_bytes = limit_bytes + AROUND_BYTES  # type: ignore[attr-defined]
        return view

    return marked


def limit_of(view: object) -> int:
    """Return how large a body may be that is sent to a view; None stands for no view at all."""
    return int(getattr(view, "takes_bytes", USUAL_BYTES))


def bounded(receive: Receive, scope: dict[str, Any], *, limit_bytes: int) -> Receive:
    """Return what receives no more of a body than it may hold.

    Of a larger one the rest is read and dropped, and the scope says so under `TOO_LARGE`.
    """
    seen = 0

    async def receive_bounded() -> dict[str, Any]:
        nonlocal seen
        message = await receive()
        if message["type"] != "http.request":
            return message
        seen += len(message.get("body", b""))
        if seen <= limit_bytes:
            return message
        scope[TOO_LARGE] = limit_bytes
        while message.get("more_body") and seen < DRAINED_BYTES:
            message = await receive()
            if message["type"] != "http.request":
                return message
            seen += len(message.get("body", b""))
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive_bounded
