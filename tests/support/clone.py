"""A fresh clone of what is committed, and the README's command run in it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from range.lib.state import default_state_dir
from range.runtime.docker_engine import DockerDriver
from range.runtime.options import DriverOptions

HERE = Path(__file__).resolve().parents[2]


class Clone:
    """A folder as a stranger has it, which borrows the environment that this test runs in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", str(HERE), str(folder)], check=True)
        (folder / ".venv").symlink_to(Path(sys.prefix))
        (folder / "static" / "vendor").symlink_to(HERE / "static" / "vendor")
        stamps = folder / "var" / "stamps"
        stamps.mkdir(parents=True)
        (stamps / "environment-base").write_text(_digest(folder / "requirements" / "base.txt"))
        vendor = _digest(folder / "package-lock.json", folder / "bin" / "vendor")
        (stamps / "vendor").write_text(vendor)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run bin/up to its end."""
        return subprocess.run(
            ["sh", "bin/up", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def begin(self, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
        """Start bin/up in the foreground, and return it with its lines once it has begun."""
        started = subprocess.Popen(
            ["sh", "bin/up", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        seen = []
        for line in started.stdout:
            seen.append(line)
            if "Ctrl-C" in line:
                break
        return started, seen

    def accounts(self) -> list[dict[str, str]]:
        """Return the demo accounts as they lie in the clone."""
        return json.loads((self.folder / "var" / "demo-accounts.json").read_text())

    def log(self, role: str) -> str:
        """Return what a role has written so far."""
        return (self.folder / "var" / "log" / f"{role}.log").read_text(errors="replace")

    def roles(self) -> dict[int, str]:
        """Return the command of every process that the supervisor holds, by its number."""
        pid = int((self.folder / "var" / "supervisor.pid").read_text())
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child): _command(child) for child in children}

    def remove(self) -> None:
        """End what still runs and remove what it kept outside of the clone."""
        self.up("--stop")
        state = default_state_dir(self.folder)
        # Sandboxes outlive their range; those of a clone that goes belong to nobody.
        installation = hashlib.sha256(str(state).encode()).hexdigest()[:12]
        driver = DockerDriver(DriverOptions(installation=installation))
        for handle in list(driver.running()):
            driver.stop(handle)
        subprocess.run(["rm", "-rf", str(state)], check=True)


def clean_environment() -> dict[str, str]:
    """The environment of a person's terminal, without what this test run has set."""
    ours = ("RANGE_", "TUTOR_", "DJANGO_", "DATABASE_URL", "COV_", "COVERAGE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _command(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _digest(*files: Path) -> str:
    content = b"".join(file.read_bytes() for file in files)
    done = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True)
    return done.stdout.split()[0].decode() + "\n"
