"""People, organisations, memberships, invitations, consent and the record of who looked at whom."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class User(AbstractUser):
    """A person who signs in; what they may do follows from their memberships."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    # Somebody else knows the password: nothing else can be done before a new one is chosen.
    must_choose_password = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """Return the name pages show: the display name, else the sign-in name."""
        return self.display_name or self.get_username()


class Organisation(models.Model):
    """A school that trains or an agency that reads scores."""

    class Kind(models.TextChoices):
        """What an organisation does here."""

        SCHOOL = "SCHOOL", "School"
        AGENCY = "AGENCY", "Agency"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=8, choices=Kind)
    # What an agency's lists count when nobody says otherwise: assessed attempts alone.
    assessed_only = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Cohort(models.Model):
    """Trainees of one organisation who are taught together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="cohorts")
    name = models.CharField(max_length=160)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "name"], name="cohort_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class MembershipManager(models.Manager["Membership"]):
    """Reads each membership with its organisation: what a role opens hangs on the kind of it."""

    def get_queryset(self) -> models.QuerySet["Membership"]:
        """Return all memberships, their organisations joined."""
        return super().get_queryset().select_related("organisation")


class Membership(models.Model):
    """One role of one person in one organisation."""

    class Role(models.TextChoices):
        """What a person does in an organisation; an author is an INSTRUCTOR."""

        TRAINEE = "TRAINEE", "Trainee"
        INSTRUCTOR = "INSTRUCTOR", "Instructor"
        ASSESSOR = "ASSESSOR", "Assessor"
        ADMIN = "ADMIN", "Administrator"

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="memberships"
    )
    cohort = models.ForeignKey(
        Cohort, on_delete=models.SET_NULL, null=True, blank=True, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role)

    objects = MembershipManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "organisation", "role"], name="membership_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role} {self.organisation_id}"

    @property
    def is_in_school(self) -> bool:
        """Whether the organisation trains, rather than reads scores."""
        return self.organisation.kind == Organisation.Kind.SCHOOL


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Filters on invitations."""

    def usable(self) -> "InvitationQuerySet":
        """Keep those that somebody may still join with."""
        return self.filter(
            revoked_at=None,
            expires_at__gt=timezone.now(),
            uses__lt=F("most_uses"),
            cohort__archived_at=None,
        )


class Invitation(models.Model):
    """A link by which people join a cohort as trainees; only its secret's digest is kept.

    Usable until it expires, is revoked, or was used as often as it may be.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="invitations"
    )
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    most_uses = models.PositiveIntegerField()
    uses = models.PositiveIntegerField(default=0)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(uses__lte=F("most_uses")), name="invitation_not_used_too_often"
            ),
        ]

    def __str__(self) -> str:
        return f"into {self.cohort_id} until {self.expires_at:%Y-%m-%d %H:%M}"


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Filters on consents."""

    def in_force(self) -> "ConsentQuerySet":
        """Keep those neither revoked nor expired."""
        return self.filter(revoked_at=None).filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        )


class Consent(models.Model):
    """A trainee's permission for one agency to read their scores; revocable at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trainee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents"
    )
    agency = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="consents")
    granted_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trainee", "agency"],
                condition=Q(revoked_at=None),
                name="consent_one_open_per_agency",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trainee_id} -> {self.agency_id}"


class AccessRecord(models.Model):
    """That somebody looked at a trainee's scores or recordings; the trainee reads it too."""

    viewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="looks"
    )
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="looked_at"
    )
    what = models.CharField(max_length=120)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["subject", "-at"])]

    def __str__(self) -> str:
        return f"{self.viewer_id} saw {self.what} of {self.subject_id}"


class SignInFailure(models.Model):
    """A refused sign-in, kept for the throttle; holds a keyed digest, never the name typed."""

    digest = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"refused at {self.at:%Y-%m-%d %H:%M}"
