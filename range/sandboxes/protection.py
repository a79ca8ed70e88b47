"""Keeps the host closed to sandboxes, and refuses to start any while it is not."""

import threading
import time

from django.conf import settings

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime import host_firewall

log = get_logger(__name__)

# Somebody may flush the host's rules at any time; this is how long that may go unnoticed.
GOOD_FOR_SECONDS = 15.0


class Unprotected(RangeError):
    """The host's rules are not in place, so nothing is started."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "Sandboxes are not started at present, because this machine would not be closed to "
            f"them: {detail}. Whoever runs the range finds what to do with manage.py doctor.",
            reason="unprotected",
            status=503,
            retryable=True,
        )


class Protection:
    """The host's packet filter rules, put in place and looked at again before each launch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good_until = 0.0

    def ensure(self) -> None:
        """Put back what is missing, at most every fifteen seconds.

        Raises:
            Unprotected: The rules are not in place and cannot be put there.
        """
        if settings.RANGE_DRIVER != "docker" or time.monotonic() < self._good_until:
            return
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            self._put_in_place()
            self._good_until = time.monotonic() + GOOD_FOR_SECONDS

    def _put_in_place(self) -> None:
        try:
            missing = host_firewall.verify()
            if missing:
                log.info("protection.installed", rules=len(host_firewall.install()))
        except host_firewall.FirewallUnavailable as error:
            if not settings.RANGE_ALLOW_UNPROTECTED:
                raise Unprotected(str(error)) from error
            log.warning("protection.overridden", detail=str(error))
