"""Demo people of a fresh range: one trainee, instructor, assessor and administrator."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import transaction

from range.accounts.models import Cohort, Consent, Membership, Organisation, User

Role = Membership.Role


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """One demo person as printed by bin/up and kept in the accounts file."""

    username: str
    password: str
    role: str
    name: str


_PEOPLE = (
    ("trainee", Role.TRAINEE, "Tomoko Reyes"),
    ("trainee2", Role.TRAINEE, "Sam Okafor"),
    ("instructor", Role.INSTRUCTOR, "Ines Halvorsen"),
    ("assessor", Role.ASSESSOR, "Arturo Lindqvist"),
    ("admin", Role.ADMIN, "Admin"),
)


def _organisations() -> tuple[Organisation, Organisation]:
    school, _ = Organisation.objects.get_or_create(
        slug="harbour-academy",
        defaults={"name": "Harbour Academy", "kind": Organisation.Kind.SCHOOL},
    )
    agency, _ = Organisation.objects.get_or_create(
        slug="state-cyber-office",
        defaults={"name": "State Cyber Office", "kind": Organisation.Kind.AGENCY},
    )
    return school, agency


def _person(username: str, name: str, password: str) -> User:
    person, _ = User.objects.get_or_create(username=username, defaults={"display_name": name})
    person.set_password(password)
    person.save()
    return person


@transaction.atomic
def create(passwords: dict[str, str] | None = None) -> list[DemoAccount]:
    """Create the demo organisations and people, or give them the passwords again.

    Args:
        passwords: By user name; a generated one for each name that is missing.
    """
    known = passwords or {}
    school, agency = _organisations()
    cohort, _ = Cohort.objects.get_or_create(organisation=school, name="Autumn cohort")
    accounts = []
    for username, role, name in _PEOPLE:
        password = known.get(username) or secrets.token_urlsafe(12)
        person = _person(username, name, password)
        Membership.objects.get_or_create(
            person=person,
            organisation=agency if role == Role.ASSESSOR else school,
            role=role,
            defaults={"cohort": cohort if role == Role.TRAINEE else None},
        )
        if username == "trainee":
            Consent.objects.get_or_create(trainee=person, agency=agency, revoked_at=None)
        accounts.append(DemoAccount(username=username, password=password, role=role, name=name))
    return accounts


def keep(accounts: list[DemoAccount], path: Path) -> None:
    """Write the accounts where only their owner can read them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(account) for account in accounts], file, indent=2)
        file.write("\n")


def kept(path: Path) -> dict[str, str]:
    """Return the passwords of an accounts file by user name; empty if there is none."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["username"]: entry["password"] for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
