"""Links by which people join a cohort: signed, kept as digests, limited in time and in uses."""

import hashlib
import secrets
import uuid
from datetime import timedelta

from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from range.accounts import throttle
from range.accounts.access import STAFF
from range.accounts.cohorts import CohortRefused, actor_of, place
from range.accounts.models import Cohort, Invitation, Membership, User
from range.lib.errors import RangeError
from range.timeline.services import record

DAYS_AT_MOST = 90
USES_AT_MOST = 500
# A made-up link is refused by its signature, without a look into the database.
_SIGNER = Signer(salt="range.accounts.invitation", sep=".")


class InvitationRefused(RangeError):
    """The link opens nothing, or no longer."""

    def __init__(self, message: str, *, reason: str, status: int = 410) -> None:
        super().__init__(message, reason=reason, status=status)


class UsernameTaken(RangeError):
    """Somebody else signs in with this name."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has this username already. If it is you, sign in; otherwise choose another.",
            reason="username-taken",
            status=422,
        )


def invite(cohort: Cohort, *, viewer: User, days: int, uses: int) -> tuple[Invitation, str]:
    """Make a link into a cohort; its secret is returned once and kept nowhere.

    Args:
        days: How long it may be used, 1 to 90.
        uses: How many people may join with it, 1 to 500.

    Raises:
        CohortRefused: Out of bounds, or the cohort is archived.
    """
    if not (1 <= days <= DAYS_AT_MOST and 1 <= uses <= USES_AT_MOST):
        raise CohortRefused(
            f"A link is good for 1 to {DAYS_AT_MOST} days and 1 to {USES_AT_MOST} people.",
            reason="out-of-bounds",
            status=422,
        )
    if cohort.archived_at is not None:
        raise CohortRefused(
            "This cohort is archived. Restore it before you invite people.", reason="archived"
        )
    secret = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        cohort=cohort,
        digest=_digest(secret),
        made_by=viewer,
        expires_at=timezone.now() + timedelta(days=days),
        most_uses=uses,
    )
    payload = {"invitation": str(invitation.pk), "days": days, "uses": uses}
    record(cohort.pk, kind="cohort.invited", actor=actor_of(viewer), payload=payload)
    return invitation, _SIGNER.sign(secret)


def revoke(cohort: Cohort, invitation_id: uuid.UUID, *, viewer: User) -> bool:
    """Make a link open nothing from now on; whoever joined with it stays."""
    found = Invitation.objects.filter(pk=invitation_id, cohort=cohort, revoked_at=None)
    if found.update(revoked_at=timezone.now()) != 1:
        return False
    payload = {"invitation": str(invitation_id)}
    record(cohort.pk, kind="cohort.invitation_revoked", actor=actor_of(viewer), payload=payload)
    return True


def opened_by(token: str, *, address: str) -> Invitation:
    """Return the invitation a link belongs to, usable or not.

    Args:
        address: The peer's IP address; made-up links are counted against it.

    Raises:
        InvitationRefused: No link is like this one.
        TooManyGuesses: The address has tried too many that are none.
    """
    throttle.refuse_guessing(address=address)
    invitation = None
    try:
        secret = _SIGNER.unsign(token)
    except BadSignature:
        pass
    else:
        known = Invitation.objects.select_related("cohort__organisation")
        invitation = known.filter(digest=_digest(secret)).first()
    if invitation is None:
        throttle.note_guess(address=address)
        raise InvitationRefused(
            "This link leads nowhere. Check that all of it was copied, or ask your instructor "
            "for a new one.",
            reason="no-such-invitation",
            status=404,
        )
    return invitation


def refuse_unusable(invitation: Invitation) -> None:
    """Refuse a link that was good once and is no longer.

    Raises:
        InvitationRefused: Revoked, expired, used up, or its cohort is archived.
    """
    if invitation.revoked_at is not None:
        what, reason = "was withdrawn by your instructor", "invitation-revoked"
    elif invitation.expires_at <= timezone.now():
        what, reason = "has expired", "invitation-expired"
    elif invitation.uses >= invitation.most_uses:
        what, reason = "was used by as many people as it was made for", "invitation-used-up"
    elif invitation.cohort.archived_at is not None:
        what, reason = "leads to a cohort that is no longer taught", "cohort-archived"
    else:
        return
    raise InvitationRefused(f"This link {what}. Ask for a new one.", reason=reason)


def is_member(invitation: Invitation, person: User) -> bool:
    """Tell whether somebody is a trainee of the link's cohort already."""
    held = person.memberships.filter(role=Membership.Role.TRAINEE, cohort=invitation.cohort)
    return held.exists()


def teaches_there(invitation: Invitation, person: User) -> bool:
    """Tell whether somebody is staff of the school that the link leads into."""
    school = invitation.cohort.organisation_id
    return person.memberships.filter(role__in=STAFF, organisation=school).exists()


def left_by_joining(invitation: Invitation, person: User) -> Cohort | None:
    """Return the cohort of the same school that somebody would leave; None for none."""
    held = person.memberships.filter(
        role=Membership.Role.TRAINEE, organisation=invitation.cohort.organisation_id
    ).exclude(cohort=invitation.cohort)
    found = held.exclude(cohort=None).select_related("cohort").first()
    return found.cohort if found else None


def join(invitation: Invitation, person: User) -> bool:
    """Make somebody a trainee of the link's cohort; a second time changes and uses nothing.

    Returns:
        Whether they joined just now.

    Raises:
        CohortRefused: They teach in this school.
        InvitationRefused: The link opens nothing any more.
    """
    if is_member(invitation, person):
        return False
    if teaches_there(invitation, person):
        raise CohortRefused(
            f"You teach at {invitation.cohort.organisation}, so you cannot join as a trainee. "
            "Give the link to your trainees.",
            reason="teaches-here",
        )
    with transaction.atomic():
        if not place(person, invitation.cohort, actor=f"trainee:{person.pk}"):
            return False
        # The one row counts for everybody at once: two who come last do not both get in.
        if not Invitation.objects.usable().filter(pk=invitation.pk).update(uses=F("uses") + 1):
            invitation.refresh_from_db()
            refuse_unusable(invitation)
    return True


def join_anew(invitation: Invitation, *, username: str, name: str, password: str) -> User:
    """Make an account and join with it; without a place for it there is no account either.

    Args:
        password: Judged already by the validators of the settings.

    Raises:
        UsernameTaken: Somebody signs in with that name, in whatever case.
        InvitationRefused: The link opens nothing any more.
    """
    try:
        with transaction.atomic():
            if User.objects.filter(username__iexact=username).exists():
                raise UsernameTaken
            person = User.objects.create_user(
                username=username, password=password, display_name=name
            )
            join(invitation, person)
    except IntegrityError as clash:
        raise UsernameTaken from clash
    return person


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
