"""The hints of one exercise as rows: counted, filtered, near one another, awaiting a look."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from pgvector.django import CosineDistance

from range.accounts.models import User
from range.exercises.models import Exercise
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.timeline.services import record
from tutor.access import HintMissing
from tutor.clusters import NEAR
from tutor.models import Hint, HintNote, HintVector
from tutor.providers.embedding import EmbeddingModel, EmbeddingUnavailable

NOTED = "hint.noted"
NOTE_LIMIT = 2000
# What the guard may say; anything else that a hint keeps there is a model's failure.
GUARD_REASONS = (
    "above-rung",
    "avoided",
    "encoded",
    "flag-shape",
    "prompt",
    "reference",
    "secret",
)
BATCH = 64
# A question that has no vector after this long has none to be had.
VECTORS_WITHIN = timedelta(days=30)
STOPPED = Q(guard__reason__in=GUARD_REASONS)


class NoteRefused(RangeError):
    """A note without words."""

    def __init__(self) -> None:
        super().__init__(
            "Write what you did about it, in a few words; the hint then leaves the list.",
            reason="note-empty",
            status=422,
        )


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which hints of an exercise to show.

    Args:
        show: `stopped`, `unhelpful`, `waiting` or empty for all.
        like: A hint whose question the others must be near to.
    """

    objective: str = ""
    rung: int | None = None
    trainee: str = ""
    show: str = ""
    like: uuid.UUID | None = None


def hints_of(exercise: Exercise) -> QuerySet[Hint]:
    """Return every hint of an exercise, newest first, with whether somebody must look at it."""
    return (
        Hint.objects.filter(attempt__exercise=exercise)
        .select_related("attempt__trainee")
        .annotate(awaits=_awaits_a_look())
        .order_by("-asked_at", "pk")
    )


def _awaits_a_look() -> Q:
    """Return what tells a hint that did not help and that nobody has looked at since."""
    noted = HintNote.objects.filter(hint=OuterRef("pk"), at__gte=OuterRef("rated_at"))
    return Q(rating=Hint.Rating.NOT_HELPFUL) & ~Q(Exists(noted))


def chosen(exercise: Exercise, wanted: Filters) -> QuerySet[Hint]:
    """Return the hints that the filters keep."""
    found = hints_of(exercise)
    if wanted.objective:
        found = found.filter(objective=wanted.objective)
    if wanted.rung is not None:
        found = found.filter(rung=wanted.rung)
    if wanted.trainee:
        found = found.filter(attempt__trainee__username=wanted.trainee)
    if wanted.show == "stopped":
        found = found.filter(STOPPED)
    elif wanted.show == "unhelpful":
        found = found.filter(rating=Hint.Rating.NOT_HELPFUL)
    elif wanted.show == "waiting":
        found = found.filter(_awaits_a_look())
    return _near(found, wanted.like) if wanted.like else found


def _near(found: QuerySet[Hint], like: uuid.UUID) -> QuerySet[Hint]:
    """Keep what asks much the same about the same objective, the nearest first."""
    centre = HintVector.objects.select_related("hint").filter(pk=like).first()
    if centre is None:
        return found.filter(pk=like)
    distance = CosineDistance("vector__embedding", centre.embedding)
    near = found.filter(vector__kind=centre.kind, objective=centre.hint.objective)
    return (
        near.annotate(distance=distance)
        .filter(distance__lte=1 - NEAR)
        .order_by("distance", "-asked_at")
    )


def counts_of(exercises: Sequence[Exercise]) -> dict[uuid.UUID, dict[str, int]]:
    """Return how much was asked, stopped and found unhelpful, by exercise, in one query."""
    noted = HintNote.objects.filter(hint=OuterRef("pk"), at__gte=OuterRef("rated_at"))
    rows = (
        Hint.objects.filter(attempt__exercise__in=exercises)
        .annotate(noted=Exists(noted))
        .values("attempt__exercise")
        .annotate(
            hints=Count("pk"),
            trainees=Count("attempt__trainee", distinct=True),
            stopped=Count("pk", filter=STOPPED),
            waiting=Count("pk", filter=Q(rating=Hint.Rating.NOT_HELPFUL, noted=False)),
        )
        .order_by()
    )
    return {
        row["attempt__exercise"]: {
            "hints": row["hints"],
            "trainees": row["trainees"],
            "stopped": row["stopped"],
            "waiting": row["waiting"],
        }
        for row in rows
    }


def hint_of(exercise: Exercise, hint_id: uuid.UUID) -> Hint:
    """Return one hint of an exercise.

    Raises:
        HintMissing: The exercise has no such hint.
    """
    found = hints_of(exercise).filter(pk=hint_id)
    hint = found.select_related("attempt__exercise__version__scenario", "attempt__trainee").first()
    if hint is None:
        raise HintMissing
    return hint


def add_note(hint: Hint, *, person: User, text: str) -> HintNote:
    """Write down what was done about a hint; a rating before it is then dealt with.

    Raises:
        NoteRefused: Nothing was written.
    """
    text = storable(text).strip()[:NOTE_LIMIT]
    if not text:
        raise NoteRefused
    note = HintNote.objects.create(hint=hint, by=person, text=text)
    record(
        hint.attempt_id,
        kind=NOTED,
        actor=f"instructor:{person.pk}",
        payload={"objective": hint.objective, "hint": str(hint.pk)},
    )
    return note


def place_questions(model: EmbeddingModel, *, batch: int = BATCH) -> int:
    """Write vectors of questions that have none; return how many, 0 where none can be had."""
    waiting = Hint.objects.filter(vector=None, asked_at__gt=timezone.now() - VECTORS_WITHIN)
    hints = list(waiting.exclude(question="").order_by("-asked_at")[:batch])
    if not hints:
        return 0
    try:
        vectors = model.embed([hint.question for hint in hints])
    except EmbeddingUnavailable:
        return 0
    HintVector.objects.bulk_create(
        (
            HintVector(hint=hint, kind=model.name, embedding=vector)
            for hint, vector in zip(hints, vectors, strict=True)
        ),
        ignore_conflicts=True,
    )
    return len(hints)
