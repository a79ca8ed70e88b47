"""Serves consoles: WebSockets on a port of their own, nothing else."""

import gc
import os
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.console.bare_uvicorn import Config, Server
from range.console.protocol import MAX_FRAME_BYTES
from range.console.reading import EagerSocket

PING_SECONDS = 20.0
# Recording and cutting run beside the loop; a key must not wait five milliseconds for them.
SWITCH_SECONDS = 0.0005
# Keys go before image builds and pages where the machine is busy; only root may ask for it.
NICENESS = -10


class Command(BaseCommand):
    help = "Serve consoles over WebSockets."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.RANGE_CONSOLE_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
        # What is loaded by now stays; looking through it for garbage would hold up a key.
        gc.freeze()
        Server(server_config(host=options["host"], port=options["port"])).run()


def server_config(*, host: str, port: int) -> Config:
    """Return how the console role is served.

    Frames are not compressed: a key's frame would grow, bulk output would cost a hundred times as
    much processor time, and each connection a third more memory (decision 71).
    """
    return Config(
        "range.console.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws=EagerSocket,
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=3,
    )
