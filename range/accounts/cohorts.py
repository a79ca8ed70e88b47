"""Cohorts and their people: made, renamed, archived; passwords given anew, accounts closed."""

import secrets
import uuid

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from range.accounts.access import Viewer, can_manage_account, can_teach_in, schools_of_staff
from range.accounts.models import Cohort, Membership, Organisation, User
from range.accounts.names import clean_name
from range.lib.errors import RangeError
from range.lib.notify import notify
from range.timeline.services import record

NAME_LIMIT = 160
# Neither is taken for another on paper: no 0 and o, no 1, l and i.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class CohortMissing(RangeError):
    """There is no such cohort, or it is another organisation's; both look the same."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such cohort of your organisation. Choose one under Teaching.",
            reason="cohort-missing",
            status=404,
        )


class CohortRefused(RangeError):
    """What was asked of a cohort or of somebody in it cannot be done."""

    def __init__(self, message: str, *, reason: str, status: int = 409) -> None:
        super().__init__(message, reason=reason, status=status)


class NotStaff(RangeError):
    """Teaching is for instructors and administrators of a school."""

    def __init__(self) -> None:
        super().__init__(
            "Cohorts and exercises are for instructors. What is assigned to you stands in the "
            "catalogue.",
            reason="not-an-instructor",
            status=403,
        )


def actor_of(viewer: User) -> str:
    """Return how the timeline names somebody who teaches."""
    return f"instructor:{viewer.pk}"


def schools_for(viewer: Viewer) -> list[Organisation]:
    """Return the schools the viewer teaches in, by name.

    Raises:
        NotStaff: There is none.
    """
    wanted = Organisation.objects.filter(pk__in=schools_of_staff(viewer))
    found = list(wanted.filter(kind=Organisation.Kind.SCHOOL).order_by("name"))
    if not found:
        raise NotStaff
    return found


def cohort_of(viewer: Viewer, cohort_id: uuid.UUID) -> Cohort:
    """Return a cohort of the viewer's own organisations.

    Raises:
        CohortMissing: It does not exist or belongs to another organisation.
    """
    cohort = Cohort.objects.select_related("organisation").filter(pk=cohort_id).first()
    if cohort is None or not can_teach_in(viewer, cohort.organisation_id):
        raise CohortMissing
    return cohort


def trainees_of(cohort: Cohort) -> QuerySet[Membership]:
    """Return the memberships of a cohort's trainees with their people, by name."""
    found = cohort.memberships.filter(role=Membership.Role.TRAINEE).select_related("person")
    return found.order_by("person__display_name", "person__username")


def make(viewer: User, *, organisation_id: uuid.UUID, name: str) -> Cohort:
    """Make a cohort in one of the viewer's schools.

    Raises:
        NotStaff: The organisation is not one the viewer teaches in.
        NameRefused: The name cannot be used.
        CohortRefused: There is a cohort of that name already.
    """
    if organisation_id not in {school.pk for school in schools_for(viewer)}:
        raise NotStaff
    clean = clean_name(name, what="The cohort's name", longest=NAME_LIMIT)
    try:
        with transaction.atomic():
            cohort = Cohort.objects.create(organisation_id=organisation_id, name=clean)
    except IntegrityError as clash:
        raise _name_taken(clean) from clash
    record(cohort.pk, kind="cohort.made", actor=actor_of(viewer), payload={"name": clean})
    return cohort


def rename(cohort: Cohort, name: str, *, viewer: User) -> None:
    """Give a cohort another name.

    Raises:
        NameRefused: The name cannot be used.
        CohortRefused: Another cohort has that name.
    """
    clean = clean_name(name, what="The cohort's name", longest=NAME_LIMIT)
    try:
        with transaction.atomic():
            Cohort.objects.filter(pk=cohort.pk).update(name=clean)
    except IntegrityError as clash:
        raise _name_taken(clean) from clash
    record(cohort.pk, kind="cohort.renamed", actor=actor_of(viewer), payload={"name": clean})


def archive(cohort: Cohort, *, viewer: User, restored: bool = False) -> None:
    """Put a cohort away, or back: its people and their work stay, its links open nothing."""
    at = None if restored else timezone.now()
    changed = Cohort.objects.filter(pk=cohort.pk, archived_at__isnull=not restored)
    if changed.update(archived_at=at):
        kind = "cohort.restored" if restored else "cohort.archived"
        record(cohort.pk, kind=kind, actor=actor_of(viewer))


def member_of(cohort: Cohort, person_id: uuid.UUID) -> User:
    """Return a trainee of the cohort.

    Raises:
        CohortMissing: Nobody of that id is in it.
    """
    membership = trainees_of(cohort).filter(person=person_id).first()
    if membership is None:
        raise CohortMissing
    return membership.person


def place(person: User, cohort: Cohort, *, actor: str) -> bool:
    """Make somebody a trainee of a cohort; whoever is in another one of the school moves.

    Returns:
        Whether that changed anything.
    """
    with transaction.atomic():
        membership, is_new = Membership.objects.select_for_update(of=("self",)).get_or_create(
            person=person,
            organisation_id=cohort.organisation_id,
            role=Membership.Role.TRAINEE,
            defaults={"cohort": cohort},
        )
        before = None if is_new else membership.cohort_id
        if not is_new and before == cohort.pk:
            return False
        Membership.objects.filter(pk=membership.pk).update(cohort=cohort)
        payload = {"trainee": str(person.pk)}
        record(cohort.pk, kind="cohort.joined", actor=actor, payload=payload)
        if before is not None:
            record(before, kind="cohort.left", actor=actor, payload=payload)
    return True


def remove(cohort: Cohort, person: User, *, viewer: User) -> None:
    """Take a trainee out of a cohort; account, attempts and evidence stay with the school."""
    left = trainees_of(cohort).filter(person=person).update(cohort=None)
    if left:
        payload = {"trainee": str(person.pk)}
        record(cohort.pk, kind="cohort.left", actor=actor_of(viewer), payload=payload)


def one_time_password() -> str:
    """Return a password that is easy to copy from paper: 60 bits in three groups of four."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def reset_password(cohort: Cohort, person: User, *, viewer: User) -> str:
    """Give a trainee a password for one sign-in, after which they choose their own.

    Raises:
        CohortRefused: The account is not only a trainee's of this school.
    """
    _refuse_foreign(viewer, person)
    password = one_time_password()
    with transaction.atomic():
        person.set_password(password)
        person.must_choose_password = True
        person.save(update_fields=["password", "must_choose_password"])
        payload = {"trainee": str(person.pk)}
        record(cohort.pk, kind="person.password_reset", actor=actor_of(viewer), payload=payload)
    return password


def set_active(cohort: Cohort, person: User, *, viewer: User, active: bool) -> None:
    """Close an account, so that nobody signs in with it, or open it again; its work stays.

    Raises:
        CohortRefused: The account is not only a trainee's of this school.
    """
    _refuse_foreign(viewer, person)
    with transaction.atomic():
        if User.objects.filter(pk=person.pk, is_active=not active).update(is_active=active):
            kind = "person.reactivated" if active else "person.deactivated"
            payload = {"trainee": str(person.pk)}
            record(cohort.pk, kind=kind, actor=actor_of(viewer), payload=payload)
            # Whoever is at a console now loses it at once: nothing named means that all are seen.
            notify("revocations", "")


def _refuse_foreign(viewer: User, person: User) -> None:
    if not can_manage_account(viewer, person):
        raise CohortRefused(
            f"{person.shown_name} also belongs elsewhere, or is more than a trainee, so this "
            "account is not yours to change. Ask whoever runs the range.",
            reason="account-not-yours",
            status=403,
        )


def _name_taken(name: str) -> CohortRefused:
    return CohortRefused(
        f"There is already a cohort called {name}. Choose another name.", reason="name-taken"
    )
