"""Pages of observable skills: the list, and one with its rubric, alignments and scenarios."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.http import Http404

from range.accounts.access import READERS, can_review_alignments, has_role
from range.accounts.models import User
from range.competencies.changes import last_words
from range.competencies.frameworks import Role, roles_with_requirements
from range.competencies.models import Alignment, Framework, ObservableSkill, RoleRequirement
from range.pipeline.models import SkillEstimate
from range.pipeline.people import visible_to
from range.standards.levels import BEGINS, LEVEL_WORDS, level_at
from range.standards.library import LibraryScenario, by_skill, library


@dataclass(frozen=True, kw_only=True)
class SkillLine:
    """A skill in the list."""

    skill: ObservableSkill
    alignments: int
    reviewed: int
    roles: int
    scenarios: int


@dataclass(frozen=True, kw_only=True)
class Level:
    """A level of the rubric; `begins` in logits."""

    word: str
    text: str
    begins: float


@dataclass(frozen=True, kw_only=True)
class AlignmentLine:
    """An alignment as pages show it.

    Args:
        text: Wording of the id in the edition in use, else the last one it had.
        release: Edition in use; empty where none of the framework is there.
        is_missing: Whether the edition in use no longer has the id.
    """

    row: Alignment
    text: str
    release: str
    is_missing: bool


@dataclass(frozen=True, kw_only=True)
class Evidenced:
    """How much evidence the viewer may know of; never whose."""

    own_checks: int
    own_scenarios: int
    people: int
    checks: int
    sees_people: bool


@dataclass(frozen=True, kw_only=True)
class SkillPage:
    """Everything the page of a skill shows."""

    skill: ObservableSkill
    levels: Sequence[Level]
    alignments: Sequence[AlignmentLine]
    roles: Sequence[tuple[Role, str]]
    scenarios: Sequence[LibraryScenario]
    evidenced: Evidenced
    may_review: bool


def skill_lines(viewer: User, *, search: str = "") -> list[SkillLine]:
    """Return our skills by name, each with how far it is aligned, asked for and shown."""
    standing = Q(alignments__is_rejected=False)
    rows = ObservableSkill.objects.annotate(
        aligned=Count("alignments", filter=standing, distinct=True),
        looked_at=Count(
            "alignments", filter=standing & Q(alignments__reviewed_by__isnull=False), distinct=True
        ),
        asking=Count("requirements", distinct=True),
    )
    for word in search.split()[:6]:
        rows = rows.filter(
            Q(name__icontains=word) | Q(description__icontains=word) | Q(key__icontains=word)
        )
    shown_by = by_skill(library(viewer))
    return [
        SkillLine(
            skill=row,
            alignments=row.aligned,
            reviewed=row.looked_at,
            roles=row.asking,
            scenarios=len(shown_by.get(row.key, ())),
        )
        for row in rows.order_by("name")
    ]


def skill_of(key: str) -> ObservableSkill:
    """Return a skill by its key.

    Raises:
        Http404: There is none.
    """
    found = ObservableSkill.objects.filter(key=key).first()
    if found is None:
        raise Http404
    return found


def skill_page(skill: ObservableSkill, *, viewer: User) -> SkillPage:
    """Gather the page of a skill."""
    rows = Alignment.objects.standing().filter(skill=skill).select_related("reviewed_by", "skill")
    return SkillPage(
        skill=skill,
        levels=levels_of(skill),
        alignments=alignment_lines(rows.order_by("framework", "code", "-aligned_on")),
        roles=_roles(skill),
        scenarios=by_skill(library(viewer)).get(skill.key, ()),
        evidenced=_evidenced(skill, viewer),
        may_review=can_review_alignments(viewer),
    )


def levels_of(skill: ObservableSkill) -> list[Level]:
    """Return the levels of a skill's rubric, the lowest first."""
    return [
        Level(word=LEVEL_WORDS[each["level"]], text=each["text"], begins=BEGINS[each["level"]])
        for each in skill.rubric
    ]


def alignment_lines(rows: Iterable[Alignment]) -> list[AlignmentLine]:
    """Return alignments with the wording of their ids."""
    found = list(rows)
    current: dict[str, Framework | None] = {}
    words: dict[tuple[str, str], str] = {}
    held: dict[str, set[str]] = {}
    for name in {row.framework for row in found}:
        codes = [row.code for row in found if row.framework == name]
        current[name] = Framework.objects.current(name)
        held[name], texts = _wording(current[name], codes)
        words |= {(name, each.code): each.text for each in last_words(name, codes).values()}
        words |= {(name, code): text for code, text in texts.items()}
    return [
        AlignmentLine(
            row=row,
            text=words.get((row.framework, row.code), ""),
            release=edition.release if (edition := current[row.framework]) else "",
            is_missing=row.code not in held[row.framework],
        )
        for row in found
    ]


def _wording(
    framework: Framework | None, codes: Iterable[str]
) -> tuple[set[str], Mapping[str, str]]:
    if framework is None:
        return set(), {}
    rows = framework.statements.filter(code__in=list(codes))
    texts = dict(rows.values_list("code", "text"))
    return set(texts), texts


def _roles(skill: ObservableSkill) -> list[tuple[Role, str]]:
    rows = RoleRequirement.objects.filter(skill=skill, framework="nice")
    cuts = dict(rows.values_list("role_code", "cut_logits"))
    known = [role for role in roles_with_requirements() if role.code in cuts]
    return [(role, level_at(cuts[role.code])) for role in known]


def _evidenced(skill: ObservableSkill, viewer: User) -> Evidenced:
    # Estimates are stored twice: what is counted here is all that there is.
    stored = SkillEstimate.objects.filter(skill=skill, assessed_only=False)
    own = stored.filter(trainee=viewer).first()
    sees_people = has_role(viewer, *READERS)
    people, checks = 0, 0
    if sees_people:
        rows = stored.filter(evidence_count__gt=0, trainee__in=visible_to(viewer))
        total = rows.aggregate(people=Count("pk"), checks=Sum("evidence_count"))
        people, checks = total["people"], total["checks"] or 0
    return Evidenced(
        own_checks=own.evidence_count if own else 0,
        own_scenarios=own.scenario_count if own else 0,
        people=people,
        checks=checks,
        sees_people=sees_people,
    )
