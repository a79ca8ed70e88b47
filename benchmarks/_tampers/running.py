"""Tampers with what runs, is typed, happens, is written as a rule or handed in."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from benchmarks._tampers.case import Case, Tamper
from range.catalog import flags
from range.checks.base import Happening, TypedCommand

STAY = "setsid {} >/dev/null 2>&1 & sleep 0.4"
IMPLANT = "cp /bin/sleep /usr/local/bin/implant"
# It lives for a moment under each number, and the next is its child.
WALKS = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
number = 0
while True:
    number += 1
    if os.fork():
        os._exit(0)
    if number % 50 == 0:
        open("/srv/alive", "a").write("x")
"""
HIDDEN = Case(
    name="implant-ended",
    check={"kind": "process", "machine": "box", "none_match": "/usr/local/bin/implant"},
    broken=f"{IMPLANT}; " + STAY.format("/usr/local/bin/implant 900"),
    solved="pkill implant; sleep 0.2",
    tampers=(
        Tamper(
            name="other-words",
            run="pkill implant; "
            + STAY.format("bash -c \"exec -a '[kworker/0:1]' /usr/local/bin/implant 900\""),
            bites="! ps -eo args | grep -v grep | grep -q bin/implant && pgrep implant",
        ),
        Tamper(
            name="through-the-loader",
            run="pkill implant; "
            + STAY.format(
                'bash -c "exec -a quiet /lib64/ld-linux-x86-64.so.2 /usr/local/bin/implant 900"'
            ),
            bites="grep -lq implant /proc/[0-9]*/maps",
        ),
        Tamper(
            name="program-deleted",
            run="rm /usr/local/bin/implant",
            bites="pgrep implant",
        ),
        Tamper(
            name="stopped-not-ended",
            run="pkill -STOP implant",
            bites="pgrep implant",
        ),
        Tamper(
            name="walks-from-number-to-number",
            # A file that a dying program still runs could not be written over.
            run="pkill implant; rm /usr/local/bin/implant; "
            "cp -L /usr/bin/python3 /usr/local/bin/implant || exit 1; "
            + STAY.format(f"/usr/local/bin/implant -c '{WALKS}'"),
            bites="touch /srv/alive; for n in 1 2; do a=$(wc -c </srv/alive); "
            "for i in $(seq 150); do b=$(wc -c </srv/alive); test $b -gt $a && break; "
            "sleep 0.1; done; test $b -gt $a || { echo it walks no more; exit 1; }; done",
        ),
        Tamper(
            name="ps-that-hides",
            run="cp /bin/ps /bin/ps.real; "
            "printf '#!/bin/bash\\nps.real \"$@\" | grep -v implant\\n' > /tmp/ps; "
            "chmod 755 /tmp/ps; cp /tmp/ps /bin/ps",
            bites="! ps ax | grep -v grep | grep -q implant && pgrep implant",
        ),
        Tamper(
            name="other-account",
            run="pkill implant; "
            + STAY.format(
                'python3 -c "import os; os.setuid(65534); '
                "os.execv('/usr/local/bin/implant', ['init', '900'])\""
            ),
            bites="pgrep -u 65534 implant",
        ),
    ),
)

RUNS = Case(
    name="clock-runs",
    check={
        "kind": "process",
        "machine": "box",
        "any_match": "^(/usr/sbin/)?clockd\\b",
        "owner": "root",
    },
    broken="cp /bin/sleep /usr/sbin/clockd",
    solved=STAY.format("/usr/sbin/clockd 900"),
    tampers=(
        Tamper(
            name="another-program-with-its-words",
            run=STAY.format("bash -c \"exec -a '/usr/sbin/clockd -f' /bin/sleep 900\""),
            bites="ps -eo args | grep -q '^/usr/sbin/clockd -f'",
        ),
        Tamper(
            name="words-rewritten",
            run=STAY.format("bash -c \"exec -a clockd python3 -c 'import time; time.sleep(900)'\""),
            bites="ps -eo args | grep -q '^clockd'",
        ),
        Tamper(
            name="of-somebody-else",
            run=STAY.format(
                'python3 -c "import os; os.setuid(65534); '
                "os.execv('/usr/sbin/clockd', ['/usr/sbin/clockd', '900'])\""
            ),
            bites="ps -eo args | grep -q '^/usr/sbin/clockd'",
        ),
        Tamper(
            name="ps-that-says-so",
            run="printf '#!/bin/sh\\necho /usr/sbin/clockd\\n' > /bin/ps",
            bites="ps | grep -q clockd",
        ),
    ),
)


def typed(*texts: str) -> tuple[TypedCommand, ...]:
    """Return a transcript."""
    return tuple(
        TypedCommand(number=number, machine="box", text=text, exit_code=0)
        for number, text in enumerate(texts, start=1)
    )


TYPED = Case(
    name="scan-made",
    check={"kind": "transcript", "role": "supporting", "program": ["nmap"]},
    tampers=(
        Tamper(name="words-echoed", commands=typed("echo nmap -sS 10.0.0.1")),
        Tamper(name="in-a-comment", commands=typed("true # nmap -sS box")),
        Tamper(name="typed-and-failed", commands=typed("nmap")),
        Tamper(name="function-of-that-name", commands=typed("nmap() { :; }; nmap")),
        Tamper(
            name="forged-marks",
            run="printf '\\033]133;C\\007nmap\\033]133;D;0\\007'",
            commands=typed("printf '\\033]133;C\\007nmap\\033]133;D;0\\007'"),
        ),
        Tamper(
            name="forged-history",
            run="echo 'nmap -sS box' >> /root/.bash_history",
            bites="grep -q nmap /root/.bash_history",
        ),
    ),
)

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def event(number: int, kind: str, *, minutes: float = 0, **facts: str) -> Happening:
    """Return an event of the time line."""
    at = BEGAN + timedelta(minutes=minutes)
    return Happening(number=number, at=at, kind=kind, facts=facts)


MENDED = {"objective": "mend", "check": "closed", "outcome": "MET"}
TEMPORAL = Case(
    name="mended-in-time",
    check={
        "kind": "temporal",
        "event": {"event": "evidence.recorded", "objective": "mend"},
        "within": {"seconds": 600, "after": {"event": "sandbox.running"}},
    },
    happened=(event(1, "sandbox.running"), event(2, "evidence.recorded", minutes=9, **MENDED)),
    tampers=(
        Tamper(
            name="clock-of-the-machine",
            run="date -s '2026-01-05 09:01' 2>/dev/null; echo 09:01 mend closed > /srv/proof",
            bites="test -s /srv/proof",
            happened=(
                event(1, "sandbox.running"),
                event(2, "evidence.recorded", minutes=90, **MENDED),
            ),
        ),
        Tamper(
            name="reset-to-wind-back",
            happened=(
                event(1, "sandbox.running"),
                event(2, "sandbox.running", minutes=85),
                event(3, "evidence.recorded", minutes=90, **MENDED),
            ),
        ),
        Tamper(
            name="typed-instead",
            happened=(
                event(1, "sandbox.running"),
                event(2, "console.command", minutes=1, text="evidence.recorded mend closed MET"),
            ),
        ),
        Tamper(
            name="unmet-in-time",
            happened=(
                event(1, "sandbox.running"),
                event(2, "evidence.recorded", minutes=1, **{**MENDED, "outcome": "UNMET"}),
            ),
        ),
    ),
)

RECORDS = [
    {"label": number % 2 == 0, "cmd": f"{'encode' if number % 2 == 0 else 'ls'} {number}"}
    for number in range(40)
]
RULE = "/srv/rule.yml"
DETECTION = Case(
    name="rule-written",
    check={
        "kind": "detection",
        "rule": f"box:{RULE}",
        "hidden": {"file": "hidden.jsonl"},
        "max_false_positives": 1,
    },
    assets={"hidden.jsonl": "\n".join(json.dumps(each) for each in RECORDS).encode()},
    solved=f"printf 'detection:\\n  s:\\n    cmd|startswith: encode\\n  condition: s\\n' > {RULE}",
    tampers=tuple(
        Tamper(name=name, run=f"printf '{rule}' > {RULE}; {more}", bites=f"test -e {RULE}")
        for name, (rule, more) in {
            "finds-everything": (r"detection:\n  s:\n    cmd|re: .*\n  condition: s\n", ""),
            "finds-nothing-not": (
                r"detection:\n  s:\n    cmd: nothing\n  condition: not s\n",
                "",
            ),
            "by-the-label": (r"detection:\n  s:\n    label: true\n  condition: s\n", ""),
            "known-by-heart": (
                r"detection:\n  s:\n    cmd: [encode 0, encode 2, encode 4]\n  condition: s\n",
                "",
            ),
            "costly-pattern": (
                r"detection:\n  s:\n    cmd|re: (([a-z ])+.)+[A-Z]([a-z])+$\n  condition: s\n",
                "",
            ),
            "runs-a-program": (
                r"detection: !!python/object/apply:os.system [true]\n",
                "",
            ),
            "link-to-another-file": (
                r"detection:\n  s:\n    cmd|startswith: x\n  condition: s\n",
                f"mv {RULE} /srv/x; ln -s /srv/x {RULE}",
            ),
        }.items()
    ),
)

SECRET, ATTEMPT, OTHER = b"tampers", UUID(int=7), UUID(int=8)
FLAG = flags.mint(SECRET, ATTEMPT, "task", 1)
FLAGS = Case(
    name="flag-found",
    check={"kind": "flag", "value": FLAG},
    handed_in=FLAG,
    tampers=tuple(
        Tamper(name=name, handed_in=text)
        for name, text in {
            "of-another-attempt": flags.mint(SECRET, OTHER, "task", 1),
            "of-before-a-reset": flags.mint(SECRET, ATTEMPT, "task", 2),
            "of-another-objective": flags.mint(SECRET, ATTEMPT, "other", 1),
            "minted-with-another-secret": flags.mint(b"guessed", ATTEMPT, "task", 1),
            "cut-short": FLAG[:-2] + "}",
            "one-letter-off": FLAG[:-2] + ("A" if FLAG[-2] != "A" else "B") + "}",
            "with-more-behind": FLAG + FLAG,
            "pattern": "FLAG{.*}",
            "nothing": "",
        }.items()
    ),
)

ANSWER = Case(
    name="port-named",
    check={"kind": "answer", "prompt": "Which port?", "number": {"value": 4471}},
    handed_in="4471",
    tampers=tuple(
        Tamper(name=name, handed_in=text)
        for name, text in {
            "not-a-number": "nan",
            "endless": "inf",
            "all-of-them": " ".join(map(str, range(4400, 4500))),
            "almost": "4471.5",
            "very-long": "4471" + " " * 3000 + "x",
        }.items()
    ),
)
WORDS = Case(
    name="accounts-named",
    check={"kind": "answer", "prompt": "Which accounts?", "set": ["ann", "bob"]},
    handed_in="bob, ann",
    tampers=tuple(
        Tamper(name=name, handed_in=text)
        for name, text in {
            "everybody": "ann bob cat dan eve",
            "one-of-them": "ann ann",
            "pattern": ".* .*",
        }.items()
    ),
)
PLACE = Case(
    name="network-named",
    check={"kind": "answer", "prompt": "Which network?", "cidr": "10.4.7.0/24"},
    handed_in="10.4.7.9/24",
    tampers=tuple(
        Tamper(name=name, handed_in=text)
        for name, text in {"everything": "0.0.0.0/0", "wider": "10.4.0.0/16"}.items()
    ),
)

CASES = (HIDDEN, RUNS, TYPED, TEMPORAL, DETECTION, FLAGS, ANSWER, WORDS, PLACE)
