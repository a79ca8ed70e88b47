"""Keeps people, tickets, articles and messages in memory; a restart begins anew."""

import hashlib
import hmac
import itertools
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_people, _tickets, _articles, _messages, _tokens = {}, {}, {}, {}, {}
_numbers = itertools.count(1)


@dataclass
class Person:
    account: str
    name: str
    role: str
    salt: bytes = b""
    digest: bytes = b""


@dataclass
class Ticket:
    number: int
    account: str
    subject: str
    text: str
    note: str = ""

    def shown(self):
        return {"number": self.number, "from": self.account, "subject": self.subject,
                "text": self.text, "note": self.note}

    def as_text(self):
        return f"Ticket {self.number} from {self.account}\nSubject: {self.subject}\n\n{self.text}"


@dataclass
class Article:
    name: str
    title: str
    audience: str
    text: str
    remarks: list = field(default_factory=list)

    def shown(self):
        return {"name": self.name, "title": self.title, "text": self.text, "remarks": self.remarks}

    def as_text(self):
        said = "".join(f"\nRemark of {each['from']}: {each['text']}" for each in self.remarks)
        return f"Article {self.name}\nTitle: {self.title}\n\n{self.text}{said}"


def begin(folder):
    """Fill an empty store with what the files of a folder hold."""
    data = json.loads((Path(folder) / "data.json").read_text(encoding="utf-8"))
    for_all = json.loads((Path(folder) / "articles.json").read_text(encoding="utf-8"))
    for each in data["people"]:
        person = Person(each["account"], each["name"], each["role"])
        _people[person.account] = person
        _set_password(person, each["password"])
    for each in for_all + data["articles"]:
        _articles[each["name"]] = Article(**each)
    for each in data["tickets"]:
        _tickets[each["number"]] = Ticket(**each)
    for each in data.get("messages", []):
        add_message(each["to"], each["text"])


# --- People -------------------------------------------------------------------------------------


def person(account):
    return _people.get(account)


def add_person(name):
    """Return a new member of the crew and their first password."""
    account = f"crew-{secrets.randbelow(90000) + 10000}"
    while account in _people:
        account = f"crew-{secrets.randbelow(90000) + 10000}"
    _people[account] = Person(account, name, "crew")
    return _people[account], new_password(_people[account])


def new_password(person):
    """Give a person a new password and return it."""
    password = "".join(secrets.choice(LETTERS) for _ in range(12))
    _set_password(person, password)
    return password


def with_password(account, password):
    """Return the person with this account and password, or None."""
    found = _people.get(account)
    if found is None or not hmac.compare_digest(found.digest, _hash(password, found.salt)):
        return None
    return found


def new_token(person):
    token = secrets.token_urlsafe(18)
    _tokens[token] = person.account
    return token


def signed_in(token):
    return _people.get(_tokens.get(token))


def _set_password(person, password):
    person.salt = secrets.token_bytes(16)
    person.digest = _hash(password, person.salt)


def _hash(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)


# --- Tickets, articles, messages ----------------------------------------------------------------


def ticket(number):
    return _tickets.get(int(number)) if str(number).isdigit() else None


def add_ticket(account, subject, text):
    number = max(_tickets, default=1000) + 1
    _tickets[number] = Ticket(number, account, subject, text)
    return _tickets[number]


def tickets_for(person):
    """Return the tickets that a person may see: the helpdesk all, the crew their own."""
    return [t for t in _tickets.values() if person.role == "staff" or t.account == person.account]


def article(name):
    return _articles.get(name)


def articles_for(person):
    """Return the articles that a person may see: the helpdesk all, the crew those for all."""
    return [a for a in _articles.values() if person.role == "staff" or a.audience == "all"]


def list_of_articles():
    """Return every article by name, audience and title, a line each."""
    return "\n".join(f"- {a.name} ({a.audience}): {a.title}" for a in _articles.values())


def messages_of(account):
    return _messages.get(account, [])


def add_message(account, text):
    _messages.setdefault(account, []).append({"number": next(_numbers), "text": text})
