"""What pages ask of frameworks: roles with both codes, what they require, what bears on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from range.competencies.models import (
    Alignment,
    Crosswalk,
    Framework,
    RoleRequirement,
    Statement,
    WorkRole,
)


@dataclass(frozen=True, kw_only=True)
class Role:
    """A NICE work role with its DCWF twin, if it has one.

    Args:
        label: Framework and version whose codes these are.
        release: What names that edition in addresses.
    """

    code: str
    title: str
    description: str
    label: str
    release: str = ""
    dcwf_code: str = ""
    dcwf_title: str = ""

    @property
    def codes(self) -> str:
        """Return both codes side by side."""
        return f"NICE {self.code}" + (f" · DCWF {self.dcwf_code}" if self.dcwf_code else "")


@dataclass(frozen=True, kw_only=True)
class AlignedStatement:
    """A framework id that a skill bears on, with who says so.

    Args:
        text: Wording of the edition in use; empty if that edition no longer has the id.
        entry: Framework, release and id, which name its page in addresses.
    """

    code: str
    entry: tuple[str, str, str]
    label: str
    relation: str
    text: str
    author: str
    review: str


def roles_with_requirements() -> list[Role]:
    """Return the roles that readiness can be said for, by title."""
    asked = RoleRequirement.objects.filter(framework="nice").values_list("role_code", flat=True)
    return _roles(set(asked))


def role_by_code(code: str) -> Role | None:
    """Return a role by its NICE code; None if it is unknown or asks for nothing."""
    return next((role for role in roles_with_requirements() if role.code == code), None)


def any_role(code: str) -> Role | None:
    """Return any role of the edition in use by its NICE code, whether it asks for something."""
    return next(iter(_roles({code})), None)


def other_roles() -> list[Role]:
    """Return the roles of the edition in use that ask for nothing yet, by title."""
    asked = {role.code for role in roles_with_requirements()}
    framework = Framework.objects.current("nice")
    codes = WorkRole.objects.filter(framework=framework).values_list("code", flat=True)
    return _roles(set(codes) - asked)


def role_titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the titles of NICE work roles by code; unknown codes are left out."""
    framework = Framework.objects.current("nice")
    rows = WorkRole.objects.filter(framework=framework, code__in=list(codes))
    return dict(rows.values_list("code", "title"))


def _roles(codes: Iterable[str]) -> list[Role]:
    framework = Framework.objects.current("nice")
    if framework is None:
        return []
    twins = _twins()
    return [
        Role(
            code=row.code,
            title=row.title,
            description=row.description,
            label=str(framework),
            release=framework.release,
            dcwf_code=twins.get(row.code, ("", ""))[0],
            dcwf_title=twins.get(row.code, ("", ""))[1],
        )
        for row in WorkRole.objects.filter(framework=framework, code__in=codes).order_by("title")
    ]


def _twins() -> dict[str, tuple[str, str]]:
    framework = Framework.objects.current("dcwf")
    if framework is None:
        return {}
    titles = dict(framework.work_roles.values_list("code", "title"))
    pairs = Crosswalk.objects.filter(framework=framework).order_by("nice_code", "dcwf_code")
    twins: dict[str, tuple[str, str]] = {}
    for nice_code, dcwf_code in pairs.values_list("nice_code", "dcwf_code"):
        twins.setdefault(nice_code, (dcwf_code, titles.get(dcwf_code, "")))
    return twins


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What readiness for a role is held against.

    Args:
        required: Cut in logits of each skill the role asks for.
        bearing: For each aligned statement of the role, the skills that bear on it.
    """

    required: Mapping[str, float]
    bearing: Mapping[str, frozenset[str]]


def demand_of(role: Role) -> Demand:
    """Return what a role asks and which of its statements our skills bear on."""
    return demands_of([role])[role.code]


def demands_of(roles: Iterable[Role]) -> dict[str, Demand]:
    """Return the demand of each role, by its code."""
    codes = [role.code for role in roles]
    required, bearing = _required(codes), _bearing(codes)
    return {code: Demand(required=required[code], bearing=bearing[code]) for code in codes}


def _required(codes: Sequence[str]) -> Mapping[str, dict[str, float]]:
    rows = RoleRequirement.objects.filter(framework="nice", role_code__in=codes)
    cuts: dict[str, dict[str, float]] = {code: {} for code in codes}
    fields = ("role_code", "skill__key", "cut_logits")
    for code, skill, cut in rows.order_by("skill__key").values_list(*fields):
        cuts[code][skill] = cut
    return cuts


def _bearing(codes: Sequence[str]) -> Mapping[str, dict[str, frozenset[str]]]:
    framework = Framework.objects.current("nice")
    roles = WorkRole.objects.filter(framework=framework, code__in=codes)
    listed: dict[str, list[str]] = {code: [] for code in codes}
    for role, statement in roles.filter(statements__framework=framework).values_list(
        "code", "statements__code"
    ):
        listed[role].append(statement)
    codes_listed = set().union(*listed.values())
    aligned = Alignment.objects.standing().filter(framework="nice", code__in=codes_listed)
    skills: dict[str, set[str]] = {}
    for code, skill in aligned.values_list("code", "skill__key"):
        skills.setdefault(code, set()).add(skill)
    return {
        role: {code: frozenset(skills[code]) for code in sorted(set(statements) & skills.keys())}
        for role, statements in listed.items()
    }


def alignments_of(skill_keys: Iterable[str]) -> Mapping[str, list[AlignedStatement]]:
    """Return the framework ids of each skill, in the wording of the edition in use."""
    rows = list(
        Alignment.objects.standing()
        .filter(skill__key__in=list(skill_keys))
        .select_related("skill")
        .order_by("skill__key", "framework", "code")
    )
    words = _wording({row.framework for row in rows}, {row.code for row in rows})
    found: dict[str, list[AlignedStatement]] = {}
    for row in rows:
        found.setdefault(row.skill.key, []).append(
            AlignedStatement(
                code=row.qualified_code,
                entry=(row.framework, row.framework_version, row.code),
                label=f"{row.framework.upper()} {row.framework_version}",
                relation=row.get_relation_display(),
                text=words.get((row.framework, row.code), ""),
                author=row.author,
                review=row.review,
            )
        )
    return found


def _wording(names: Iterable[str], codes: Iterable[str]) -> dict[tuple[str, str], str]:
    words: dict[tuple[str, str], str] = {}
    for name in names:
        framework = Framework.objects.current(name)
        statements = Statement.objects.filter(framework=framework, code__in=codes)
        for code, text in statements.values_list("code", "text"):
            words[name, code] = text
    return words
