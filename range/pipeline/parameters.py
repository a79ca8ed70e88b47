"""Named parameter sets of the skill model; an old report is replayed with the set it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class ParameterSet:
    """Every constant that moves an estimate; changing one means adding a set, never editing.

    Args:
        prior_mean: Logits; 0 is the reference entry-level trainee.
        prior_sd: Spread of one skill among trainees, logits.
        prior_correlation: Between any two skills before evidence, in [0, 1).
        hint_offset: How much easier one rung makes a check, logits.
        attempt_sd: Spread of the luck or tiredness shared by the checks of one attempt, logits.
        difficulty_sd: Uncertainty of a difficulty that an expert set, logits.
        drift_per_root_month: Growth of uncertainty without new evidence, logits.
        practice_weight: Worth of evidence from practice, beside 1 for an assessed attempt.
        model_weight: Worth of a rubric score that only a language model gave.
        repeat_weight: Worth of evidence on a variant already met in an earlier attempt.
        difficulty_steps: Logits of the authors' difficulties 1 to 5, in order.
        difficulties: What was fitted to attempts: item, logits and sd, by item. An item is one
            combination of checks of a scenario, such as `sudo-says:enter:flag`.
    """

    name: str
    prior_mean: float
    prior_sd: float
    prior_correlation: float
    hint_offset: float
    attempt_sd: float
    difficulty_sd: float
    drift_per_root_month: float
    practice_weight: float
    model_weight: float
    repeat_weight: float
    difficulty_steps: tuple[float, float, float, float, float]
    difficulties: tuple[tuple[str, float, float], ...] = ()

    def difficulty_at(self, item: str, *, step: int) -> tuple[float, float]:
        """Return an item's difficulty and its sd: as fitted, else as its author set it.

        Raises:
            ValueError: It was never fitted, and the step is not 1 to 5.
        """
        for name, logits, sd in self.difficulties:
            if name == item:
                return logits, sd
        return self.difficulty_of(step), self.difficulty_sd

    def difficulty_of(self, step: int) -> float:
        """Return the logits of an author's difficulty.

        Raises:
            ValueError: The step is not 1 to 5.
        """
        if not 1 <= step <= len(self.difficulty_steps):
            raise ValueError(f"difficulty must be 1 to {len(self.difficulty_steps)}, not {step}")
        return self.difficulty_steps[step - 1]


# Source: docs/explanation/skill-estimates.md says where each figure comes from.
VERSION_2026_1 = ParameterSet(
    name="2026.1",
    prior_mean=0.0,
    prior_sd=1.0,
    prior_correlation=0.4,
    hint_offset=0.9,
    attempt_sd=0.6,
    difficulty_sd=0.5,
    drift_per_root_month=0.08,
    practice_weight=0.5,
    model_weight=0.3,
    repeat_weight=0.25,
    difficulty_steps=(-1.6, -0.8, 0.0, 0.8, 1.6),
)

PARAMETER_SETS: Mapping[str, ParameterSet] = MappingProxyType({VERSION_2026_1.name: VERSION_2026_1})
CURRENT = VERSION_2026_1
