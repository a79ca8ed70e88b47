"""Pages of framework editions: which there are, and what one holds or a search finds in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from range.competencies.changes import Astray, astray
from range.competencies.models import (
    Crosswalk,
    Framework,
    RoleRequirement,
    RoleStatement,
    Statement,
    WorkRole,
)

FOUND_AT_MOST = 100
NAMES = {"nice": "NICE Framework", "dcwf": "DoD Cyber Workforce Framework"}


@dataclass(frozen=True, kw_only=True)
class EditionLine:
    """An edition in the list, with what it holds."""

    framework: Framework
    roles: int
    statements: int
    is_in_use: bool


@dataclass(frozen=True, kw_only=True)
class Family:
    """All editions of one framework.

    Args:
        astray: What our alignments name and the edition in use does not have.
    """

    name: str
    title: str
    lines: Sequence[EditionLine]
    has_official: bool
    astray: Sequence[Astray]


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The same work in the other framework; `release` is empty where no edition has it."""

    framework: str
    release: str
    code: str
    title: str


@dataclass(frozen=True, kw_only=True)
class RoleLine:
    """A work role in the list.

    Args:
        counts: How many tasks, knowledge and skill statements it lists.
        is_asked: Whether readiness can be said for it.
    """

    code: str
    title: str
    description: str
    twins: Sequence[Twin]
    counts: Mapping[str, int]
    is_asked: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    """A category and its roles; roles without one come last, under no title."""

    code: str
    title: str
    description: str
    roles: Sequence[RoleLine]


@dataclass(frozen=True, kw_only=True)
class Browse:
    """One edition as its page shows it, or what a search found in it.

    Args:
        statements: What the search found; None without one.
        more: How many statements were found beyond those.
        editions: All editions of the framework, for the switch.
    """

    framework: Framework
    title: str
    search: str
    groups: Sequence[Group]
    roles: int
    statements: Sequence[Statement] | None
    more: int
    editions: Sequence[Framework]
    is_in_use: bool


def edition(name: str, release: str) -> Framework:
    """Return the edition of an address.

    Raises:
        Http404: There is none.
    """
    # The database has no place for a NUL in a text.
    found = None if "\0" in release else Framework.objects.at(name, release)
    if found is None:
        raise Http404
    return found


def release_before(after: Framework) -> Framework | None:
    """Return the official release before an edition by its number, else any other edition."""
    others = [each for each in editions_of(after.name) if each != after]
    official = [each for each in others if not each.is_starter]
    older = [each for each in official if numbered(each.version) < numbered(after.version)]
    chosen = max(older, key=lambda each: numbered(each.version), default=None)
    return chosen or next(iter(official or others), None)


def numbered(version: str) -> list[int]:
    """Return a version so that 2.10 comes after 2.9."""
    return [int(part) if part.isdecimal() else 0 for part in version.split(".")]


def editions_of(name: str) -> list[Framework]:
    """Return the editions that addresses lead to, the one in use first, then the newest."""
    current = Framework.objects.current(name)
    rows = Framework.objects.sealed().filter(name=name).order_by("-sealed_at", "-pk")
    newest: dict[str, Framework] = {}
    for row in rows:
        newest.setdefault(row.release, row)
    return sorted(newest.values(), key=lambda each: each != current)


def families() -> list[Family]:
    """Return both frameworks with their editions."""
    return [_family(name) for name in NAMES]


def _family(name: str) -> Family:
    rows, current = editions_of(name), Framework.objects.current(name)
    lines = [
        EditionLine(
            framework=row,
            roles=row.work_roles.count(),
            statements=row.statements.count(),
            is_in_use=row == current,
        )
        for row in rows
    ]
    return Family(
        name=name,
        title=NAMES[name],
        lines=lines,
        has_official=any(not row.is_starter for row in rows),
        astray=astray(current) if current and any(line.statements for line in lines) else (),
    )


def browse(framework: Framework, *, search: str) -> Browse:
    """Return an edition's roles by category, or what a search finds in ids and words."""
    words = search.split()[:6]
    roles = framework.work_roles.order_by("code")
    statements, more = None, 0
    if words:
        roles = roles.filter(_all_of(words, "code", "title", "description"))
        rows = framework.statements.filter(_all_of(words, "code", "text")).order_by("code")
        statements = list(rows[:FOUND_AT_MOST])
        more = max(0, rows.count() - FOUND_AT_MOST)
    lines = role_lines(framework, roles)
    return Browse(
        framework=framework,
        title=NAMES.get(framework.name, framework.title),
        search=search,
        groups=_groups(framework, lines),
        roles=len(lines),
        statements=statements,
        more=more,
        editions=editions_of(framework.name),
        is_in_use=Framework.objects.current(framework.name) == framework,
    )


def _all_of(words: Sequence[str], *fields: str) -> Q:
    found = Q()
    for word in words:
        one = Q()
        for field in fields:
            one |= Q(**{f"{field}__icontains": word})
        found &= one
    return found


def role_lines(framework: Framework, roles: QuerySet[WorkRole]) -> list[RoleLine]:
    """Return roles of an edition with what each holds."""
    counts: dict[str, dict[str, int]] = {}
    linked = RoleStatement.objects.filter(work_role__framework=framework).order_by()
    kinds = ("work_role__code", "statement__kind")
    for code, kind, count in linked.values_list(*kinds).annotate(count=Count("pk")):
        counts.setdefault(code, {})[kind.lower()] = count
    asked = set(
        RoleRequirement.objects.filter(framework=framework.name).values_list("role_code", flat=True)
    )
    twins = twins_of(framework)
    return [
        RoleLine(
            code=role.code,
            title=role.title,
            description=role.description,
            twins=twins.get(role.code, ()),
            counts=counts.get(role.code, {}),
            is_asked=role.code in asked,
        )
        for role in roles
    ]


def twins_of(framework: Framework) -> Mapping[str, list[Twin]]:
    """Return the same work in the other framework, by the code of a role of this one."""
    is_dcwf = framework.name == "dcwf"
    table = framework if is_dcwf else Framework.objects.current("dcwf")
    other = Framework.objects.current("nice") if is_dcwf else table
    if table is None:
        return {}
    titles = dict(other.work_roles.values_list("code", "title")) if other else {}
    found: dict[str, list[Twin]] = {}
    pairs = Crosswalk.objects.filter(framework=table).order_by("nice_code", "dcwf_code")
    for nice_code, dcwf_code in pairs.values_list("nice_code", "dcwf_code"):
        here, there = (dcwf_code, nice_code) if is_dcwf else (nice_code, dcwf_code)
        twin = Twin(
            framework="nice" if is_dcwf else "dcwf",
            release=other.release if other and there in titles else "",
            code=there,
            title=titles.get(there, ""),
        )
        found.setdefault(here, []).append(twin)
    return found


def _groups(framework: Framework, lines: Sequence[RoleLine]) -> list[Group]:
    groups, left = [], list(lines)
    for entry in sorted(framework.categories, key=lambda each: str(each["title"])):
        mine = [line for line in left if line.code.startswith(f"{entry['code']}-")]
        left = [line for line in left if line not in mine]
        if mine:
            description = str(entry.get("description", ""))
            groups.append(
                Group(code=entry["code"], title=entry["title"], description=description, roles=mine)
            )
    if left:
        groups.append(Group(code="", title="", description="", roles=left))
    return groups
