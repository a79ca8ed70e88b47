"""A whole range with an engine and a database of its own, so that these can be killed, too."""

import subprocess
import time
from pathlib import Path

from range.authoring.images import build_images
from range.catalog.reader import read_scenario
from range.lib.embedded_postgres import PostgresError, cluster
from range.runtime.images import BASE_IMAGE, base_tag
from tests.browser.site import BASE, Site
from tests.chaos.engine import OwnEngine

# These meet the engine's networks, which are in a namespace of their own.
AT_THE_NETWORKS = ("reconciler", "checker")
READY_WITHIN_SECONDS = 60


class FragileSite(Site):
    """One range of which everything may be killed: each role, "postgres" and "engine"."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir)
        self.engine = OwnEngine(state_dir / "engine")
        # With its ordinary settings: what was committed must outlive a kill.
        self._cluster = cluster(state_dir)

    def start(self) -> None:
        """Prepare everything and return once the sign-in page answers."""
        self.engine.start()
        scenario = read_scenario(BASE / "scenarios" / "sudo-says")
        images = build_images(scenario.spec, scenario.folder)
        self.engine.give([base_tag(), BASE_IMAGE, *images.values()])
        super().start()

    def stop(self) -> None:
        """End every role, the database and the engine."""
        try:
            super().stop()
        finally:
            self.engine.stop()

    def begin(self, name: str) -> None:
        """Start a role, the database or the engine, as whoever watches over it would."""
        if name == "engine":
            self.engine.start()
        elif name == "postgres":
            self._server = self._serving()
        else:
            super().begin(name)

    def kill(self, name: str) -> None:
        """Kill it as a power cut would, and wait until it is gone."""
        if name == "engine":
            self.engine.kill()
        elif name == "postgres":
            self._server.kill()
            self._server.wait()
        else:
            super().kill(name)

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this range gets."""
        return super().environment | {
            "DATABASE_URL": self._cluster.url(),
            "DOCKER_HOST": self.engine.url,
        }

    def _argv(self, name: str) -> list[str]:
        argv = list(super()._argv(name))
        return self.engine.inside(argv) if name in AT_THE_NETWORKS else argv

    def _create_database(self) -> None:
        self._cluster.create()
        self.begin("postgres")
        self._cluster.ensure_database()

    def _drop_database(self) -> None:
        self._cluster.stop()
        self._server.wait()

    def _serving(self) -> subprocess.Popen[bytes]:
        """Start the database as often as it takes: processes of the killed one go on a while."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            try:
                return self._cluster.start()
            except PostgresError:
                if time.monotonic() > deadline:
                    raise
