"""A person's page: skills against a role, evidence behind each, who looked, whom they let look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from range.accounts.access import agencies_of, can_view_skills, colleagues_of, record_access
from range.accounts.models import AccessRecord, Consent, User
from range.assessment import appeals
from range.assessment.models import Appeal
from range.competencies.frameworks import (
    AlignedStatement,
    Role,
    alignments_of,
    demands_of,
    roles_with_requirements,
)
from range.competencies.models import ObservableSkill
from range.lib.errors import RangeError
from range.lib.storable import storable
from range.pipeline import bars
from range.pipeline.agency.stages import Desk, desks_of
from range.pipeline.evidence_lines import EvidenceLine, lines_by_id
from range.pipeline.growth import Curve, Point, curve, growth
from range.pipeline.log import EvidenceLog
from range.pipeline.readiness import (
    RoleReadiness,
    Standing,
    Word,
    level_of,
    probability_above,
    word_for,
)
from range.pipeline.services import Picture, picture_of, readiness_for, suggestions_for
from range.pipeline.sets import current

LOOKS_SHOWN = 30
APPEALS_SHOWN = 20


class PersonMissing(RangeError):
    """No such person, or not for this viewer; both look the same from outside."""

    def __init__(self) -> None:
        super().__init__(
            "There is nobody here whose skills you may see. They may not have consented, or "
            "have withdrawn their consent.",
            reason="person-missing",
            status=404,
        )


@dataclass(frozen=True, kw_only=True)
class SkillLine:
    """One skill as pages show it.

    Args:
        cut: What the chosen role asks, in logits; empty where it does not ask.
        probability: That the skill lies above the cut; None without enough evidence or cut.
        change: Since before the last attempt, in words; empty where nothing changed.
        growth: Attempt by attempt; None where fewer than two told of the skill.
    """

    key: str
    name: str
    description: str
    rubric: Sequence[Mapping[str, str]]
    standing: Standing
    bar: bars.Bar
    interval: str
    word: Word | None
    level: str
    cut: str
    probability: float | None
    change: str
    statements: Sequence[AlignedStatement]
    evidence: Sequence[EvidenceLine]
    growth: Curve | None

    @property
    def contested(self) -> int:
        """Return how many of its records wait for an answer."""
        return sum(each.is_contested for each in self.evidence)


@dataclass(frozen=True, kw_only=True)
class SuggestionLine:
    """A scenario to play next, and the open skills it would tell of, in words."""

    slug: str
    title: str
    tells_of: str


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Everything that a person's page shows; the same for the person and for an agency.

    Args:
        looks: For others than the person, those of the viewer's own house.
        consents: For others than the person, those to the viewer's own agencies.
    """

    person: User
    role: Role | None
    roles: Sequence[Role]
    readiness: RoleReadiness | None
    suggestions: Sequence[SuggestionLine]
    required: Sequence[SkillLine]
    others: Sequence[SkillLine]
    unseen: Sequence[str]
    lines: Sequence[SkillLine]
    desks: Sequence[Desk]
    appeals: Sequence[Appeal]
    attempts: int
    assessed_only: bool
    parameter_set: str
    as_of: datetime
    looks: Sequence[AccessRecord]
    consents: Sequence[Consent]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page was asked for.

    Args:
        role_code: Of a NICE work role; empty or unknown means the one best covered.
        assessed_only: Whether practice stays out.
    """

    role_code: str = ""
    assessed_only: bool = False


def asked_by(viewer: User, sent: Mapping[str, str]) -> Asked:
    """Read what an address asks for; an agency's default holds where it does not say."""
    evidence = sent.get("evidence", "")
    by_default = evidence != "all" and agencies_of(viewer).filter(assessed_only=True).exists()
    return Asked(
        role_code=storable(sent.get("role", ""))[:24],
        assessed_only=evidence == "assessed" or by_default,
    )


def profile(trainee: User, *, viewer: User, asked: Asked) -> Profile:
    """Gather a person's page and write down that the viewer looked.

    Raises:
        PersonMissing: The viewer may not see this person's skills.
    """
    if not can_view_skills(viewer, trainee.pk):
        raise PersonMissing
    record_access(viewer, subject_id=trainee.pk, what="skill estimates and evidence")
    roles = roles_with_requirements()
    picture = picture_of(trainee, assessed_only=asked.assessed_only)
    role, readiness = _held_against(roles, picture, asked.role_code)
    lines = _lines(picture, readiness)
    wanted = {each.standing.skill for each in readiness.skills} if readiness else set()
    rest = [line for line in lines if line.key not in wanted]
    return Profile(
        person=trainee,
        role=role,
        roles=roles,
        readiness=readiness,
        suggestions=_suggestions(trainee, picture, readiness, lines),
        required=[line for line in lines if line.key in wanted],
        others=[line for line in rest if line.standing.tally.last_at],
        unseen=[line.name for line in rest if not line.standing.tally.last_at],
        lines=lines,
        desks=desks_of(trainee, viewer=viewer),
        appeals=list(appeals.raised_by(trainee)[:APPEALS_SHOWN]),
        attempts=len({item.attempt for item in picture.log.observations}),
        assessed_only=asked.assessed_only,
        parameter_set=current().name,
        as_of=timezone.now(),
        looks=_looks(trainee, viewer),
        consents=_consents(trainee, viewer),
    )


def _held_against(
    roles: Sequence[Role], picture: Picture, code: str
) -> tuple[Role | None, RoleReadiness | None]:
    """Return the role asked for, else the one the evidence covers most, with the readiness."""
    named = [role for role in roles if role.code == code]
    demands = demands_of(named or roles)
    held = [(role, readiness_for(picture.standings, demands[role.code])) for role in named or roles]
    return max(held, key=lambda each: each[1].coverage, default=(None, None))


def _suggestions(
    trainee: User, picture: Picture, readiness: RoleReadiness | None, lines: Sequence[SkillLine]
) -> list[SuggestionLine]:
    if readiness is None:
        return []
    names = {line.key: line.name.lower() for line in lines}
    return [
        SuggestionLine(
            slug=each.slug,
            title=each.title,
            tells_of=", ".join(names.get(key, key) for key in each.bears_on),
        )
        for each in suggestions_for(trainee, picture=picture, readiness=readiness)
    ]


def _looks(trainee: User, viewer: User) -> list[AccessRecord]:
    rows = AccessRecord.objects.filter(subject=trainee).select_related("viewer")
    if viewer.pk != trainee.pk:
        rows = rows.filter(viewer__in=colleagues_of(viewer))
    return list(rows.order_by("-at")[:LOOKS_SHOWN])


def _consents(trainee: User, viewer: User) -> list[Consent]:
    rows = Consent.objects.in_force().filter(trainee=trainee).select_related("agency")
    if viewer.pk != trainee.pk:
        rows = rows.filter(agency__in=agencies_of(viewer))
    return list(rows.order_by("agency__name"))


def _lines(picture: Picture, readiness: RoleReadiness | None) -> list[SkillLine]:
    cuts = {each.standing.skill: each.cut for each in readiness.skills} if readiness else {}
    skills = {skill.key: skill for skill in ObservableSkill.objects.order_by("name")}
    known = {each.skill: each for each in picture.standings}
    statements = alignments_of(skills)
    evidence = _evidence(picture.log)
    moved = growth(picture.log.observations, parameters=current())
    changes = _changes(picture)
    return [
        _line(
            skill,
            known[key],
            cut=cuts.get(key),
            change=changes.get(key, ""),
            statements=statements.get(key, ()),
            evidence=evidence.get(key, ()),
            points=moved.get(key, ()),
        )
        for key, skill in skills.items()
        if key in known
    ]


def _line(
    skill: ObservableSkill,
    standing: Standing,
    *,
    cut: float | None,
    change: str,
    statements: Sequence[AlignedStatement],
    evidence: Sequence[EvidenceLine],
    points: Sequence[Point],
) -> SkillLine:
    level = level_of(standing)
    claimable = cut is not None and standing.tally.suffices
    return SkillLine(
        key=skill.key,
        name=skill.name,
        description=skill.description,
        rubric=skill.rubric,
        standing=standing,
        bar=bars.bar(low=standing.low, high=standing.high, mean=standing.mean, cut=cut),
        interval=f"{bars.figure(standing.low)} to {bars.figure(standing.high)}",
        word=None if cut is None else word_for(standing, cut=cut),
        level=level.value if level else Word.NOT_ENOUGH.value,
        cut="" if cut is None else bars.figure(cut),
        probability=(
            probability_above(standing.mean, standing.sd, cut=cut)
            if claimable and cut is not None
            else None
        ),
        change=change,
        statements=statements,
        evidence=evidence,
        growth=curve(points, cut=cut),
    )


def _evidence(log: EvidenceLog) -> Mapping[str, list[EvidenceLine]]:
    """Return the records behind each skill, newest first."""
    lines = lines_by_id(each for item in log.traced for each in item.evidence_ids)
    found: dict[str, list[EvidenceLine]] = {}
    for item in log.traced:
        for skill, _ in item.observation.skills:
            found.setdefault(skill, []).extend(lines[each] for each in item.evidence_ids)
    return {
        skill: sorted(each, key=lambda line: line.observed_at, reverse=True)
        for skill, each in found.items()
    }


def _changes(picture: Picture) -> Mapping[str, str]:
    """Return how far each skill moved with the last attempt, in words."""
    observations = picture.log.observations
    if not observations:
        return {}
    last = max(observations, key=lambda item: (item.at, item.key)).attempt
    before = EvidenceLog(
        traced=tuple(item for item in picture.log.traced if item.observation.attempt != last)
    ).estimate(skills=picture.estimate.skills)
    moved = {skill for item in observations if item.attempt == last for skill, _ in item.skills}
    return {
        skill: _words(picture.estimate.mean_of(skill) - before.mean_of(skill)) for skill in moved
    }


def _words(change: float) -> str:
    if abs(change) < 0.05:
        return "no change with the last attempt"
    return f"{'up' if change > 0 else 'down'} {bars.figure(abs(change))} with the last attempt"
