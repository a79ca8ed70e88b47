"""What a conformance suite needs beside the driver itself: topologies, and things to happen."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from range.runtime.driver import HttpReply
from range.runtime.fake import FakeDriver
from range.runtime.options import DriverOptions
from range.runtime.topology import Console, Machine, Network, SeedFile, Topology

IMAGE = "range/base:bookworm"


def soon(seconds=60):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def topology(**changes):
    """Two machines on two networks; only `desk` has a console."""
    desk = Machine(
        name="desk",
        image=changes.pop("image", IMAGE),
        networks=("lan",),
        console=Console(user="nobody"),
        files=(
            SeedFile(path="/opt/case/brief.txt", data=b"seeded", mode=0o640, uid=65534, gid=65534),
            SeedFile(path="/tmp/note", data=b"in memory", mode=0o600),
        ),
        setup=(("touch", "/opt/setup-ran"),),
    )
    store = Machine(name="store", image=IMAGE, networks=("lan", "vault"), aliases=("files",))
    return Topology(
        machines=(desk, store), networks=(Network(name="lan"), Network(name="vault")), **changes
    )


def single(**changes):
    """One machine on one network."""
    values = {"name": "desk", "image": IMAGE, "networks": ("lan",)} | changes
    console = Console(user="nobody")
    return Topology(machines=(Machine(console=console, **values),), networks=(Network(name="lan"),))


class FakeRig:
    """Makes things happen in the in-memory driver."""

    def __init__(self):
        self.driver = FakeDriver(DriverOptions(installation="contract"))
        self.driver.missing_images.add("range/none:missing")
        self.other = FakeDriver(DriverOptions(installation="other"))

    def serve(self, handle, machine, port):
        answer = HttpReply(status=200, headers=(("X-Served-By", machine),), body=b"served")
        self.driver.machine(handle, machine).web[port] = lambda request: answer

    def exit_machine(self, handle, machine):
        self.driver.exit_machine(handle, machine, exit_code=0)

    def setup_ran(self, handle, machine):
        return bool(self.driver.machine(handle, machine).setup_run)

    def close(self):
        self.driver.sandboxes.clear()


class DockerRig:
    """Makes things happen in real containers."""

    def __init__(self):
        from range.runtime.docker_engine import DockerDriver

        name = f"contract-{uuid4().hex[:8]}"
        self.driver = DockerDriver(DriverOptions(installation=name))
        self.other = DockerDriver(DriverOptions(installation=f"{name}-other"))

    def serve(self, handle, machine, port):
        script = f"mkdir -p /srv/www && echo -n served > /srv/www/index.html && cd /srv/www && \
            setsid python3 -m http.server {port} >/dev/null 2>&1 </dev/null &"
        assert self.driver.exec(handle, machine, ["sh", "-c", script]).exit_code == 0
        listening = ["sh", "-c", f"nc -z 127.0.0.1 {port}"]
        for _ in range(100):
            if self.driver.exec(handle, machine, listening).exit_code == 0:
                return
            time.sleep(0.05)
        raise AssertionError("the test's web server did not start")

    def exit_machine(self, handle, machine):
        with self.driver.engine.client() as client:
            client.kill(handle.machines[machine].container_id)
            client.wait(handle.machines[machine].container_id)

    def setup_ran(self, handle, machine):
        return self.driver.stat(handle, machine, "/opt/setup-ran") is not None

    def close(self):
        for driver in (self.driver, self.other):
            for handle in list(driver.running()):
                driver.stop(handle)
            driver.engine.close()
