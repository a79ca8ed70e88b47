"""What checks that talk to a service share: where it is, and how what differs is judged."""

import time
from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import Field

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.spec import CheckSpec, Endpoint, NetworkName
from range.checks.wire import Wire, WireEnded, opened

# However many exchanges there are, a server that stalls each gets no more than this.
SECONDS_IN_ALL = 60.0

# Returns what differs, or an empty string.
type Exchange = Callable[[Wire], str]


class Unlike(Exception):
    """The service is not as wanted, for a reason that has a sentence of its own.

    Args:
        reason: Slug of the sentence.
        text: What differs, for authors.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class TalkingCheck(CheckSpec):
    """What every check says that talks to one service."""

    from_network: Annotated[NetworkName, Field(alias="from")]
    """Segment the connections come from."""
    to: Endpoint
    """Service, as `machine:port`."""

    def talked(
        self, probe: Probe, exchanges: Iterable[tuple[str, Exchange]], *, seconds: float
    ) -> Judgement:
        """Judge exchanges, each on a connection of its own; the score is the share as wanted.

        Args:
            exchanges: Each with the name that authors read; those of one name count as one.
            seconds: How long each may take.

        Raises:
            ProbeUnavailable: The probe could not look.
        """
        failures: list[tuple[str, str, str]] = []
        names: set[str] = set()
        end = time.monotonic() + SECONDS_IN_ALL
        for name, exchange in exchanges:
            names.add(name)
            if time.monotonic() > end:
                failures.append((name, "answers-differ", "no time was left"))
                continue
            with opened(probe, from_network=self.from_network, to=self.to, seconds=seconds) as wire:
                if wire is None:
                    return unmet("no-answer", excerpt=self.to)
                if wrong := _wrong(wire, exchange):
                    failures.append((name, *wrong))
        if not failures:
            return met("answers-as-expected")
        excerpt = "\n".join(dict.fromkeys(f"{name}: {text}" for name, _, text in failures))
        failed = {name for name, _, _ in failures}
        return unmet(failures[0][1], excerpt=excerpt, score=1 - len(failed) / len(names))


def _wrong(wire: Wire, exchange: Exchange) -> tuple[str, str] | None:
    try:
        differs = exchange(wire)
    except WireEnded as error:
        differs = str(error)
    except Unlike as error:
        return error.reason, str(error)
    return ("answers-differ", differs) if differs else None
