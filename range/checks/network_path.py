"""Which segments may reach which machines: a matrix of allowed and denied connections."""

from typing import Annotated, Literal

from pydantic import Field

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.spec import CheckSpec, Endpoint, NetworkName, Spec


class Route(Spec):
    """One cell of the matrix."""

    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment the connection comes from."""
    to: Endpoint
    """Where it goes, as `machine:port`."""
    expect: Literal["allow", "deny"]
    """Whether it must be accepted."""

    def holds(self, probe: Probe) -> bool:
        """Try the connection.

        Raises:
            ProbeUnavailable: The probe could not look.
        """
        host, _, port = self.to.rpartition(":")
        accepted = probe.can_connect(from_network=self.from_network, host=host, port=int(port))
        return accepted == (self.expect == "allow")


class NetworkPathCheck(CheckSpec):
    """Met when every cell of the matrix is as wanted; the score is the share of cells.

    Trap: closing everything, or opening for the grader only. Allowed and denied cells stand in
    one matrix, and each is tried from the segment itself.
    """

    kind: Literal["network_path"]
    matrix: Annotated[tuple[Route, ...], Field(min_length=1, max_length=40)]
    """What must be reachable and what must not."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        wrong = [route for route in self.matrix if not route.holds(probe)]
        if not wrong:
            return met("paths-as-wanted")
        shown = "\n".join(f"{r.from_network} -> {r.to}: wanted {r.expect}" for r in wrong)
        return unmet("paths-differ", excerpt=shown, score=1 - len(wrong) / len(self.matrix))
