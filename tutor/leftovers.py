"""Takes up what was left: hints that no page came for, criteria whose model was away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from range.assessment.grading import record_proposals
from range.assessment.models import ReviewItem
from range.exercises.models import Attempt
from range.lib import clock
from tutor import rubric
from tutor.answering import CLAIM_STALE, Draft, settle
from tutor.models import Hint

# A page asks for its answer at once; one that has not come by now is closed or gone.
FORGOTTEN_AFTER = timedelta(minutes=10)
HINTS_AT_ONCE = 100
# What a person has not read by then needs no proposal any more.
JUDGED_WITHIN = timedelta(days=2)
ATTEMPTS_AT_ONCE = 3
REST, LONGEST_REST = timedelta(minutes=5), timedelta(hours=1)


@dataclass
class Rest:
    """How long a process leaves off asking about old criteria; longer each time it is in vain."""

    wait: timedelta = REST
    until: float = 0.0

    @property
    def is_over(self) -> bool:
        """Tell whether to ask now."""
        return clock.monotonic() >= self.until

    def begin(self, *, in_vain: bool) -> None:
        """Rest anew."""
        self.wait = min(self.wait * 2, LONGEST_REST) if in_vain else REST
        self.until = clock.monotonic() + self.wait.total_seconds()


_rest = Rest()


def settle_forgotten() -> int:
    """Let the author's words stand where nobody answers a hint; return how many those were."""
    now = timezone.now()
    nobodys = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_STALE)
    old = Hint.objects.filter(nobodys, state=Hint.State.OPEN, asked_at__lt=now - FORGOTTEN_AFTER)
    found = list(old.order_by("asked_at").values_list("pk", flat=True)[:HINTS_AT_ONCE])
    for pk in found:
        settle(pk, Draft(failure="broken"), ())
    return len(found)


def judge_again() -> int:
    """Ask about criteria that have no proposal yet; return how many have one now."""
    if not _rest.is_over:
        return 0
    attempts, proposed = _without_proposals(), 0
    for attempt in attempts:
        proposals = rubric.judge(attempt)
        record_proposals(attempt, proposals)
        proposed += len(proposals)
    _rest.begin(in_vain=bool(attempts) and not proposed)
    return proposed


def _without_proposals() -> Sequence[Attempt]:
    waiting = ReviewItem.objects.filter(
        state=ReviewItem.State.OPEN,
        proposal__isnull=True,
        created_at__gt=timezone.now() - JUDGED_WITHIN,
    )
    graded = Attempt.objects.filter(state=Attempt.State.GRADED, pk__in=waiting.values("attempt"))
    # One that a model never answers must not stand before the others for ever.
    chosen = graded.select_related("exercise__version__scenario", "trainee").order_by("?")
    return list(chosen[:ATTEMPTS_AT_ONCE])
