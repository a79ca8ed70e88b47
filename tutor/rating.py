"""What a trainee says of a hint; what did not help reaches the instructors by the timeline."""

from django.utils import timezone

from range.accounts.models import User
from range.timeline.services import record
from tutor.happenings import HINT_RATED
from tutor.models import Hint


def rate(hint: Hint, *, person: User, rating: Hint.Rating) -> Hint:
    """Write down whether a hint helped; saying the same again changes nothing."""
    changed = Hint.objects.filter(pk=hint.pk).exclude(rating=rating)
    if changed.update(rating=rating, rated_at=timezone.now()):
        record(
            hint.attempt_id,
            kind=HINT_RATED,
            actor=f"trainee:{person.pk}",
            payload={
                "objective": hint.objective,
                "rung": hint.rung,
                "hint": str(hint.pk),
                "rating": rating.lower(),
            },
        )
    hint.rating = rating
    return hint
