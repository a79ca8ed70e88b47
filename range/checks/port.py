"""Whether a TCP port answers, asked from a grader's own place in a segment."""

from typing import Annotated, Literal

from pydantic import Field

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.spec import CheckSpec, Endpoint, NetworkName


class PortCheck(CheckSpec):
    """Met when a connection is accepted, or refused where the check wants it closed.

    Trap: a tool in the machine that lists what the trainee likes. A connection is made instead.
    """

    kind: Literal["port"]
    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment from which the connection is tried."""
    to: Endpoint
    """Where to, as `machine:port`."""
    open: bool = True
    """Whether the connection must be accepted, or must not."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        host, _, port = self.to.rpartition(":")
        accepted = probe.can_connect(from_network=self.from_network, host=host, port=int(port))
        if accepted == self.open:
            return met("port-open" if accepted else "port-closed")
        return unmet("port-open" if accepted else "port-closed", excerpt=self.to)
