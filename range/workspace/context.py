"""What every page's frame needs: the links of the main navigation by role."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from range.accounts.access import STAFF
from range.accounts.models import Membership, Organisation, User

Role = Membership.Role
# Administrators of an agency; what other administrators see is a school's.
RUNS_AGENCY = "RUNS_AGENCY"

# URL name, label, and the roles that see the link; the first match of the path is current.
_LINKS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("catalogue", "Catalogue", frozenset({Role.TRAINEE, Role.INSTRUCTOR, Role.ADMIN})),
    ("my-skills", "My skills", frozenset({Role.TRAINEE, Role.INSTRUCTOR, Role.ADMIN})),
    ("teaching", "Teaching", frozenset({Role.INSTRUCTOR, Role.ADMIN})),
    ("workshop", "Workshop", frozenset({Role.INSTRUCTOR, Role.ADMIN})),
    ("review-queue", "Review", frozenset({Role.INSTRUCTOR, Role.ADMIN})),
    ("candidates", "Candidates", frozenset({Role.ASSESSOR})),
    ("people", "People", frozenset({Role.INSTRUCTOR, Role.ASSESSOR, Role.ADMIN})),
    ("impact", "Adverse impact", frozenset({RUNS_AGENCY})),
    ("capacity", "Capacity", frozenset({Role.ADMIN})),
)
# Pages reached from a link's own, whose addresses do not begin with it.
_WITHIN = {"teaching": ("under-way",)}


@dataclass(frozen=True)
class Link:
    """One entry of the main navigation."""

    label: str
    href: str
    current: bool


def navigation(request: HttpRequest) -> dict[str, list[Link]]:
    """Return the links the viewer's roles give; none for nobody."""
    person = getattr(request, "user", None)
    if not isinstance(person, User) or not person.is_active:
        return {"navigation": []}
    held = set(person.memberships.values_list("role", "organisation__kind"))
    roles = {role for role, kind in held if role not in STAFF or kind == Organisation.Kind.SCHOOL}
    if (Role.ADMIN, Organisation.Kind.AGENCY) in held:
        roles.add(RUNS_AGENCY)
    found = [_link(name, label, request.path) for name, label, who in _LINKS if roles & who]
    return {"navigation": [link for link in found if link is not None]}


def _link(name: str, label: str, path: str) -> Link | None:
    try:
        href = reverse(name)
    except NoReverseMatch:
        # An app that is not installed (the tutor, say) has no page to link to.
        return None
    places = (href, *(reverse(other) for other in _WITHIN.get(name, ())))
    return Link(label, href, path.startswith(places))
