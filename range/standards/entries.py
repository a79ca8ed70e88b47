"""Pages of one id of a framework: a work role with its statements, or a single statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import Http404

from range.accounts.models import User
from range.competencies.changes import Listed, last_words
from range.competencies.models import (
    Alignment,
    Framework,
    ObservableSkill,
    RoleRequirement,
    Statement,
    WorkRole,
)
from range.competencies.successors import Successor, Wordings
from range.standards.editions import Twin, editions_of, twins_of
from range.standards.levels import level_at
from range.standards.library import LibraryScenario, by_skill, library, showing

KINDS = [(kind.value, kind.label) for kind in Statement.Kind]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A skill that readiness for a role asks for."""

    skill: ObservableSkill
    level: str
    cut: float
    author: str
    reason: str
    scenarios: Sequence[LibraryScenario]


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """A statement under a role, with what of ours bears on it."""

    statement: Statement
    alignments: Sequence[Alignment]
    scenarios: Sequence[LibraryScenario]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The statements of one kind, and how many of them a skill of ours bears on."""

    code: str
    label: str
    lines: Sequence[StatementLine]
    aligned: int


@dataclass(frozen=True, kw_only=True)
class RolePage:
    """A work role down to the scenarios."""

    framework: Framework
    role: WorkRole
    twins: Sequence[Twin]
    asked: Sequence[Asked]
    kinds: Sequence[Kind]
    elsewhere: Sequence[Framework]


@dataclass(frozen=True, kw_only=True)
class StatementPage:
    """A statement, who lists it and what of ours bears on it.

    Args:
        statement: None where this edition does not have the id.
        wordings: In other editions, where it differs or the id is missing here.
        successors: What may have taken its place; only where it is missing.
    """

    framework: Framework
    code: str
    kind: str
    text: str
    statement: Statement | None
    roles: Sequence[WorkRole]
    alignments: Sequence[Alignment]
    scenarios: Sequence[LibraryScenario]
    wordings: Sequence[tuple[Framework, str]]
    successors: Sequence[Successor]


def role_page(framework: Framework, role: WorkRole, *, viewer: User) -> RolePage:
    """Gather the page of a work role."""
    shown_by = by_skill(library(viewer))
    statements = list(role.statements.order_by("code"))
    aligned = alignments_by_code(framework.name, [each.code for each in statements])
    lines = [statement_line(each, aligned, shown_by) for each in statements]
    kinds = []
    for code, label in KINDS:
        mine = [line for line in lines if line.statement.kind == code]
        held = sum(bool(line.alignments) for line in mine)
        kinds.append(Kind(code=code.lower(), label=label, lines=mine, aligned=held))
    return RolePage(
        framework=framework,
        role=role,
        twins=twins_of(framework).get(role.code, ()),
        asked=asked_by(framework.name, role.code, shown_by),
        kinds=[kind for kind in kinds if kind.lines],
        elsewhere=_having(framework, role.code),
    )


def statement_line(
    statement: Statement,
    aligned: Mapping[str, Sequence[Alignment]],
    shown_by: Mapping[str, Sequence[LibraryScenario]],
) -> StatementLine:
    """Return a statement with its alignments and the scenarios that observe those skills."""
    mine = aligned.get(statement.code, ())
    scenarios = showing((row.skill.key for row in mine), shown_by)
    return StatementLine(statement=statement, alignments=mine, scenarios=scenarios)


def asked_by(
    name: str, role_code: str, shown_by: Mapping[str, Sequence[LibraryScenario]]
) -> list[Asked]:
    """Return what readiness for a role asks, the most demanding first."""
    rows = RoleRequirement.objects.filter(framework=name, role_code=role_code)
    return [
        Asked(
            skill=row.skill,
            level=level_at(row.cut_logits),
            cut=row.cut_logits,
            author=row.author,
            reason=row.reason,
            scenarios=shown_by.get(row.skill.key, ()),
        )
        for row in rows.select_related("skill").order_by("-cut_logits", "skill__name")
    ]


def alignments_by_code(name: str, codes: Iterable[str]) -> dict[str, list[Alignment]]:
    """Return the standing alignments of ids; of one skill and id, the newest release's."""
    rows = Alignment.objects.standing().filter(framework=name, code__in=list(codes))
    newest: dict[tuple[str, str], Alignment] = {}
    for row in rows.select_related("skill", "reviewed_by").order_by("aligned_on", "pk"):
        newest[row.code, row.skill.key] = row
    found: dict[str, list[Alignment]] = {}
    for (code, _), row in sorted(newest.items(), key=lambda item: item[1].skill.name):
        found.setdefault(code, []).append(row)
    return found


def statement_page(framework: Framework, code: str, *, viewer: User) -> StatementPage:
    """Gather the page of a statement, also of one that this edition withdrew.

    Raises:
        Http404: No edition of the framework ever had the id.
    """
    statement = framework.statements.filter(code=code).first()
    last = last_words(framework.name, [code]).get(code)
    if last is None:
        raise Http404
    alignments = alignments_by_code(framework.name, [code]).get(code, [])
    scenarios = showing((row.skill.key for row in alignments), by_skill(library(viewer)))
    return StatementPage(
        framework=framework,
        code=code,
        kind=last.kind_word,
        text=statement.text if statement else last.text,
        statement=statement,
        roles=list(statement.work_roles.order_by("title")) if statement else (),
        alignments=alignments,
        scenarios=scenarios,
        wordings=_wordings(framework, code, statement),
        successors=() if statement else _successors(framework, last),
    )


def _wordings(
    framework: Framework, code: str, statement: Statement | None
) -> list[tuple[Framework, str]]:
    here = statement.text if statement else ""
    texts = dict(
        Statement.objects.filter(framework__name=framework.name, code=code).values_list(
            "framework", "text"
        )
    )
    others = [each for each in editions_of(framework.name) if each != framework]
    return [(each, texts[each.pk]) for each in others if texts.get(each.pk, here) != here]


def _successors(framework: Framework, last: Listed) -> Sequence[Successor]:
    rows = framework.statements.filter(kind=last.kind)
    return Wordings(dict(rows.values_list("code", "text"))).nearest(last.text)


def _having(framework: Framework, code: str) -> list[Framework]:
    having = set(
        WorkRole.objects.filter(framework__name=framework.name, code=code).values_list(
            "framework", flat=True
        )
    )
    return [each for each in editions_of(framework.name) if each.pk in having and each != framework]
