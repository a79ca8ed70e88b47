"""A flag that proves access: a token minted for this attempt and this objective."""

import hmac
from typing import Literal

from range.checks.base import Judgement, Probe
from range.checks.judgements import met, unmet
from range.checks.spec import CheckSpec, Line


class FlagCheck(CheckSpec):
    """Met when the trainee handed in this attempt's own flag for the objective.

    Trap: shared and replayed flags. The token carries attempt, objective and epoch, so another
    attempt's flag names its source and one from before a reset is recognised as old.
    """

    kind: Literal["flag"]
    value: Line = ""
    """The flag variable, such as `{{ flag_root }}`; that of the objective when left out."""
    max_tries_per_minute: int = 10
    """Submissions a trainee may make in a minute."""

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        handed_in = probe.latest_submission(objective, self.id)
        if handed_in is None:
            return unmet("not-submitted")
        if not self.value or "{{" in self.value:
            return unmet("flag-unknown")
        if hmac.compare_digest(handed_in.strip().upper().encode(), self.value.upper().encode()):
            return met("flag-accepted")
        return unmet("flag-wrong")
