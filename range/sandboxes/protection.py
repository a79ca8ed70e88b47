"""Keeps the host closed to sandboxes, and refuses to start any while it is not."""

import threading
import time

from django.conf import settings

from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.runtime import host_firewall
from range.sandboxes import probe_record

log = get_logger(__name__)

# Somebody may flush the host's rules at any time; this is how long that may go unnoticed.
GOOD_FOR_SECONDS = 15.0


class Unprotected(RangeError):
    """The host's rules are not in place, or do not hold, so nothing is started.

    Args:
        look: The command that tells whoever runs the range what to do.
    """

    def __init__(self, detail: str, *, look: str = "manage.py doctor") -> None:
        super().__init__(
            "Sandboxes are not started at present, because this machine would not be closed to "
            f"them: {detail}. Whoever runs the range finds what to do with {look}.",
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
        """Put back what is missing, at most every fifteen seconds, and heed the newest probes.

        Raises:
            Unprotected: The rules cannot be put in place, or a critical probe got past them.
        """
        if settings.RANGE_DRIVER != "docker":
            return
        _heed_probes()
        if time.monotonic() < self._good_until:
            return
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            self.close_the_host()
            self._good_until = time.monotonic() + GOOD_FOR_SECONDS

    def close_the_host(self) -> None:
        """Put the host's rules in place.

        Raises:
            Unprotected: That is impossible.
        """
        try:
            missing = host_firewall.verify()
            if missing:
                log.info("protection.installed", rules=len(host_firewall.install()))
        except host_firewall.FirewallUnavailable as error:
            if not settings.RANGE_ALLOW_UNPROTECTED:
                raise Unprotected(str(error)) from error
            log.warning("protection.overridden", detail=str(error))


def _heed_probes() -> None:
    """Refuse while the newest run of the probes got out; before the first run there is none."""
    record = probe_record.newest(settings.RANGE_STATE_DIR)
    if record is None or not record.breaches:
        return
    detail = f"a probe got out of a sandbox ({', '.join(record.breaches)})"
    if not settings.RANGE_ALLOW_UNPROTECTED:
        raise Unprotected(detail, look="manage.py doctor --probe")
    log.warning("protection.overridden", detail=detail)
