"""Who may see or do what: one predicate per rule, each a plain function."""

import uuid
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from range.accounts.models import AccessRecord, Consent, Membership, Organisation, User

type Viewer = User | AnonymousUser
Role = Membership.Role
STAFF = (Role.INSTRUCTOR, Role.ADMIN)
READERS = (*STAFF, Role.ASSESSOR)


def has_role(viewer: Viewer, *roles: str) -> bool:
    """Tell whether the viewer holds any of the roles: one of staff counts in schools alone.

    An administrator of an agency answers for that agency, not for the range and its scenarios.
    """
    if not isinstance(viewer, User) or not viewer.is_active:
        return False
    # All of them, which are few: whoever asks about many people has read them ahead.
    return any(
        membership.role in roles and (membership.role not in STAFF or membership.is_in_school)
        for membership in viewer.memberships.all()
    )


def _shares_school(viewer: User, subject_id: uuid.UUID) -> bool:
    return Membership.objects.filter(
        person_id=subject_id, role=Role.TRAINEE, organisation__in=schools_of_staff(viewer)
    ).exists()


def taught_by(viewer: User) -> QuerySet[Membership, uuid.UUID]:
    """Return the ids of the trainees of every school whose staff the viewer belongs to."""
    taught = Membership.objects.filter(role=Role.TRAINEE, organisation__in=schools_of_staff(viewer))
    return taught.values_list("person", flat=True)


def schools_of_staff(viewer: Viewer) -> QuerySet[Membership, uuid.UUID]:
    """Return the ids of the schools that the viewer is an instructor or administrator of."""
    if not isinstance(viewer, User) or not viewer.is_active:
        return Membership.objects.none().values_list("organisation", flat=True)
    held = viewer.memberships.filter(role__in=STAFF, organisation__kind=Organisation.Kind.SCHOOL)
    return held.values_list("organisation", flat=True)


def can_teach_in(viewer: Viewer, organisation_id: uuid.UUID) -> bool:
    """Cohorts, invitations and exercises belong to the staff of their own organisation."""
    return schools_of_staff(viewer).filter(organisation=organisation_id).exists()


def can_steer_tutor(viewer: Viewer, organisation_id: uuid.UUID) -> bool:
    """How the tutor behaves, and what it said, belongs to the staff of the exercise's school."""
    return can_teach_in(viewer, organisation_id)


def can_manage_account(viewer: Viewer, subject: User) -> bool:
    """Staff manages accounts of trainees who belong to its organisation and nowhere else.

    A new password opens everything its owner may do: whoever is also something elsewhere, or
    more than a trainee, is nobody's to take over.
    """
    if subject.is_staff or subject.is_superuser:
        return False
    held = list(subject.memberships.values_list("role", "organisation"))
    homes = {organisation for _, organisation in held}
    only_trainee = bool(held) and all(role == Role.TRAINEE for role, _ in held)
    return only_trainee and len(homes) == 1 and can_teach_in(viewer, homes.pop())


def can_launch(viewer: Viewer) -> bool:
    """Trainees work in sandboxes; instructors and administrators may try them too."""
    return has_role(viewer, Role.TRAINEE, Role.INSTRUCTOR, Role.ADMIN)


def can_work_in_attempt(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """Only the trainee types, submits, stops and finishes."""
    return isinstance(viewer, User) and viewer.is_active and viewer.pk == trainee_id


def can_see_attempt(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """The trainee, and instructors and administrators of the trainee's school."""
    if can_work_in_attempt(viewer, trainee_id):
        return True
    return isinstance(viewer, User) and viewer.is_active and _shares_school(viewer, trainee_id)


def can_see_recording(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """Whoever sees the attempt, and assessors whom the trainee consented to."""
    return can_see_attempt(viewer, trainee_id) or can_view_skills(viewer, trainee_id)


def can_view_skills(viewer: Viewer, subject_id: uuid.UUID) -> bool:
    """The trainee, the school's staff, and assessors of an agency with consent in force."""
    if can_see_attempt(viewer, subject_id):
        return True
    if not isinstance(viewer, User) or not viewer.is_active:
        return False
    agencies = viewer.memberships.filter(role=Role.ASSESSOR).values("organisation")
    return Consent.objects.in_force().filter(trainee=subject_id, agency__in=agencies).exists()


def agencies_of(viewer: Viewer) -> QuerySet[Organisation]:
    """Return the agencies that the viewer reads scores for, by name."""
    if not isinstance(viewer, User) or not viewer.is_active:
        return Organisation.objects.none()
    held = viewer.memberships.filter(role=Role.ASSESSOR).values("organisation")
    agencies = Organisation.objects.filter(pk__in=held, kind=Organisation.Kind.AGENCY)
    return agencies.order_by("name", "pk")


def colleagues_of(viewer: User) -> QuerySet[User]:
    """Return the viewer, and those whose every role lies where the viewer teaches or reads scores.

    What somebody does who works elsewhere too may have been done there, which is not for us.
    """
    own = [*agencies_of(viewer).values_list("pk", flat=True), *schools_of_staff(viewer)]
    held = Membership.objects.filter(organisation__in=own, role__in=READERS)
    elsewhere = Membership.objects.exclude(organisation__in=own)
    among = Q(pk__in=held.values("person")) & ~Q(pk__in=elsewhere.values("person"))
    return User.objects.filter(Q(pk=viewer.pk) | among)


def agencies_run_by(viewer: Viewer) -> QuerySet[Organisation]:
    """Return the agencies that the viewer is an administrator of, by name."""
    if not isinstance(viewer, User) or not viewer.is_active:
        return Organisation.objects.none()
    held = viewer.memberships.filter(role=Role.ADMIN).values("organisation")
    agencies = Organisation.objects.filter(pk__in=held, kind=Organisation.Kind.AGENCY)
    return agencies.order_by("name", "pk")


def can_see_impact(viewer: Viewer, agency_id: uuid.UUID) -> bool:
    """Adverse-impact reports are for those who answer for an agency; its assessors see none."""
    return agencies_run_by(viewer).filter(pk=agency_id).exists()


def consenting_to(agency_id: uuid.UUID) -> QuerySet[Consent, uuid.UUID]:
    """Return the ids of the people who let an agency look at this moment."""
    return Consent.objects.in_force().filter(agency=agency_id).values_list("trainee", flat=True)


def can_see_gaps(viewer: Viewer) -> bool:
    """What a group of people lacks is seen by those who teach it, or read scores it agreed to."""
    return has_role(viewer, *READERS)


def can_place(viewer: Viewer, agency_id: uuid.UUID, trainee_id: uuid.UUID) -> bool:
    """An agency's assessors move candidates through its stages, while these consent to it."""
    if not agencies_of(viewer).filter(pk=agency_id).exists():
        return False
    return consenting_to(agency_id).filter(trainee=trainee_id).exists()


def can_review(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """Instructors decide for trainees of their school, and never for themselves."""
    return (
        isinstance(viewer, User)
        and viewer.is_active
        and viewer.pk != trainee_id
        and _shares_school(viewer, trainee_id)
    )


def can_contest(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """Evidence is contested by whom it speaks of, and by nobody for them."""
    return can_work_in_attempt(viewer, trainee_id)


def can_watch(viewer: Viewer, trainee_id: uuid.UUID) -> bool:
    """Staff of the trainee's school look at live consoles; assessors never do, nor the trainee."""
    return can_review(viewer, trainee_id)


def can_watch_exercise(viewer: Viewer, organisation_id: uuid.UUID) -> bool:
    """Staff of the school that an exercise is offered to see its wall of consoles."""
    return can_teach_in(viewer, organisation_id)


def can_see_attempts_under_way(viewer: Viewer) -> bool:
    """Instructors and administrators see what their schools' trainees are at."""
    return has_role(viewer, *STAFF)


def can_see_capacity(viewer: Viewer) -> bool:
    """Administrators run the machine; its figures and whoever waits for it are theirs to see."""
    return has_role(viewer, Role.ADMIN)


def can_review_alignments(viewer: Viewer) -> bool:
    """What our skills mean in a framework's words is judged by those who teach them."""
    return has_role(viewer, *STAFF)


def can_set_requirements(viewer: Viewer) -> bool:
    """Staff decides what readiness for a work role asks; every change is kept with its reason."""
    return has_role(viewer, *STAFF)


def can_see_workshop(viewer: Viewer) -> bool:
    """Whoever teaches writes scenarios too: an author is an instructor or administrator."""
    return has_role(viewer, *STAFF)


def can_see_knowledge(viewer: Viewer) -> bool:
    """Instructors and administrators read what the tutor may quote, and give it texts."""
    return has_role(viewer, *STAFF)


def can_read_knowledge(viewer: Viewer, organisation_id: uuid.UUID | None) -> bool:
    """What is for everybody is any staff's to read, what one organisation gave its staff's."""
    if organisation_id is None:
        return can_see_knowledge(viewer)
    return can_teach_in(viewer, organisation_id)


def can_give_knowledge(viewer: Viewer, organisation_id: uuid.UUID | None) -> bool:
    """Texts for the tutor are given, replaced and withdrawn by their organisation's staff."""
    return organisation_id is not None and can_teach_in(viewer, organisation_id)


def can_author_in(viewer: Viewer, organisation_id: uuid.UUID) -> bool:
    """Drafts, with the solutions in them, belong to the staff of their own organisation."""
    return can_teach_in(viewer, organisation_id)


def can_bring_builds(viewer: Viewer) -> bool:
    """What builds images runs on the range's machine: it comes from whoever runs that, only."""
    return has_role(viewer, Role.ADMIN)


def can_read_scenario(viewer: Viewer, owner_id: uuid.UUID | None) -> bool:
    """Staff reads the range's own scenarios with their solutions, and their organisation's."""
    if owner_id is None:
        return can_see_workshop(viewer)
    return can_author_in(viewer, owner_id)


def can_change_scenario(viewer: Viewer, owner_id: uuid.UUID | None) -> bool:
    """An organisation's staff publishes and retires its own; the range's own are operators'."""
    if owner_id is None:
        return can_bring_builds(viewer)
    return can_author_in(viewer, owner_id)


def record_access(viewer: User, *, subject_id: uuid.UUID, what: str) -> None:
    """Write down that `viewer` looked at `subject`; looking at oneself is not recorded."""
    record_accesses(viewer, subject_ids=[subject_id], what=what)


def record_accesses(viewer: User, *, subject_ids: Iterable[uuid.UUID], what: str) -> None:
    """Write down that `viewer` looked at several people at once, in one query."""
    AccessRecord.objects.bulk_create(
        AccessRecord(viewer=viewer, subject_id=subject_id, what=what[:120])
        for subject_id in subject_ids
        if subject_id != viewer.pk
    )
