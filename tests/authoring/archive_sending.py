"""Sends one hostile archive, or all, to a process of its own, and tells what it took.

As a program with an archive and a folder it imports the archive with 100 MB of address space more
than it had before, and prints what came of it, the processor time it took and the memory. With
`--all` it sends every archive and prints a table of these figures:

    env PYTHONPATH=. .venv/bin/python tests/authoring/archive_sending.py --all
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.authoring.hostile_archives import ATTACKS, CLONE

ROOM_BYTES = 100 << 20


def address_space():
    """Return the bytes of address space this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def resident(name):
    """Return the bytes of memory this process has, or had at most, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def main(archive, root):
    """Import an archive into a folder; tell what came of it."""
    from range.authoring.archives import import_scenario
    from range.lib.errors import RangeError

    limit = address_space() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # From here on the kernel looks for the most anew.
    Path("/proc/self/clear_refs").write_text("5")
    before, began = resident("VmRSS"), time.process_time()
    try:
        with Path(archive).open("rb") as source:
            import_scenario(source, Path(root), allow_builds=True)
        told = "imported"
    except RangeError as error:
        told = error.message
    seconds = time.process_time() - began
    grown = max(0, resident("VmHWM") - before)
    print(json.dumps({"told": told[:2000], "seconds": seconds, "bytes": grown}))


def sent(archive, root):
    """Have an archive imported by a process of its own; return what that printed.

    Raises:
        RuntimeError: It ended otherwise than by its own word.
    """
    done = subprocess.run(
        [sys.executable, __file__, str(archive), str(root)],
        cwd=CLONE,
        env=os.environ | {"PYTHONPATH": str(CLONE)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def table():
    """Send every archive; print what each took, and the most of all."""
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for name, (make, answer) in ATTACKS.items():
            archive = Path(room) / "archive"
            archive.write_bytes(make())
            found = sent(archive, Path(room) / name)
            assert answer in found["told"], (name, found["told"])
            rows.append((name, found["seconds"], found["bytes"] / 1e6))
            print(f"{name:<28}{rows[-1][1]:>8.2f} s{rows[-1][2]:>8.1f} MB", flush=True)
    seconds, most = max(row[1] for row in rows), max(row[2] for row in rows)
    print(f"{len(rows)} refused; the most: {seconds:.2f} s, {most:.1f} MB")


if __name__ == "__main__":
    table() if sys.argv[1:] == ["--all"] else main(*sys.argv[1:])
