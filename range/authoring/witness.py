"""Notes what happens in a verified sandbox, as the time line would for an attempt."""

from collections.abc import Callable
from dataclasses import dataclass, field

from range.assessment.probes import SandboxProbe
from range.assessment.runner import BY_EVENTS, HANDED_IN, judge_objectives
from range.catalog.schema import ScenarioSpec
from range.checks.base import Happening, Outcome
from range.checks.combine import leaves
from range.lib import clock


@dataclass
class Witness:
    """Looks after each step of a solution, where a check asks when things happened.

    Args:
        probe: Asked for anew at each look, with what was handed in so far.
    """

    spec: ScenarioSpec
    probe: Callable[[], SandboxProbe]
    events: list[Happening] = field(default_factory=list)
    _outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)

    def begin(self) -> None:
        """Note that the attempt and its sandbox have begun."""
        self._note("attempt.begun")
        self._note("sandbox.running")

    def look(self) -> None:
        """Judge every check and note what has changed; does nothing where nobody asks."""
        kinds = {
            (each.key, check.id): check.kind
            for each in self.spec.objectives
            for check in leaves(each.checks)
        }
        if not BY_EVENTS.intersection(kinds.values()):
            return
        judged = judge_objectives(self.spec.objectives, self.probe(), skip_kinds=BY_EVENTS)
        for (objective, check), judgement in judged.items():
            before = self._outcomes.get((objective, check))
            # As in an attempt, only success is news at first.
            if judgement.outcome is before or (before is None and judgement.outcome.value != "MET"):
                continue
            self._outcomes[objective, check] = judgement.outcome
            if kinds[objective, check] in HANDED_IN:
                self._note("submission.accepted", objective=objective, check=check)
            outcome = judgement.outcome.value
            self._note("evidence.recorded", objective=objective, check=check, outcome=outcome)

    def _note(self, kind: str, **facts: str) -> None:
        number = len(self.events) + 1
        self.events.append(Happening(number=number, at=clock.now(), kind=kind, facts=facts))
