"""Fills the terminal's database and gives its operator an account, then forgets how."""

import crypt
import json
import os
import random
import sqlite3
import string
import subprocess
from pathlib import Path

SOURCE = Path("/srv/teller/contents.json")
PLACE = Path("/var/lib/teller/teller.db")
contents = json.loads(SOURCE.read_text())
SOURCE.unlink()


def digest(password):
    """Return the digest as the bank stores it: salted, and far too quick to compute."""
    salt = "".join(random.choices(string.ascii_letters + string.digits, k=8))
    return crypt.crypt(password, f"$1${salt}")


staff = contents["staff"]
rows = [(login, digest(password), remark) for login, password, remark in staff["rows"]]
PLACE.parent.mkdir(parents=True, exist_ok=True)
with sqlite3.connect(PLACE) as database:
    database.execute("CREATE TABLE customers (number, name, branch, opened, adviser)")
    database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", contents["customers"])
    database.execute(f"CREATE TABLE {staff['table']} ({staff['login']}, {staff['digest']}, remark)")
    database.executemany(f"INSERT INTO {staff['table']} VALUES (?, ?, ?)", rows)
os.chown(PLACE.parent, 1500, 1500)
os.chown(PLACE, 1500, 1500)

subprocess.run(["usermod", "--login", contents["operator"], "runner"], check=True)
digests = {login: stored for login, stored, _ in rows}
line = f"{contents['operator']}:{digests[contents['operator']]}\n"
subprocess.run(["chpasswd", "--encrypted"], input=line, text=True, check=True)
