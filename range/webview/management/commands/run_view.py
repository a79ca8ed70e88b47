"""Serves web pages of machines, each on an origin of its own, and nothing else."""

import asyncio
import signal
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.webview.server import Server


class Command(BaseCommand):
    help = "Serve web pages of machines."
    # Starting checks the range once; here it would load every page there is.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.RANGE_VIEW_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(_serve(options["host"], options["port"]))


async def _serve(host: str, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = Server()
    await server.start(host, port)
    await ended.wait()
    await server.stop()
