"""Terminals of containers through terminado; runs in the peers' environment, not in ours.

Usage: python _terminado.py PORT USER CONTAINER...
"""

import sys
from typing import Any

from terminado import TermSocket, UniqueTermManager  # type: ignore[import-not-found]
from tornado.ioloop import IOLoop  # type: ignore[import-not-found]
from tornado.web import Application  # type: ignore[import-not-found]


def handler(user: str, container: str) -> tuple[str, type, dict[str, Any]]:
    """Return where a container's terminals are, each of its own."""
    shell = ["docker", "exec", "-it", "-u", user, container, "bash", "-l"]
    terminals = UniqueTermManager(shell_command=shell, max_terminals=None)
    return f"/{container}", TermSocket, {"term_manager": terminals}


def main(port: str, user: str, *containers: str) -> None:
    """Serve until told to stop."""
    application = Application([handler(user, container) for container in containers])
    application.listen(int(port), "127.0.0.1")
    IOLoop.current().start()


main(*sys.argv[1:])
