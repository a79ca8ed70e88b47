"""What an agency asks for by default; its assessors decide."""

from range.accounts.access import agencies_of
from range.accounts.models import Organisation, User
from range.lib.logs import get_logger
from range.pipeline.agency.grid import AgencyRefused

log = get_logger(__name__)


def change_default(viewer: User, agency: Organisation, *, assessed_only: bool) -> None:
    """Decide whether practice stays out of an agency's lists.

    Raises:
        AgencyRefused: The viewer does not work for the agency.
    """
    if not agencies_of(viewer).filter(pk=agency.pk).update(assessed_only=assessed_only):
        raise AgencyRefused
    log.info("agency.default", agency=str(agency.pk), assessed_only=assessed_only)
