"""A list of people as CSV: read, judged line by line, and only then written, all or nothing."""

import csv
import io
import unicodedata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from range.accounts.cohorts import actor_of, one_time_password, place
from range.accounts.models import Cohort, Membership, User
from range.accounts.names import NameRefused, clean_name
from range.lib.errors import RangeError
from range.lib.storable import NOT_TEXT, storable
from range.timeline.services import record

BYTES_AT_MOST = 512 * 1024
ROWS_AT_MOST = 500
NAME_LIMIT = 120
USERNAME_LIMIT = 150
# A one-time password has 60 bits of chance: this many rounds keep it for longer than it counts.
ITERATIONS = 20_000
_COLUMNS = ("username", "name", "email")
_NEEDED = ("username", "name")
# A spreadsheet takes a cell that begins so for a formula, and runs it for whoever opens the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_well_formed = UnicodeUsernameValidator()


class RosterRefused(RangeError):
    """The file is no list of people; nothing was written."""

    def __init__(self, message: str, *, reason: str, status: int = 422) -> None:
        super().__init__(message, reason=reason, status=status)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the file and what would become of it.

    Args:
        line: As an editor counts it.
        fate: new, known, moves or problem.
        problem: Why nothing can become of it; empty without one.
    """

    line: int
    username: str
    name: str
    email: str
    fate: str
    problem: str = ""
    person: User | None = None


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The whole file, judged against the accounts there are."""

    rows: Sequence[Row]
    text: str

    @property
    def problems(self) -> int:
        """Count the lines of which nothing can become."""
        return self.count("problem")

    @property
    def new(self) -> int:
        """Count the accounts that would be made."""
        return self.count("new")

    def count(self, fate: str) -> int:
        """Count the lines of one fate."""
        return sum(row.fate == fate for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Somebody who was written, and the password for their first sign-in; empty if known."""

    username: str
    name: str
    password: str


def decode(content: bytes) -> str:
    """Return the text of a file.

    Raises:
        RosterRefused: Too large, or not UTF-8.
    """
    if len(content) > BYTES_AT_MOST:
        raise RosterRefused(
            f"The file is larger than {BYTES_AT_MOST // 1024} kB. Split it.",
            reason="too-large",
            status=413,
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RosterRefused(
            "The file is not UTF-8 text. In a spreadsheet, save it as “CSV UTF-8”.",
            reason="not-utf-8",
        ) from error


def read(text: str, cohort: Cohort) -> Roster:
    """Judge every line of a list; nothing is written.

    Raises:
        RosterRefused: It has no header with the columns, no line, or too many.
    """
    lines = list(_lines(text))
    if not lines:
        raise RosterRefused("Below the header there is no line.", reason="empty")
    given = [line for _, line in lines]
    accounts = _accounts(given)
    held = _held(accounts, cohort)
    seen: dict[str, int] = {}
    rows = [
        _row(number, line, accounts.get(line["username"].lower(), []), held, seen, cohort)
        for number, line in lines
    ]
    return Roster(rows=rows, text=text)


def admit(text: str, cohort: Cohort, *, viewer: User) -> tuple[Roster, list[Admitted]]:
    """Write a list whose every line is good; otherwise nothing.

    Returns:
        The roster as judged now, and everybody in it; nobody where there is a problem.

    Raises:
        RosterRefused: It is no list of people, or somebody took a name at the same moment.
    """
    try:
        with transaction.atomic():
            roster = read(text, cohort)
            if roster.problems:
                return roster, []
            admitted = [_admit(row, cohort, viewer) for row in roster.rows]
            payload = {"new": roster.new, "known": len(admitted) - roster.new}
            record(cohort.pk, kind="cohort.imported", actor=actor_of(viewer), payload=payload)
    except IntegrityError as clash:
        raise RosterRefused(
            "Somebody took one of the names at the same moment. Nothing was written; try again.",
            reason="name-taken",
            status=409,
        ) from clash
    return roster, admitted


def passwords_csv(admitted: Sequence[Admitted]) -> str:
    """Return who got a password, as CSV that no spreadsheet runs."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("username", "name", "password"))
    for each in admitted:
        if each.password:
            cells = (each.username, each.name, each.password)
            writer.writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that a spreadsheet shows instead of running."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def refuse_bad_username(username: str) -> None:
    """Refuse what cannot be a name to sign in with.

    Raises:
        NameRefused: Too long, or with other signs than letters, digits and @ . + - _
    """
    if len(username) > USERNAME_LIMIT:
        raise NameRefused(f"The username is longer than {USERNAME_LIMIT} characters.")
    try:
        _well_formed(username)
    except ValidationError as error:
        raise NameRefused("The username may hold letters, digits and @ . + - _ only.") from error


def _lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        header = [cell.strip().casefold() for cell in next(reader, [])]
        if any(header.count(name) != 1 for name in _NEEDED):
            raise RosterRefused(
                "The first line must name the columns: username, name and, if you like, email.",
                reason="no-header",
            )
        places = {name: header.index(name) for name in _COLUMNS if name in header}
        count = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            count += 1
            if count > ROWS_AT_MOST:
                raise RosterRefused(
                    f"The file has more than {ROWS_AT_MOST} people. Split it.", reason="too-many"
                )
            yield reader.line_num, {name: _at(cells, place) for name, place in places.items()}
    except csv.Error as error:
        raise RosterRefused(
            f"Line {reader.line_num} cannot be read as CSV: {error}.", reason="not-csv"
        ) from error


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count)


def _at(cells: Sequence[str], place: int) -> str:
    return unicodedata.normalize("NFKC", cells[place]).strip() if place < len(cells) else ""


def _accounts(given: Sequence[Mapping[str, str]]) -> dict[str, list[User]]:
    # Postgres knows no NUL; a name with one is judged a problem anyway.
    names = {line["username"].lower() for line in given if "\0" not in line["username"]}
    found: dict[str, list[User]] = {}
    for person in User.objects.annotate(lower=Lower("username")).filter(lower__in=names):
        found.setdefault(person.username.lower(), []).append(person)
    return found


def _held(accounts: Mapping[str, list[User]], cohort: Cohort) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return the cohort of everybody who is a trainee of the school, by person."""
    held = Membership.objects.filter(
        person__in=[person for people in accounts.values() for person in people],
        organisation=cohort.organisation_id,
        role=Membership.Role.TRAINEE,
    )
    return dict(held.values_list("person", "cohort"))


def _row(
    number: int,
    line: Mapping[str, str],
    accounts: Sequence[User],
    held: Mapping[uuid.UUID, uuid.UUID | None],
    seen: dict[str, int],
    cohort: Cohort,
) -> Row:
    username, name, email = (line.get(column, "") for column in _COLUMNS)
    fate, problem = "problem", ""
    try:
        _refuse_line(username, name, email)
        if (first := seen.setdefault(username.lower(), number)) != number:
            raise NameRefused(f"The same username stands in line {first}.")
        fate = _fate(accounts, held, cohort)
    except NameRefused as refusal:
        problem = refusal.message
    shown = (storable(text, instead=NOT_TEXT)[:200] for text in (username, name, email))
    username, name, email = shown
    return Row(
        line=number,
        username=username,
        name=name,
        email=email,
        fate=fate,
        problem=problem,
        person=accounts[0] if accounts and not problem else None,
    )


def _refuse_line(username: str, name: str, email: str) -> None:
    clean_name(username, what="The username", longest=USERNAME_LIMIT)
    refuse_bad_username(username)
    clean_name(name, what="The name", longest=NAME_LIMIT)
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise NameRefused("The e-mail address is not one.") from error


def _fate(
    accounts: Sequence[User], held: Mapping[uuid.UUID, uuid.UUID | None], cohort: Cohort
) -> str:
    if not accounts:
        return "new"
    person = accounts[0]
    if len(accounts) > 1 or person.pk not in held:
        # Whose account it is, and where, is not for this instructor to learn or to use.
        raise NameRefused("This username is taken. Choose another, or send them an invitation.")
    if not person.is_active:
        raise NameRefused("This account is closed. Open it again on its cohort's page.")
    return "known" if held[person.pk] in (cohort.pk, None) else "moves"


def _admit(row: Row, cohort: Cohort, viewer: User) -> Admitted:
    person, password = row.person, ""
    if person is None:
        password = one_time_password()
        person = User.objects.create(
            username=User.normalize_username(row.username),
            display_name=clean_name(row.name, what="The name", longest=NAME_LIMIT),
            email=row.email,
            password=_hashed(password),
            must_choose_password=True,
        )
    place(person, cohort, actor=actor_of(viewer))
    return Admitted(username=person.username, name=person.shown_name, password=password)


def _hashed(password: str) -> str:
    """Hash a password that nobody can guess: hundreds at the usual cost would take minutes."""
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        # Django hashes it anew at its usual cost when its owner signs in.
        return hasher.encode(password, hasher.salt(), iterations=ITERATIONS)
    return make_password(password)
