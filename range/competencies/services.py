"""Bring framework editions and our own skills into the database, and say what changed."""

import hashlib
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from range.competencies.changes import Astray, Withdrawn, astray, changes_between
from range.competencies.models import (
    Alignment,
    CompetencyArea,
    Crosswalk,
    Framework,
    ObservableSkill,
    RoleRequirement,
    RoleStatement,
    Statement,
    WorkRole,
)
from range.competencies.readers import dcwf, nice, starter
from range.competencies.readers.content import FrameworkContent
from range.competencies.requirements import CUTS, unchanged_roles
from range.lib.errors import RangeError
from range.lib.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    Args:
        created: False when this very file was imported before.
        gone: What the edition in use until now had and this one has not, with suggestions.
        astray: What skills of ours are aligned with and this edition has not; they stay aligned.
    """

    framework: Framework
    created: bool
    roles: int = 0
    statements: int = 0
    gone: tuple[Withdrawn, ...] = ()
    astray: tuple[Astray, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def withdrawn(self) -> tuple[str, ...]:
        """Return the codes that went."""
        return tuple(each.was.code for each in self.gone)

    @property
    def orphaned(self) -> tuple[str, ...]:
        """Return the codes that our alignments name and this edition has not."""
        return tuple(each.code for each in self.astray)


@transaction.atomic
def load_starter() -> None:
    """Write the starter slice down; running it again changes nothing that people changed.

    Raises:
        pydantic.ValidationError: A starter file is malformed, which is a bug of the project.
    """
    content = starter.read()
    for edition in (content.nice, content.dcwf):
        _store(
            edition,
            edition_kind=Framework.Edition.STARTER,
            source="starter slice of this project",
            sha256=content.frameworks_sha256,
        )
    skills = _load_skills(content.skills)
    asked = list(content.requirements.rows())
    ours = unchanged_roles([role_code for role_code, *_ in asked])
    # What people decided stays as they left it, also what they no longer ask for.
    RoleRequirement.objects.bulk_create(
        (
            RoleRequirement(
                framework=content.requirements.framework,
                role_code=role_code,
                skill=skills[key],
                cut_logits=cut,
                author=content.requirements.author,
                reason=reason,
            )
            for role_code, key, cut, reason in asked
            if role_code in ours
        ),
        ignore_conflicts=True,
    )


@transaction.atomic
def import_framework(name: str, *, data: bytes, source: str, version: str = "") -> ImportReport:
    """Import an official file as a sealed edition of its own.

    Args:
        name: `nice` (component JSON) or `dcwf` (crosswalk table).
        source: Where the bytes came from, as shown to people.
        version: Of the DCWF; its crosswalk does not carry one.

    Raises:
        UnreadableFramework: The bytes are not what the reader expects.
        RangeError: The name is unknown, or a version is missing.
    """
    content = _read(name, data, version=version)
    before = Framework.objects.current(name)
    framework, created = _store(
        content,
        edition_kind=Framework.Edition.OFFICIAL,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    if not created:
        return ImportReport(framework=framework, created=False)
    report = ImportReport(
        framework=framework,
        created=True,
        roles=len(content.roles),
        statements=len(content.statements),
        gone=changes_between(before, framework).withdrawn if before else (),
        # A crosswalk numbers no statements, so that nothing can be missing from it.
        astray=astray(framework) if content.statements else (),
        problems=content.problems,
    )
    log.info("framework.imported", name=name, version=content.version, roles=report.roles)
    return report


def _read(name: str, data: bytes, *, version: str) -> FrameworkContent:
    if name == "nice":
        return nice.read(data)
    if name == "dcwf" and version:
        return dcwf.read(data, version=version)
    if name == "dcwf":
        raise RangeError(
            "A DCWF crosswalk does not carry its version: name it, for example --version-name 5.1.",
            reason="framework-version-missing",
        )
    raise RangeError(
        f"There is a reader for nice and for dcwf, not for {name!r}.", reason="framework-unknown"
    )


def _store(
    content: FrameworkContent, *, edition_kind: str, source: str, sha256: str
) -> tuple[Framework, bool]:
    """Write one edition and seal it; an edition of the same file is left as it is."""
    framework, created = Framework.objects.get_or_create(
        name=content.name,
        version=content.version,
        edition=edition_kind,
        sha256=sha256,
        defaults={
            "title": content.title,
            "source": source[:400],
            "categories": [vars(entry) for entry in content.categories],
            "errata": [dict(erratum) for erratum in content.errata],
            "problems": list(content.problems),
        },
    )
    if created:
        _fill(framework, content)
        framework.sealed_at = timezone.now()
        framework.save(update_fields=["sealed_at"])
    return framework, created


def _fill(framework: Framework, content: FrameworkContent) -> None:
    roles = {
        role.code: role
        for role in WorkRole.objects.bulk_create(
            WorkRole(framework=framework, **vars(entry)) for entry in content.roles
        )
    }
    statements = {
        statement.code: statement
        for statement in Statement.objects.bulk_create(
            Statement(framework=framework, **vars(entry)) for entry in content.statements
        )
    }
    RoleStatement.objects.bulk_create(
        RoleStatement(work_role=roles[role], statement=statements[code])
        for role, codes in content.role_statements.items()
        for code in codes
    )
    CompetencyArea.objects.bulk_create(
        CompetencyArea(framework=framework, **vars(entry)) for entry in content.areas
    )
    Crosswalk.objects.bulk_create(
        Crosswalk(framework=framework, nice_code=theirs, dcwf_code=ours)
        for theirs, ours in content.crosswalk
    )


def _load_skills(content: starter.StarterSkills) -> dict[str, ObservableSkill]:
    ObservableSkill.objects.bulk_create(
        (
            ObservableSkill(
                key=entry.key,
                name=entry.name,
                description=entry.description,
                rubric=[
                    {"level": level, "text": text}
                    for level, text in zip(CUTS, entry.rubric, strict=True)
                ],
            )
            for entry in content.skills
        ),
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["name", "description", "rubric"],
    )
    skills = ObservableSkill.objects.in_bulk(
        [entry.key for entry in content.skills], field_name="key"
    )
    # An alignment that a person reviewed or changed stays as that person left it.
    Alignment.objects.bulk_create(
        (
            Alignment(
                skill=skills[entry.key],
                framework=content.framework,
                framework_version=content.framework_version,
                code=code,
                relation=relation,
                author=content.author,
                aligned_on=content.aligned_on,
            )
            for entry in content.skills
            for code, relation in entry.relations()
        ),
        ignore_conflicts=True,
    )
    return skills
