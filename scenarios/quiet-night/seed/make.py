"""Lays out the evidence of one quiet night: four logs beside a disk, drawn from the attempt."""

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

CASE = Path(sys.argv[1])
EVIDENCE = Path("/evidence")
HOME = Path("/home/trainee")
drawn = json.loads((CASE / "values.json").read_text())
seal = (CASE / "seal.txt").read_text().strip()
dice = random.Random(drawn["seed"])
midnight = datetime(2026, 1, drawn["day"], tzinfo=UTC)
clerks = ["amara", "joris", "selma", "tadeo"]
stolen, added, intruder = drawn["stolen"], drawn["added"], drawn["intruder"]
others = [name for name in clerks if name != stolen]


def at(minute, second=None):
    """Return the moment some minutes after midnight, by the world's clock."""
    second = dice.randrange(4, 56) if second is None else second
    return midnight + timedelta(minutes=minute, seconds=second)


EVENTS = {name: at(minute) for name, minute in drawn["events"].items()}
site = timedelta(hours=-drawn["site_hours"])


# --- logs of other machines -------------------------------------------------------------------


def mail_log():
    """The relay stands abroad and writes its own offset beside each time."""
    senders = ["news@weights.example", "roster@bridges.example", "no-reply@parcels.example"]
    lines = []
    for _ in range(46):
        when = at(dice.randrange(0, 640))
        lines.append(
            (
                when,
                f"from=<{dice.choice(senders)}> to=<{dice.choice(clerks)}@bridges.example>"
                f' subject="{dice.choice(["Roster", "Delivery", "Minutes", "Reading list"])}"',
            )
        )
    lines.append(
        (
            EVENTS["mail-arrived"],
            f"from=<desk@bridges-signin.example> to=<{stolen}@bridges."
            'example> subject="Your mailbox is full: sign in to keep your mail"',
        )
    )
    return "".join(
        f"{(when + timedelta(hours=1)):%d/%b/%Y:%H:%M:%S} +0100 relay accepted {text}\n"
        for when, text in sorted(lines)
    )


def proxy_log(size):
    """The proxy counts seconds since 1970 and says how much was sent."""
    sites = ["updates.example/list", "weather.example/today", "maps.example/tile", "news.example/"]
    lines = []
    for _ in range(150):
        host = dice.choice(["10.20.1.11", "10.20.1.12", "10.20.1.17", "10.20.0.20"])
        lines.append(
            (at(dice.randrange(0, 640)), host, "GET", "http://" + dice.choice(sites), 200, 212)
        )
    laptop = f"10.20.1.{11 + clerks.index(stolen)}"
    lure = "http://bridges-signin.example"
    given = EVENTS["password-given"]
    lines += [
        (given - timedelta(seconds=200), laptop, "GET", lure + "/keep", 200, 231),
        (given, laptop, "POST", lure + "/keep", 302, 418),
        (EVENTS["archive-sent"], "10.20.0.20", "PUT", "http://drop.example/in/a1", 201, size),
    ]
    for _ in range(3):
        big = at(dice.randrange(20, 240))
        lines.append((big, "10.20.0.20", "PUT", "http://copies.example/nightly", 201, 61440))
    head = "# seconds.thousandths  client  method  address  status  bytes-sent\n"
    return head + "".join(
        f"{when.timestamp():.0f}.{dice.randrange(1000):03d} {host} {method} {url} {status} {sent}\n"
        for when, host, method, url, status, sent in sorted(lines)
    )


def gateway_log():
    """The gateway writes what the clock in the hall shows, and no zone beside it."""
    lines = []
    for _ in range(70):
        who = dice.choice(["admin", "root", "guest", "test", *clerks])
        lines.append((at(dice.randrange(10, 630)), "refused", who, drawn["noisy"], "-"))
    for name in others[:2]:
        start = dice.randrange(20, 200)
        address = f"192.0.2.{dice.randrange(20, 200)}"
        lines.append((at(start), "sign-in", name, address, "tunnel 10.20.0.6"))
        lines.append((at(start + 45), "sign-out", name, address, "tunnel 10.20.0.6"))
    usual = f"192.0.2.{dice.randrange(201, 250)}"
    lines.append((at(30), "sign-in", stolen, usual, "tunnel 10.20.0.7"))
    lines.append((at(240), "sign-out", stolen, usual, "tunnel 10.20.0.7"))
    lines.append((EVENTS["gateway-entered"], "sign-in", stolen, intruder, "tunnel 10.20.0.5"))
    lines.append((EVENTS["gateway-left"], "sign-out", stolen, intruder, "tunnel 10.20.0.5"))
    head = "# Gateway north. Times as the clock in the hall shows them.\n"
    return head + "".join(
        f"{(when + site):%Y-%m-%d %H:%M:%S} | {what:8} | {who:6} | {address:15} | {tunnel}\n"
        for when, what, who, address, tunnel in sorted(lines)
    )


def door_log():
    """Nobody came in that night."""
    head = "# Front door. Times as the clock in the hall shows them.\n"
    rounds = "".join(
        f"{(at(60 * hour, 0) + site):%Y-%m-%d %H:%M:%S};guard;round;all doors shut\n"
        for hour in range(0, 11, 2)
    )
    return head + rounds


def printer_log():
    """Nobody printed either."""
    return "".join(f"{(at(60 * hour, 7) + site):%H:%M} idle, paper 80 %\n" for hour in range(11))


def leases():
    """Addresses of the clerks' laptops."""
    return "".join(f"10.20.1.{11 + n} laptop-{name}\n" for n, name in enumerate(clerks)) + (
        "10.20.0.20 atlas\n10.20.0.5 gateway tunnel\n10.20.0.6 gateway tunnel\n"
        "10.20.0.7 gateway tunnel\n"
    )


def shifted(text, name):
    """Return a log whose times somebody has set back by a little, line by line."""
    late = timedelta(minutes=drawn["shift"])
    lines = []
    for line in text.splitlines():
        if line.startswith("#"):
            pass
        elif name == "proxy.log":
            stamp, _, rest = line.partition(".")
            line = f"{int(stamp) - int(late.total_seconds())}.{rest}"
        elif name == "mail.log":
            when = datetime.strptime(line[:20], "%d/%b/%Y:%H:%M:%S") - late
            line = f"{when:%d/%b/%Y:%H:%M:%S}{line[20:]}"
        else:
            when = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S") - late
            line = f"{when:%Y-%m-%d %H:%M:%S}{line[19:]}"
        lines.append(line)
    return "\n".join(lines) + "\n"


# --- the disk of the records server ------------------------------------------------------------


def auth_log():
    """What the server wrote about who came in; by which clock is for the examiner to find out."""
    lines = []
    for hour in range(7):
        lines.append(
            (
                at(60 * hour + 17, 1),
                "CRON[%d]: session opened for user root" % dice.randrange(500, 900),
            )
        )
    for name in others:
        lines.append(
            (
                at(dice.randrange(5, 250)),
                f"sshd[{dice.randrange(400, 900)}]: Accepted publickey for {name} from 10.20.0.6 port {dice.randrange(40000, 60000)} ssh2",
            )
        )
    for _ in range(9):
        lines.append(
            (
                at(dice.randrange(5, 330)),
                f"sshd[{dice.randrange(400, 900)}]: Failed password for {dice.choice(others)} from 10.20.0.6 port {dice.randrange(40000, 60000)} ssh2",
            )
        )
    lines += [
        (
            at(dice.randrange(30, 250)),
            f"sudo:   {others[0]} : TTY=pts/1 ; PWD=/home/{others[0]} ; USER=root ; COMMAND=/usr/bin/systemctl status records",
        ),
        (
            EVENTS["server-entered"],
            f"sshd[1121]: Accepted password for {stolen} from 10.20.0.5 port 51544 ssh2",
        ),
        (
            EVENTS["became-root"],
            f"sudo:   {stolen} : TTY=pts/0 ; PWD=/home/{stolen} ; USER=root ; COMMAND=/bin/bash",
        ),
        (
            EVENTS["account-added"],
            f"useradd[1190]: new user: name={added}, UID=1207, GID=1207, home=/home/{added}, shell=/bin/bash",
        ),
    ]
    return syslog_text(line for line in lines if line[0] < EVENTS["logging-stopped"])


def system_log():
    """Ends where logging was stopped; the time daemon's words show the clock."""
    lines = [
        (
            at(60 * hour, 2),
            f"timed[233]: clock checked against 3 peers: {at(60 * hour, 2):%Y-%m-%dT%H:%M:%SZ}",
        )
        for hour in range(7)
    ]
    for _ in range(60):
        lines.append(
            (
                at(dice.randrange(1, 390)),
                dice.choice(
                    [
                        "records[301]: index refreshed",
                        "kernel: eth0: link up",
                        "records[301]: 0 requests in queue",
                    ]
                ),
            )
        )
    lines.append((EVENTS["logging-stopped"], "rsyslogd: exiting on signal 15"))
    return syslog_text(line for line in lines if line[0] <= EVENTS["logging-stopped"])


def syslog_text(lines):
    return "".join(f"{when:%b %d %H:%M:%S} atlas {text}\n" for when, text in sorted(lines))


def packed(files):
    """Return a compressed archive of named texts."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(text.encode()), int(EVENTS["archive-packed"].timestamp())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


def bridge(number):
    return (
        f"Bridge {number}\nspan {dice.randrange(12, 240)} m, built {dice.randrange(1921, 2019)}, "
        f"load class {dice.choice('ABCD')}, next inspection 2026-{dice.randrange(2, 13):02d}\n"
    )


def disk(loot):
    """Return the files of the disk, each with its time, and what was deleted at which moment."""
    day, old = timedelta(days=1), midnight - timedelta(days=200)
    accounts = (
        "root:x:0:0:root:/root:/bin/bash\nsvc-records:x:990:990::/srv/records:/usr/sbin/nologin\n"
    )
    accounts += "".join(
        f"{name}:x:{1200 + n}:{1200 + n}::/home/{name}:/bin/bash\n" for n, name in enumerate(clerks)
    )
    accounts += f"{added}:x:1207:1207::/home/{added}:/bin/bash\n"
    key = "ssh-ed25519 " + hashlib.sha256(drawn["seed"].encode()).hexdigest() + f" {added}\n"
    files = {
        "etc/hostname": ("atlas\n", old),
        "etc/timezone": (drawn["decoy_zone"] + "\n", old - 90 * day),
        "etc/passwd": (accounts, EVENTS["account-added"]),
        "etc/cron.d/nightly": (
            "# copy of the records, at half past nothing by the log's clock\n30 0 * * * root /usr/local/sbin/copy-records\n",
            old,
        ),
        "etc/systemd/system/rsyslog.service.d/clock.conf": ("[Service]\nEnvironment=TZ=UTC\n", old),
        "var/log/auth.log": (auth_log(), EVENTS["account-added"]),
        "var/log/syslog": (system_log(), EVENTS["logging-stopped"]),
        f"home/{added}/.ssh/authorized_keys": (key, EVENTS["key-placed"]),
        f"home/{others[0]}/.ssh/authorized_keys": (
            key.replace(added, others[0])[::-1] + "\n",
            midnight - 40 * day,
        ),
        f"home/{stolen}/notes.txt": ("Saturday: nothing to do. Good.\n", midnight - 3 * day),
    }
    for number in dice.sample(range(100, 999), 24):
        files[f"srv/records/bridge-{number}.txt"] = (
            bridge(number),
            midnight - dice.randrange(4, 400) * day,
        )
    old_seal = (
        "FLAG{" + "".join(dice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(52)) + "}"
    )
    older = packed(
        {"seal.txt": f"Seal of an exercise last spring: {old_seal}\n", "bridge-17.txt": bridge(17)}
    )
    deleted = {
        "var/tmp/spring.tgz": (older, midnight - 260 * day, midnight - 258 * day),
        "var/tmp/.cache/r.tgz": (loot, EVENTS["archive-packed"], EVENTS["archive-deleted"]),
    }
    return files, deleted


def image(path, loot):
    """Write the disk as a file system image, then delete in it what was deleted that night."""
    files, deleted = disk(loot)
    tree = CASE / "tree"
    for name, (content, when, *_) in {**files, **deleted}.items():
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(place, (when.timestamp(), when.timestamp()))
    born = int((midnight - timedelta(days=300)).timestamp())
    environment = {**os.environ, "E2FSPROGS_FAKE_TIME": str(born)}
    subprocess.run(
        [
            "mkfs.ext2",
            "-q",
            "-I",
            "128",
            "-N",
            "256",
            "-L",
            "atlas-data",
            "-d",
            tree,
            path,
            "4M",
        ],
        check=True,
        env=environment,
    )
    moments = {name: when for name, (_, when, *_) in {**files, **deleted}.items()}
    quiet = midnight - timedelta(days=200)
    folders = {
        str(parent) for name in moments for parent in Path(name).parents if str(parent) != "."
    }
    moments |= dict.fromkeys(folders, quiet)
    moments |= {
        ".": quiet,
        "lost+found": quiet,
        f"home/{added}": EVENTS["account-added"],
        f"home/{added}/.ssh": EVENTS["key-placed"],
        "var/tmp/.cache": EVENTS["archive-deleted"],
        "var/tmp": EVENTS["archive-packed"],
    }
    lines = []
    for name, when in moments.items():
        for field in ("atime", "ctime", "mtime"):
            lines.append(f"set_inode_field /{name} {field} @{int(when.timestamp())}")
    for name, (_, _, gone) in deleted.items():
        lines += [f"set_current_time @{int(gone.timestamp())}", f"rm /{name}"]
    commands = CASE / "commands"
    commands.write_text("\n".join(lines) + "\n")
    subprocess.run(
        ["debugfs", "-w", "-f", commands, path], check=True, capture_output=True, env=environment
    )


# --- everything together ----------------------------------------------------------------------


def main():
    records = {f"records/bridge-{n}.txt": bridge(n) for n in dice.sample(range(100, 999), 20)}
    loot = packed({"records/seal.txt": f"Seal of the register: {seal}\n", **records})
    logs = {
        "mail.log": mail_log(),
        "proxy.log": proxy_log(len(loot)),
        "gateway.log": gateway_log(),
        "door.log": door_log(),
        "printer.log": printer_log(),
        "leases.txt": leases(),
    }
    copies = EVIDENCE / "copies"
    copies.mkdir(parents=True)
    with tarfile.open(EVIDENCE / "originals.tar", "w") as archive:
        for name, text in logs.items():
            entry = tarfile.TarInfo(f"originals/{name}")
            entry.size, entry.mtime = len(text), int(midnight.timestamp()) + 86_400
            archive.addfile(entry, io.BytesIO(text.encode()))
    image(EVIDENCE / "disk.img", loot)
    sums = {
        f"copies/{name}": hashlib.sha256(text.encode()).hexdigest() for name, text in logs.items()
    }
    for name in ("disk.img", "originals.tar"):
        sums[name] = hashlib.sha256((EVIDENCE / name).read_bytes()).hexdigest()
    (EVIDENCE / "custody.sha256").write_text(
        "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    )
    for name, text in logs.items():
        (copies / name).write_text(shifted(text, name) if name == drawn["altered"] else text)
    sheet = HOME / "timeline.csv"
    sheet.write_text("time (UTC),event\n" + "".join(f"?,{name}\n" for name in sorted(EVENTS)))
    os.chown(sheet, 1000, 1000)
    monday = (midnight + timedelta(days=1, hours=15)).timestamp()
    for place in (EVIDENCE, *EVIDENCE.rglob("*")):
        os.utime(place, (monday, monday))
    shutil.rmtree(CASE)


main()
