"""Command: fetch the local model's weights if need be, and serve them on this machine only."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from range.lib.logs import get_logger
from range.lib.memory import available_mb
from tutor.providers import local_server, weights_status
from tutor.providers.fetching import fetch
from tutor.providers.weights import CHAT_MODEL, WeightsInvalid, verify
from tutor.providers.weights_status import WeightsStatus

log = get_logger(__name__)

# The weights take 1.1 GB, the context and the server the rest. Measured: 1.9 GB resident.
MEMORY_NEEDED_MB = 3072
RETRY_SECONDS = 300.0
REPORT_SECONDS = 1.0


class Command(BaseCommand):
    """A role: it ends only when told to; where it cannot serve it says why and tries again."""

    help = "Serve the local model on TUTOR_LOCAL_PORT; fetches 1.1 GB of weights the first time."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--path", type=Path, help="a copy of the weights on this machine")
        parser.add_argument("--no-fetch", action="store_true", help="use only what is here")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until told to stop."""
        self.folder = Path(settings.TUTOR_WEIGHTS_DIR)
        self.stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        while not self.stopping.is_set():
            if self._has_memory() and (weights := self._weights(options)):
                self._serve(weights)
            self.stopping.wait(RETRY_SECONDS)

    def _has_memory(self) -> bool:
        free = available_mb()
        if free is None or free >= MEMORY_NEEDED_MB:
            return True
        self._say("no-memory", f"{free} MB are free, {MEMORY_NEEDED_MB} MB are needed.")
        return False

    def _weights(self, options: dict[str, Any]) -> Path | None:
        try:
            if options["no_fetch"]:
                return verify(self.folder / CHAT_MODEL.filename, CHAT_MODEL)
            return fetch(CHAT_MODEL, self.folder, path=options["path"], progress=self._progress)
        except WeightsInvalid as error:
            self._say("failed", error.message)
            return None

    def _progress(self, done: int, total: int) -> None:
        if self.stopping.is_set():
            raise SystemExit(0)
        weights_status.write(
            self.folder, WeightsStatus(state="fetching", done_bytes=done, total_bytes=total)
        )

    def _serve(self, weights: Path) -> None:
        self._say("loading", "")
        began = time.monotonic()
        try:
            with local_server.serving(weights, port=settings.TUTOR_LOCAL_PORT) as address:
                seconds = round(time.monotonic() - began, 1)
                log.info("model.serving", address=address, seconds=seconds)
                self._say("serving", address)
                self.stopping.wait()
        except local_server.ServerFailed as error:
            self._say("failed", error.message)
            return
        self._say("unknown", "")

    def _say(self, state: Any, message: str) -> None:
        log.info("model.state", state=state, message=message)
        weights_status.write(self.folder, WeightsStatus(state=state, message=message))
