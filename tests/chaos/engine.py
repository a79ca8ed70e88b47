"""A second container engine that a test may kill: its own images, networks and packet filter.

It lives in a network namespace of its own, so that its rules never meet those of the machine's
engine, and talks to a containerd of its own. Root is needed.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from range.lib.privileges import Confinement
from range.runtime.driver import EngineDown, EngineError
from range.runtime.engine_client import Engine
from range.runtime.images import load_bundle, save_bundle

BASE = Path(__file__).resolve().parents[2]
NETWORK = "ip link set lo up && echo ready && exec cat"
READY_WITHIN_SECONDS = 60


class OwnEngine:
    """One dockerd with `--live-restore`, and the containerd behind it.

    Args:
        folder: Holds everything it writes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self.client = Engine(self.url)
        self._address = folder / "containerd.sock"
        # The network lasts as long as this child, and the child as long as its input is open.
        self._network = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", NETWORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._network.stdout.readline() == b"ready\n"
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    def inside(self, argv: Sequence[str]) -> list[str]:
        """Return a program's argv to run it in the engine's network."""
        return ["nsenter", f"--net=/proc/{self._network.pid}/ns/net", "--", *argv]

    def give(self, tags: Sequence[str]) -> None:
        """Carry images over from the machine's own engine."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            bundle = Path(place) / "images.tar"
            save_bundle(tags, bundle)
            load_bundle(bundle, engine=self.client)

    def start(self) -> None:
        """Start it, or start it again, and return once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        settings = self.folder / "settings.json"
        settings.write_text("{}\n")
        # A file that a killed engine left could name a process of somebody else's by now.
        (self.folder / "docker.pid").unlink(missing_ok=True)
        self._run(
            "containerd",
            *("--config", os.devnull, "--address", self._address),
            *("--root", self.folder / "containerd", "--state", self.folder / "containerd-state"),
        )
        _until(self._address.exists, "containerd")
        self._run(
            "dockerd",
            *("--config-file", settings, "--containerd", self._address, "--live-restore"),
            *("--data-root", self.folder / "data", "--exec-root", self.folder / "exec"),
            *("--pidfile", self.folder / "docker.pid", "--host", self.url, "--bridge", "none"),
        )
        _until(self.answers, "the engine")

    def answers(self) -> bool:
        """Tell whether it serves."""
        try:
            with self.client.client() as client:
                return bool(client.ping())
        except (EngineDown, EngineError):
            return False

    def kill(self) -> None:
        """Kill it as a crash would: what watches over each container goes on."""
        # In this order nobody is left to be told that containerd went first.
        for name in ("dockerd", "containerd"):
            self._programs[name].kill()
            self._programs[name].wait()
        self._address.unlink(missing_ok=True)

    def strays(self) -> set[str]:
        """Return what the host holds for containers and networks the engine does not know."""
        with self.client.client() as client:
            containers = client.containers(all=True)
            options = [found["Options"] or {} for found in client.networks()]
        known = {found["Id"] for found in containers}
        bridges = {option.get("com.docker.network.bridge.name") for option in options}
        volumes = {mount.get("Name") for found in containers for mount in found["Mounts"]}
        return (self.watched() - known) | (self._bridges() - bridges) | (self._mounted() - volumes)

    def watched(self) -> set[str]:
        """Return the containers that a process of this engine's watches over."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = entry.read_bytes().decode(errors="replace").split("\0")
                if "shim" in words[0] and str(self._address) in words:
                    found.add(words[words.index("-id") + 1])
        return found

    def _mounted(self) -> set[str]:
        """Return the volumes that hold memory of the host's."""
        places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        volumes = self.folder / "data" / "volumes"
        return {Path(place).parent.name for place in places if Path(place).is_relative_to(volumes)}

    def _bridges(self) -> set[str]:
        command = self.inside(["ip", "-json", "link", "show", "type", "bridge"])
        told = subprocess.run(command, capture_output=True, check=True)
        return {link["ifname"] for link in json.loads(told.stdout)}

    def stop(self) -> None:
        """End it with everything it runs."""
        if self._programs:
            if self.answers():
                with self.client.client() as client:
                    for found in client.containers(all=True):
                        client.remove_container(found["Id"], force=True, v=True)
            for name in ("dockerd", "containerd"):
                self._programs[name].send_signal(signal.SIGTERM)
                self._programs[name].wait(READY_WITHIN_SECONDS)
        self.client.close()
        self._network.communicate()
        self._network.wait()
        # An engine that was killed once forgets to take back the mount it made of its folder.
        subprocess.run(
            ["umount", "--lazy", str(self.folder / "data")], capture_output=True, check=False
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: object) -> None:
        argv = self.inside([name, *map(str, arguments)])
        with (self.folder / f"{name}.log").open("ab") as log:
            self._programs[name] = subprocess.Popen(
                # It dies with the test, however that ends.
                Confinement(parent_signal=signal.SIGKILL).wrap(argv),
                cwd=BASE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _until(condition, what: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come back"
        time.sleep(0.05)
