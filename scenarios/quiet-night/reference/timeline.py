"""Puts the events of the night in order, from the evidence alone."""

import argparse
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

options = argparse.ArgumentParser()
options.add_argument("--logs", type=Path, default=Path("originals"))
options.add_argument("--disk-zone", default="UTC", help="zone of the logs on the disk, or 'found'")
options.add_argument("--site-zone", default="", help="zone of the clock in the hall")
options.add_argument("--ignore-offset", action="store_true")
chosen = options.parse_args()
IMAGE = "/evidence/disk.img"


def kit(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="replace")


listing = dict(
    reversed(line.split(":", 1)) for line in kit("fls", "-rp", IMAGE).splitlines() if ":" in line
)
number = {path.strip(): place.split()[-1] for path, place in listing.items()}
text = {
    path: kit("icat", IMAGE, number[path])
    for path in number
    if path.startswith(("var/log/", "etc/time"))
}
readme = Path("/evidence/README.txt").read_text()
site = ZoneInfo(chosen.site_zone or re.search(r"America/\w+", readme)[0])
found = text["etc/timezone"].strip()
disk = ZoneInfo(found if chosen.disk_zone == "found" else chosen.disk_zone)
mail, proxy, gateway = (
    (chosen.logs / f"{name}.log").read_text().splitlines() for name in ("mail", "proxy", "gateway")
)


def first(lines, pattern):
    return next(line for line in lines if re.search(pattern, line))


def on_disk(log, pattern):
    line = first(text[log].splitlines(), pattern)
    return datetime.strptime("2026 " + line[:15], "%Y %b %d %H:%M:%S").replace(tzinfo=disk)


def in_hall(line):
    return datetime.fromisoformat(line[:19]).replace(tzinfo=site)


def counted(line):
    return datetime.fromtimestamp(float(line.split()[0]), UTC)


def inode(path, row):
    shown = kit("istat", "-z", "UTC", IMAGE, number[path])
    return datetime.fromisoformat(re.search(row + r":\s+(\S+ \S+)", shown)[1]).replace(tzinfo=UTC)


entered = first(text["var/log/auth.log"].splitlines(), "Accepted password")
stolen, tunnel = re.search(r"for (\w+) from (\S+)", entered).groups()
added = re.search(r"new user: name=([\w-]+)", text["var/log/auth.log"])[1]
archive = "var/tmp/.cache/r.tgz"
size = re.search(r"size: (\d+)", kit("istat", IMAGE, number[archive]))[1]
session = [line for line in gateway if line.endswith(tunnel)]
lured = first(mail, "bridges-signin")
stamp = datetime.strptime(lured[:26], "%d/%b/%Y:%H:%M:%S %z")
events = {
    "mail-arrived": stamp.replace(tzinfo=UTC) if chosen.ignore_offset else stamp,
    "password-given": counted(first(proxy, "POST http://bridges-signin")),
    "gateway-entered": in_hall(session[0]),
    "server-entered": on_disk("var/log/auth.log", "Accepted password"),
    "became-root": on_disk("var/log/auth.log", f"sudo: +{stolen} .*COMMAND=/bin/bash"),
    "account-added": on_disk("var/log/auth.log", "new user"),
    "key-placed": inode(f"home/{added}/.ssh/authorized_keys", "File Modified"),
    "logging-stopped": on_disk("var/log/syslog", "exiting on signal"),
    "archive-packed": inode(archive, "File Modified"),
    "archive-sent": counted(first(proxy, f" {size}$")),
    "archive-deleted": inode(archive, "Deleted"),
    "gateway-left": in_hall(session[1]),
}
rows = sorted((when.astimezone(UTC), name) for name, when in events.items())
Path("timeline.csv").write_text(
    "time (UTC),event\n" + "".join(f"{when:%Y-%m-%dT%H:%MZ},{name}\n" for when, name in rows)
)
