"""Which required skills and statements of each work role the library observes, and which not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from range.accounts.models import User
from range.competencies.frameworks import Role, demands_of, roles_with_requirements
from range.competencies.models import Framework, ObservableSkill, WorkRole
from range.standards.entries import (
    KINDS,
    Asked,
    StatementLine,
    alignments_by_code,
    asked_by,
    statement_line,
)
from range.standards.library import LibraryScenario, by_skill, library


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one scenario observes of what one role asks."""

    skills: Sequence[str]
    of: int
    is_meant: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """A scenario against every role, in the order of the columns."""

    scenario: LibraryScenario
    cells: Sequence[Cell]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A role, with how many of its required skills some scenario observes."""

    role: Role
    required: int
    covered: int
    missing: Sequence[str]

    @property
    def is_whole(self) -> bool:
        """Tell whether every required skill has a scenario."""
        return self.covered == self.required


@dataclass(frozen=True, kw_only=True)
class KindCoverage:
    """How far the statements of one kind are reached."""

    label: str
    statements: int
    aligned: int
    shown: int


@dataclass(frozen=True, kw_only=True)
class RoleCoverage:
    """One role in detail.

    Args:
        lines: The statements that a skill of ours bears on; the others are counted only, since
            a framework lists hundreds of them.
    """

    role: Role
    release: str
    asked: Sequence[Asked]
    kinds: Sequence[KindCoverage]
    lines: Sequence[StatementLine]


@dataclass(frozen=True, kw_only=True)
class Unobserved:
    """An observable skill that no scenario observes, with the roles that ask for it."""

    key: str
    name: str
    roles: Sequence[Role]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The matrix, what nothing observes, and the role that was asked for.

    Args:
        skills: How many observable skills there are.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    skills: int
    gaps: Sequence[Unobserved]
    chosen: RoleCoverage | None


def coverage(viewer: User, *, role_code: str = "") -> Coverage:
    """Hold the scenarios a viewer may know of against the roles readiness can be said for."""
    scenarios, roles = library(viewer), roles_with_requirements()
    shown_by = by_skill(scenarios)
    required = {code: set(each.required) for code, each in demands_of(roles).items()}
    names = dict(ObservableSkill.objects.order_by("name").values_list("key", "name"))
    chosen = next((role for role in roles if role.code == role_code), None)
    return Coverage(
        columns=[_column(role, required[role.code], shown_by, names) for role in roles],
        rows=[
            Row(
                scenario=each,
                cells=[_cell(each, role, required[role.code], names) for role in roles],
            )
            for each in scenarios
        ],
        skills=len(names),
        gaps=sorted(
            (
                Unobserved(
                    key=key, name=name, roles=[role for role in roles if key in required[role.code]]
                )
                for key, name in names.items()
                if not shown_by.get(key)
            ),
            # What a role asks for weighs more; each part by name.
            key=lambda gap: not gap.roles,
        ),
        chosen=_role(chosen, shown_by) if chosen else None,
    )


def _cell(
    scenario: LibraryScenario, role: Role, required: set[str], names: Mapping[str, str]
) -> Cell:
    return Cell(
        skills=sorted(names[key] for key in required.intersection(scenario.skills)),
        of=len(required),
        is_meant=role.code in scenario.work_roles,
    )


def _column(
    role: Role,
    required: set[str],
    shown_by: Mapping[str, Sequence[LibraryScenario]],
    names: Mapping[str, str],
) -> Column:
    missing = sorted(names[key] for key in required if not shown_by.get(key))
    return Column(
        role=role, required=len(required), covered=len(required) - len(missing), missing=missing
    )


def _role(role: Role, shown_by: Mapping[str, Sequence[LibraryScenario]]) -> RoleCoverage:
    framework = Framework.objects.current("nice")
    row = WorkRole.objects.filter(framework=framework, code=role.code).first()
    statements = list(row.statements.order_by("code")) if row else []
    aligned = alignments_by_code("nice", [each.code for each in statements])
    lines = [statement_line(each, aligned, shown_by) for each in statements]
    return RoleCoverage(
        role=role,
        release=framework.release if framework else "",
        asked=asked_by("nice", role.code, shown_by),
        kinds=[_kind(code, label, lines) for code, label in KINDS],
        lines=[line for line in lines if line.alignments],
    )


def _kind(code: str, label: str, lines: Sequence[StatementLine]) -> KindCoverage:
    mine = [line for line in lines if line.statement.kind == code]
    return KindCoverage(
        label=label,
        statements=len(mine),
        aligned=sum(bool(line.alignments) for line in mine),
        shown=sum(bool(line.scenarios) for line in mine),
    )
