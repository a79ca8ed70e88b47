"""Start the range on this machine and watch over it; bin/up prepares the machine first."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from range.lib.errors import RangeError
from range.operations import single, start
from range.operations.provision import read_runtime


class Command(BaseCommand):
    """Runs every role under one supervisor."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept where to listen and how to start."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.RANGE_WEB_PORT)
        parser.add_argument("--no-demo", action="store_true")
        parser.add_argument("--offline", action="store_true")
        parser.add_argument("--detach", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start here, or in the background."""
        chosen = start.Options(
            base=Path(settings.BASE_DIR),
            state_dir=Path(settings.RANGE_STATE_DIR),
            database_url=settings.DATABASE_URL,
            host=options["host"],
            port=options["port"],
            demo=not options["no_demo"],
            offline=options["offline"],
        )
        try:
            if options["detach"]:
                self._detach(chosen)
            else:
                start.run(chosen, read_runtime(chosen.base), output=sys.stdout)
        except single.AlreadyRunning as error:
            self.stdout.write(f"{error.message}\n{start.welcome(chosen)}")
        except RangeError as error:
            raise CommandError(error.message) from error

    def _detach(self, chosen: start.Options) -> None:
        """Start in the background, tell its progress, and return once all is well."""
        if single.running_pid(chosen.base) is not None:
            raise single.AlreadyRunning(single.running_pid(chosen.base) or 0)
        log = chosen.base / "var" / "log" / "up.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "manage.py", "up", "--host", chosen.host]
        argv += ["--port", str(chosen.port)]
        argv += [] if chosen.demo else ["--no-demo"]
        argv += ["--offline"] if chosen.offline else []
        with log.open("wb") as output:
            child = subprocess.Popen(
                argv,
                cwd=chosen.base,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._follow(child, log, chosen)

    def _follow(self, child: "subprocess.Popen[bytes]", log: Path, chosen: start.Options) -> None:
        with log.open("rb") as progress:
            while True:
                ended = child.poll() is not None
                well = start.answers(chosen.host, chosen.port)
                text = progress.read().decode(errors="replace")
                self.stdout.write(text, ending="")
                self.stdout.flush()
                if ended:
                    raise CommandError(f"The range did not start; see {log}.")
                if well and "Muster runs at" in log.read_text(errors="replace"):
                    self.stdout.write(progress.read().decode(errors="replace"), ending="")
                    return
                time.sleep(0.2)
