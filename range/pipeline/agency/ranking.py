"""Finds and orders an agency's candidates in the database, over the stored estimates alone."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    FloatField,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, Lower, NullIf

from range.accounts.access import consenting_to
from range.accounts.models import Organisation, User
from range.competencies.models import ObservableSkill
from range.exercises.models import Attempt
from range.pipeline.agency.asked import NO_STAGE, Asked
from range.pipeline.models import Candidacy
from range.pipeline.readiness import (
    ENOUGH_CHECKS,
    ENOUGH_SCENARIOS,
    HALF_WIDTH_80,
    Word,
)

# Standard normal quantiles of the words' probabilities, .95 and .9.
Z_MEETS = 1.6448536269514722
Z_LIKELY = 1.2815515655446004
BY_NAME = Lower(Coalesce(NullIf("display_name", Value("")), "username"))


@dataclass(frozen=True, kw_only=True)
class Held:
    """What candidates are held against.

    Args:
        required: Cut in logits by skill key; empty without a role.
        ids: Of every observable skill, by key.
    """

    required: Mapping[str, float]
    ids: Mapping[str, uuid.UUID]
    assessed_only: bool


def candidates_of(agency: Organisation) -> QuerySet[User]:
    """Return the people who let an agency look at this moment."""
    return User.objects.filter(pk__in=consenting_to(agency.pk), is_active=True)


def skill_ids() -> dict[str, uuid.UUID]:
    """Return the id of every observable skill by its key."""
    return dict(ObservableSkill.objects.values_list("key", "pk"))


def found(agency: Organisation, asked: Asked, held: Held) -> QuerySet[User]:
    """Return an agency's candidates as asked for, in no order: enough to count them."""
    people = _filtered(candidates_of(agency), agency, asked)
    if asked.word:
        return _with_readiness(people, held).filter(_says(asked.word, len(held.required)))
    return people


def ranked(agency: Organisation, asked: Asked, held: Held) -> QuerySet[User]:
    """Return an agency's candidates as asked for, in order."""
    people = found(agency, asked, held)
    if asked.sort == "readiness" and not asked.word:
        people = _with_readiness(people, held)
    if asked.sort == "skill" and asked.skill in held.ids:
        return _by_skill(people, held, held.ids[asked.skill])
    return people.order_by(*_order(agency, asked, held), BY_NAME, "pk")


def _filtered(people: QuerySet[User], agency: Organisation, asked: Asked) -> QuerySet[User]:
    for part in asked.search.split()[:5]:
        people = people.filter(Q(display_name__icontains=part) | Q(username__icontains=part))
    placed = Candidacy.objects.filter(agency=agency, trainee=OuterRef("pk"))
    if asked.stage == NO_STAGE:
        return people.exclude(Exists(placed.exclude(stage="")))
    if asked.stage:
        return people.filter(Exists(placed.filter(stage=asked.stage)))
    return people


def enough(relation: str = "") -> Q:
    """Tell whether an estimate suffices for a word, as `Tally.suffices` does.

    Args:
        relation: Name of the estimate in the query; empty where estimates are what is asked for.
    """
    of = f"{relation}__" if relation else ""
    return Q(
        **{
            f"{of}evidence_count__gte": ENOUGH_CHECKS,
            f"{of}scenario_count__gte": ENOUGH_SCENARIOS,
            f"{of}evidence_count__lte": F(f"{of}attested_count") * 2,
        }
    )


def ready_among(people: QuerySet[User], held: Held) -> int:
    """Count the people who are likely or sure to meet all that a role asks."""
    asked = len(held.required)
    ready = _says(Word.MEETS, asked) | _says(Word.LIKELY, asked)
    return _with_readiness(people, held).filter(ready).count()


def _with_readiness(people: QuerySet[User], held: Held) -> QuerySet[User]:
    """Add how many required skills have enough evidence, and how far the weakest is above its cut.

    The probability of lying above a cut grows with that distance in standard deviations, so the
    smallest distance is the smallest probability.
    """
    wanted = [held.ids[key] for key in held.required if key in held.ids]
    cuts = [When(held__skill=held.ids[key], then=Value(cut)) for key, cut in _known(held)]
    if not wanted:
        nothing = Value(None, output_field=FloatField())
        return people.annotate(enough=Value(0), weakest=nothing)
    mine = Q(skill_estimates__assessed_only=held.assessed_only, skill_estimates__skill__in=wanted)
    distance = (F("held__mean") - Case(*cuts, output_field=FloatField())) / F("held__sd")
    return people.alias(held=FilteredRelation("skill_estimates", condition=mine)).annotate(
        # Counted by what the covering index holds, so that the rows themselves stay unread.
        enough=Count("held__trainee", filter=enough("held")),
        weakest=Min(distance),
    )


def _known(held: Held) -> list[tuple[str, float]]:
    return [(key, cut) for key, cut in held.required.items() if key in held.ids]


def _says(word: str, required: int) -> Q:
    complete = Q(enough=required) if required else Q(enough__lt=0)
    return {
        Word.MEETS: complete & Q(weakest__gte=Z_MEETS),
        Word.LIKELY: complete & Q(weakest__gte=Z_LIKELY, weakest__lt=Z_MEETS),
        Word.UNCLEAR: complete & Q(weakest__lt=Z_LIKELY),
        Word.NOT_ENOUGH: ~complete,
    }[Word(word)]


def _order(agency: Organisation, asked: Asked, held: Held) -> list[OrderBy]:
    if asked.sort == "readiness":
        # Nobody is ranked by what is not known well enough for a word.
        complete = Case(
            When(enough=len(held.required), then=1), default=0, output_field=IntegerField()
        )
        return [complete.desc(), F("weakest").desc(nulls_last=True)]
    if asked.sort == "stage":
        stages = [When(stage=each, then=n) for n, each in enumerate(Candidacy.Stage.values)]
        rank = Case(*stages, default=None, output_field=IntegerField())
        mine = Candidacy.objects.filter(agency=agency, trainee=OuterRef("pk"))
        return [OrderBy(Subquery(mine.values_list(rank)[:1]), descending=True, nulls_last=True)]
    if asked.sort == "recent":
        graded = Attempt.objects.filter(trainee=OuterRef("pk"), state=Attempt.State.GRADED)
        latest = graded.order_by("-graded_at").values_list("graded_at")[:1]
        return [OrderBy(Subquery(latest), descending=True, nulls_last=True)]
    return []


def _by_skill(people: QuerySet[User], held: Held, skill: uuid.UUID) -> QuerySet[User]:
    """Order by the lower end of the interval: by what can be claimed, not by what may be."""
    mine = Q(skill_estimates__assessed_only=held.assessed_only, skill_estimates__skill=skill)
    known = Case(When(enough("sorted_by"), then=1), default=0, output_field=IntegerField())
    low = F("sorted_by__mean") - HALF_WIDTH_80 * F("sorted_by__sd")
    return people.alias(
        sorted_by=FilteredRelation("skill_estimates", condition=mine), known=known, low=low
    ).order_by(F("known").desc(), F("low").desc(nulls_last=True), BY_NAME, "pk")
