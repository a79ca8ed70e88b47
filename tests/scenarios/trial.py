"""One sandbox of a scenario of the library, with its checks at hand, and no row in a database."""

from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from range.assessment.probes import SandboxProbe
from range.assessment.runner import combined, judge_objectives
from range.authoring.images import build_images
from range.authoring.plan import attempt_with
from range.catalog.reader import read_scenario
from range.catalog.rendering import rendered
from range.catalog.topology_builder import build_topology
from tests.contracts.rigs import soon

LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"
SECRET = b"tests/scenarios"


class Trial:
    """A running sandbox.

    Args:
        values: What was drawn for it.
    """

    def __init__(self, driver, handle, spec, values):
        self.driver, self.handle, self.spec, self.values = driver, handle, spec, values

    def judged(self, objective):
        """Return an objective's outcome and the reasons of the checks that are not met."""
        probe = SandboxProbe(self.driver, self.handle)
        objectives = [self.spec.objective(objective)]
        found = judge_objectives(objectives, probe)
        reasons = {
            check: f"{judged.reason} {judged.excerpt}"
            for (_, check), judged in found.items()
            if judged.outcome.value != "MET"
        }
        return combined(objectives, found)[objective].outcome.value, reasons


@contextmanager
def trial(driver, slug, **variant):
    """Start a scenario that drew a variant; it is gone afterwards."""
    loaded = read_scenario(LIBRARY / slug)
    _, values = attempt_with(loaded.spec, SECRET, variant)
    spec = rendered(loaded.spec, values)
    topology = build_topology(
        spec,
        assets=loaded.assets,
        images=build_images(loaded.spec, loaded.folder),
        values=values,
    )
    handle = driver.start(uuid4(), topology, deadline=soon(120))
    try:
        yield Trial(driver, handle, spec, values)
    finally:
        driver.stop(handle)
