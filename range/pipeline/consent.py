"""A trainee's consent: which agencies may read their skills, until when, withdrawn at once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from range.accounts.access import has_role
from range.accounts.models import Consent, ConsentQuerySet, Membership, Organisation, User
from range.lib.errors import RangeError
from range.lib.logs import get_logger

log = get_logger(__name__)

DAYS_OFFERED = (30, 90, 365)


class ConsentRefused(RangeError):
    """A consent cannot be given; the message says why."""


@dataclass(frozen=True, kw_only=True)
class AgencyLine:
    """An agency, and the consent in force for it, if there is one."""

    agency: Organisation
    consent: Consent | None


def agencies_for(trainee: User) -> Sequence[AgencyLine]:
    """Return every agency with what the trainee agreed to."""
    rows = Consent.objects.in_force().filter(trainee=trainee)
    given = {row.agency_id: row for row in rows}
    agencies = Organisation.objects.filter(kind=Organisation.Kind.AGENCY).order_by("name")
    return [AgencyLine(agency=agency, consent=given.get(agency.pk)) for agency in agencies]


@transaction.atomic
def grant(trainee: User, *, agency_id: uuid.UUID, days: int) -> Consent:
    """Let an agency read the trainee's skills for some days; an earlier consent ends.

    Raises:
        ConsentRefused: Not a trainee, no such agency, or a length that is not offered.
    """
    if not has_role(trainee, Membership.Role.TRAINEE):
        raise ConsentRefused(
            "Only trainees have skills to share.", reason="consent-not-a-trainee", status=403
        )
    if days not in DAYS_OFFERED:
        offered = ", ".join(str(each) for each in DAYS_OFFERED)
        raise ConsentRefused(f"Choose one of {offered} days.", reason="consent-length")
    agencies = Organisation.objects.filter(kind=Organisation.Kind.AGENCY)
    agency = agencies.filter(pk=agency_id).first()
    if agency is None:
        raise ConsentRefused("There is no such agency here.", reason="consent-agency", status=404)
    # The person's row is the lock: of two clicks at once, the second ends the first one's.
    User.objects.select_for_update().get(pk=trainee.pk)
    now = timezone.now()
    _open(trainee, agency_id).update(revoked_at=now)
    log.info("consent.granted", trainee=str(trainee.pk), agency=str(agency.pk), days=days)
    return Consent.objects.create(
        trainee=trainee, agency=agency, granted_at=now, expires_at=now + timedelta(days=days)
    )


def withdraw(trainee: User, *, agency_id: uuid.UUID) -> bool:
    """End a consent now; False if there was none."""
    ended = _open(trainee, agency_id).update(revoked_at=timezone.now()) > 0
    log.info("consent.withdrawn", trainee=str(trainee.pk), agency=str(agency_id), ended=ended)
    return ended


def _open(trainee: User, agency_id: uuid.UUID) -> ConsentQuerySet:
    return Consent.objects.filter(trainee=trainee, agency=agency_id, revoked_at=None)
