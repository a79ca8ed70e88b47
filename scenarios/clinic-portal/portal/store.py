"""Keeps people, documents and appointments in one SQLite file."""

import hashlib
import hmac
import json
import os
import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, role TEXT,
                     phone TEXT DEFAULT '', salt BLOB, password BLOB);
CREATE TABLE guardians (guardian INTEGER, child INTEGER);
CREATE TABLE treats (doctor INTEGER, patient INTEGER);
CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, owner INTEGER, title TEXT,
                        kind TEXT, text TEXT);
CREATE TABLE shares (document INTEGER, reader INTEGER);
CREATE TABLE appointments (id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER, day TEXT,
                           reason TEXT);
"""
# Whoever may see a document: its owner, whom it was shared with, a guardian of the owner, and a
# doctor who treats the owner.
VISIBLE = """
SELECT * FROM documents WHERE owner = :person
    OR id IN (SELECT document FROM shares WHERE reader = :person)
    OR owner IN (SELECT child FROM guardians WHERE guardian = :person)
    OR owner IN (SELECT patient FROM treats WHERE doctor = :person)
ORDER BY id
"""
_place = None


def open_at(path, *, fixtures):
    """Use the database at a path; a new one begins with what the fixtures hold."""
    global _place
    _place = Path(path)
    if not _place.exists():
        _create(json.loads(Path(fixtures).read_text()))


def _connected():
    connection = sqlite3.connect(_place, timeout=5)
    connection.row_factory = sqlite3.Row
    return connection


def _rows(query, **values):
    with _connected() as connection:
        return [dict(row) for row in connection.execute(query, values)]


def _change(query, **values):
    with _connected() as connection:
        return connection.execute(query, values).lastrowid


def _first(rows):
    return rows[0] if rows else None


# --- People -------------------------------------------------------------------------------------


def person(number):
    return _first(_rows("SELECT * FROM people WHERE id = :number", number=number))


def person_by_email(email):
    return _first(_rows("SELECT * FROM people WHERE email = :email", email=email.lower()))


def sign_in(email, password):
    """Return the person with this address and password, or None."""
    found = person_by_email(email)
    if found is None or not hmac.compare_digest(found["password"], _hash(password, found["salt"])):
        return None
    return found


def set_phone(number, phone):
    _change("UPDATE people SET phone = :phone WHERE id = :number", number=number, phone=phone)


def _hash(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)


# --- Documents ----------------------------------------------------------------------------------


def document(number):
    return _first(_rows("SELECT * FROM documents WHERE id = :number", number=number))


def documents_for(number):
    """Return the documents that a person may see."""
    return _rows(VISIBLE, person=number)


def add_document(owner, title, kind, text):
    return _change(
        "INSERT INTO documents (owner, title, kind, text) VALUES (:owner, :title, :kind, :text)",
        owner=owner, title=title, kind=kind, text=text,
    )


def delete_document(number):
    _change("DELETE FROM shares WHERE document = :number", number=number)
    _change("DELETE FROM documents WHERE id = :number", number=number)


def share(number, reader):
    _change("INSERT INTO shares VALUES (:number, :reader)", number=number, reader=reader)


# --- Appointments -------------------------------------------------------------------------------


def appointments_of(number):
    return _rows("SELECT * FROM appointments WHERE person = :number ORDER BY id", number=number)


def appointment(number):
    return _first(_rows("SELECT * FROM appointments WHERE id = :number", number=number))


def add_appointment(number, day, reason):
    return _change(
        "INSERT INTO appointments (person, day, reason) VALUES (:number, :day, :reason)",
        number=number, day=day, reason=reason,
    )


# --- A new database -----------------------------------------------------------------------------


def _create(data):
    # A half-made database must not be taken for a whole one.
    partial = _place.with_suffix(f".{os.getpid()}")
    connection = sqlite3.connect(partial)
    with connection:
        connection.executescript(SCHEMA)
        for each in data["people"]:
            salt = os.urandom(16)
            connection.execute(
                "INSERT INTO people VALUES (?, ?, ?, ?, '', ?, ?)",
                (each["id"], each["email"], each["name"], each["role"], salt,
                 _hash(each["password"], salt)),
            )
        for table in ("guardians", "treats"):
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", data[table])
        connection.executemany(
            "INSERT INTO documents VALUES (:id, :owner, :title, :kind, :text)", data["documents"]
        )
    connection.close()
    partial.replace(_place)
