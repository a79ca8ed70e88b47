"""Refresh a trainee's skill estimates, and answer what is known of a person for a work role."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from range.accounts.models import User
from range.catalog.outline import Outline, outlines_of
from range.competencies.frameworks import Demand, Role, demand_of
from range.competencies.models import ObservableSkill
from range.exercises.services import offered_to
from range.lib.logs import get_logger
from range.pipeline.estimate import Estimate
from range.pipeline.log import EvidenceLog, read_log
from range.pipeline.models import SkillEstimate
from range.pipeline.observations import planned
from range.pipeline.readiness import (
    Candidate,
    RoleReadiness,
    Standing,
    Suggestion,
    Tally,
    Word,
    what_would_settle,
)
from range.pipeline.readiness import role_readiness as weigh_role
from range.pipeline.sets import current

log = get_logger(__name__)

# Each column that counts evidence, as a tally calls it.
_TALLIED = {
    "evidence_count": "checks",
    "scenario_count": "scenarios",
    "hinted_count": "hinted",
    "attested_count": "attested",
    "last_observed_at": "last_at",
}
_COLUMNS = ("mean", "sd", *_TALLIED, "parameter_set", "updated_at")
# What lists read: whose, of which skill, then what a standing holds.
_KNOWN = ("trainee_id", "skill__key", "mean", "sd", *_TALLIED)


@transaction.atomic
def refresh(trainee: User) -> list[SkillEstimate]:
    """Rebuild the cached estimates of every skill that the trainee's evidence touches.

    Two refreshes at once follow one another; the same log gives the same rows.
    """
    User.objects.select_for_update().get(pk=trainee.pk)
    moment = timezone.now()
    rows = [
        row for only in (False, True) for row in _estimates(trainee, moment, assessed_only=only)
    ]
    for only in (False, True):
        kept = [row.skill for row in rows if row.assessed_only is only]
        stored = SkillEstimate.objects.filter(trainee=trainee, assessed_only=only)
        stored.exclude(skill__in=kept).delete()
    SkillEstimate.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["trainee", "skill", "assessed_only"],
        update_fields=_COLUMNS,
    )
    log.info("pipeline.refreshed", trainee=str(trainee.pk), rows=len(rows))
    return rows


def _estimates(trainee: User, moment: datetime, *, assessed_only: bool) -> list[SkillEstimate]:
    parameters = current()
    skills = {skill.key: skill for skill in ObservableSkill.objects.order_by("key")}
    read = read_log(trainee, assessed_only=assessed_only, parameters=parameters)
    return [
        SkillEstimate(
            trainee=trainee,
            skill=skills[each.skill],
            assessed_only=assessed_only,
            mean=each.mean,
            sd=each.sd,
            evidence_count=each.tally.checks,
            scenario_count=each.tally.scenarios,
            hinted_count=each.tally.hinted,
            attested_count=each.tally.attested,
            last_observed_at=each.tally.last_at,
            parameter_set=parameters.name,
            updated_at=moment,
        )
        for each in read.standings(as_of=moment, parameters=parameters)
        if each.skill in skills
    ]


def cached_standings(
    trainees: Iterable[User], *, assessed_only: bool = False
) -> Mapping[uuid.UUID, list[Standing]]:
    """Return what the cache knows, by trainee id, for lists of many people."""
    found: dict[uuid.UUID, list[Standing]] = {}
    rows = SkillEstimate.objects.filter(trainee__in=list(trainees), assessed_only=assessed_only)
    # Plain values: a page of people reads thousands of rows.
    for trainee_id, skill, mean, sd, *amounts in rows.order_by("skill__key").values_list(*_KNOWN):
        tally = Tally(**dict(zip(_TALLIED.values(), amounts, strict=True)))
        standing = Standing(skill=skill, mean=mean, sd=sd, tally=tally)
        found.setdefault(trainee_id, []).append(standing)
    return found


def readiness_for(known: Sequence[Standing], demand: Demand) -> RoleReadiness:
    """Hold standings against what a role asks; a required skill never seen stands at the prior.

    What was never observed says `not enough evidence`, so the role does too.
    """
    prior = current()
    unseen = [
        Standing(skill=key, mean=prior.prior_mean, sd=prior.prior_sd, tally=Tally())
        for key in sorted(demand.required.keys() - {each.skill for each in known})
    ]
    return weigh_role([*known, *unseen], required=demand.required, aligned=demand.bearing)


def role_readiness(trainee: User, role: Role) -> RoleReadiness:
    """Return how ready a trainee is for a role, from the log as it stands now."""
    demand = demand_of(role)
    return readiness_for(read_log(trainee).standings(skills=sorted(demand.required)), demand)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is known of one person at one moment: the log, the estimate, where skills stand."""

    log: EvidenceLog
    estimate: Estimate
    standings: tuple[Standing, ...]


def picture_of(trainee: User, *, assessed_only: bool = False) -> Picture:
    """Read and replay a person's log over all skills there are."""
    moment = timezone.now()
    keys = list(ObservableSkill.objects.order_by("key").values_list("key", flat=True))
    evidence_log = read_log(trainee, assessed_only=assessed_only)
    return Picture(
        log=evidence_log,
        estimate=evidence_log.estimate(as_of=moment, skills=keys),
        standings=evidence_log.standings(as_of=moment, skills=keys),
    )


def suggestions_for(
    trainee: User, *, picture: Picture, readiness: RoleReadiness
) -> tuple[Suggestion, ...]:
    """Return the two offered scenarios that would settle most of what a role leaves open."""
    settled = {Word.MEETS, Word.LIKELY}
    unsettled = [each.standing.skill for each in readiness.skills if each.word not in settled]
    offered = dict(
        offered_to(trainee).order_by("version").values_list("version", "version__scenario__slug")
    )
    played = {item.scenario for item in picture.log.observations}
    candidates = [
        _candidate(offered[version], outline, played=offered[version] in played)
        for version, outline in outlines_of(offered).items()
    ]
    return what_would_settle(
        picture.estimate, open_skills=unsettled, candidates=candidates, parameters=current()
    )


def _candidate(slug: str, outline: Outline, *, played: bool) -> Candidate:
    return Candidate(
        slug=slug,
        title=outline.title,
        planned=planned(
            outline.observed,
            difficulty=current().difficulty_of(outline.difficulty),
            scenario=slug,
            parameters=current(),
            played=played,
        ),
    )
