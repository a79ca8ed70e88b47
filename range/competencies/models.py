"""Framework editions with their roles and statements, our observable skills, and alignments."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

# Told apart in addresses: the starter slice bears the version of what it is a slice of.
STARTER_SUFFIX = "-starter"


class FrameworkQuerySet(models.QuerySet["Framework"]):
    """Filters on framework editions."""

    def sealed(self) -> "FrameworkQuerySet":
        """Keep editions whose import is complete."""
        return self.exclude(sealed_at=None)

    def current(self, name: str) -> "Framework | None":
        """Return the edition that pages speak of: the official one before our starter slice."""
        is_starter = models.When(edition=Framework.Edition.STARTER, then=1)
        order = (models.Case(is_starter, default=0), "-sealed_at", "-pk")
        return self.sealed().filter(name=name).order_by(*order).first()

    def at(self, name: str, release: str) -> "Framework | None":
        """Return the edition that an address names; of several files of it, the newest.

        Where the official file is not there, our slice of the release stands in for it: addresses
        that were given away go on leading somewhere.
        """
        version = release.removesuffix(STARTER_SUFFIX)
        found = self.sealed().filter(name=name, version=version)
        if version != release:
            found = found.filter(edition=Framework.Edition.STARTER)
        is_starter = models.Case(models.When(edition=Framework.Edition.STARTER, then=1), default=0)
        return found.order_by(is_starter, "-sealed_at", "-pk").first()


class Framework(models.Model):
    """One edition of a framework, such as NICE 2.1.0.

    Open (the import runs, in one transaction) -> sealed (`sealed_at` set). From then on a
    database trigger refuses every change to it and to its rows; a newer file is a new edition.
    """

    class Edition(models.TextChoices):
        """Where the rows come from."""

        STARTER = "STARTER", "Starter slice"
        OFFICIAL = "OFFICIAL", "Official release"

    name = models.SlugField(max_length=16)
    version = models.CharField(max_length=24)
    edition = models.CharField(max_length=8, choices=Edition)
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=400)
    sha256 = models.CharField(max_length=64)
    categories = models.JSONField(default=list)
    errata = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    sealed_at = models.DateTimeField(null=True, blank=True)

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name", "version", "edition", "sha256"], name="framework_file_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def is_starter(self) -> bool:
        """Tell whether it is the slice that comes with the project."""
        return self.edition == self.Edition.STARTER

    @property
    def release(self) -> str:
        """Return what names the edition in addresses, such as `2.1.0` or `2.1.0-starter`."""
        return self.version + (STARTER_SUFFIX if self.is_starter else "")

    @property
    def label(self) -> str:
        """Return what pages call it, such as `NICE 2.1.0`."""
        return f"{self.name.upper()} {self.version}" + (" (starter slice)" * self.is_starter)


class Statement(models.Model):
    """A task, knowledge or skill statement as its framework numbers it."""

    class Kind(models.TextChoices):
        """The three sorts of statements."""

        TASK = "TASK", "Task"
        KNOWLEDGE = "KNOWLEDGE", "Knowledge"
        SKILL = "SKILL", "Skill"

    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="statements")
    code = models.CharField(max_length=24)
    kind = models.CharField(max_length=9, choices=Kind)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["framework", "code"], name="statement_code_unique"),
        ]

    def __str__(self) -> str:
        return self.code


class WorkRole(models.Model):
    """A role of the workforce, with the statements its framework gives it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="work_roles")
    code = models.CharField(max_length=24)
    title = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    statements = models.ManyToManyField(
        Statement, through="RoleStatement", related_name="work_roles"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["framework", "code"], name="work_role_code_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.code})"


class RoleStatement(models.Model):
    """That a framework lists a statement under a work role."""

    work_role = models.ForeignKey(WorkRole, on_delete=models.CASCADE, related_name="+")
    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["work_role", "statement"], name="role_statement_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_role_id} lists {self.statement_id}"


class CompetencyArea(models.Model):
    """A cluster of related capabilities that a framework names."""

    framework = models.ForeignKey(
        Framework, on_delete=models.PROTECT, related_name="competency_areas"
    )
    code = models.CharField(max_length=24)
    title = models.CharField(max_length=160)
    description = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["framework", "code"], name="competency_area_code_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.code})"


class Crosswalk(models.Model):
    """That a NICE work role and a DCWF work role are the same work; a row of a DCWF edition."""

    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="crosswalk")
    nice_code = models.CharField(max_length=24)
    dcwf_code = models.CharField(max_length=24)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["framework", "nice_code", "dcwf_code"], name="crosswalk_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nice_code} = {self.dcwf_code}"


class ObservableSkill(models.Model):
    """What checks can see of a person, in our own words, with a rubric of three levels."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField()
    rubric = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name


class AlignmentQuerySet(models.QuerySet["Alignment"]):
    """Filters on alignments."""

    def standing(self) -> "AlignmentQuerySet":
        """Keep those that no reviewer rejected: only they are shown to others and count."""
        return self.filter(is_rejected=False)


class Alignment(models.Model):
    """That a skill of ours bears on a framework's id; made by the project until reviewed.

    Unreviewed -> approved or rejected; a reviewer moves it, and every move is an event of the
    skill. A rejected one stays, so that nobody proposes it anew without seeing why it fell.

    Ids are kept as text with their framework and version, so that an id which a later release
    withdraws still says what it meant.
    """

    class Relation(models.TextChoices):
        """How the skill and the id relate."""

        EXACT = "EXACT", "the same"
        PART_OF = "PART_OF", "part of"
        RELATED = "RELATED", "related to"

    skill = models.ForeignKey(ObservableSkill, on_delete=models.CASCADE, related_name="alignments")
    framework = models.SlugField(max_length=16)
    framework_version = models.CharField(max_length=24)
    code = models.CharField(max_length=24)
    relation = models.CharField(max_length=7, choices=Relation)
    author = models.CharField(max_length=120)
    aligned_on = models.DateField()
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    is_rejected = models.BooleanField(default=False)

    objects = AlignmentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["skill", "framework", "framework_version", "code"],
                name="alignment_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(is_rejected=False) | models.Q(reviewed_by__isnull=False),
                name="alignment_rejected_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_by=None, reviewed_at=None)
                | models.Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="alignment_reviewed_whole",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["framework", "code"])]

    def __str__(self) -> str:
        return f"{self.skill_id} {self.relation} {self.qualified_code}"

    @property
    def qualified_code(self) -> str:
        """Return the id with its framework, such as `nice:T1118`."""
        return f"{self.framework}:{self.code}"

    @property
    def review(self) -> str:
        """Return the word that stands beside every alignment on a page."""
        if self.is_rejected:
            return "rejected"
        return "reviewed" if self.reviewed_by_id else "unreviewed"


class RoleRequirement(models.Model):
    """That readiness for a work role asks a skill at a cut; a judgement, with its reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    framework = models.SlugField(max_length=16)
    role_code = models.CharField(max_length=24)
    skill = models.ForeignKey(
        ObservableSkill, on_delete=models.PROTECT, related_name="requirements"
    )
    cut_logits = models.FloatField()
    author = models.CharField(max_length=120)
    reason = models.TextField()
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["framework", "role_code", "skill"], name="role_requirement_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role_code} asks {self.skill_id} at {self.cut_logits}"
