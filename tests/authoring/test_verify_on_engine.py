"""Verification with real machines: what the how-to page makes, and the library's own scenarios."""

import os
import shutil
from dataclasses import replace

import pytest

from range.authoring.images import allowed_tag
from range.authoring.verification_report import as_text
from range.authoring.verify import Verifier
from range.catalog.allowed_images import allow, withdraw
from range.runtime import options as driver_options
from range.runtime.images import image_size
from range.runtime.registry import get_driver
from tests.catalog.test_how_to import written_from_the_page

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"verify-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


def test_the_scenario_of_the_how_to_page_verifies(driver, tmp_path):
    found = Verifier(driver=driver).verify(written_from_the_page(tmp_path / "open-drawer"))
    assert found.passed, as_text(found)
    assert len(found.runs) == 6
    assert list(driver.running()) == []


def test_a_check_that_is_too_weak_is_caught_on_real_machines(driver, tmp_path):
    folder = written_from_the_page(tmp_path / "open-drawer")
    path = folder / "scenario.yaml"
    weaker = path.read_text().replace('mode_max: "0600"', 'mode_max: "0644"')
    assert weaker != path.read_text()
    path.write_text(weaker)
    found = Verifier(driver=driver).verify(folder)
    differing = {run.name for run in found.runs if run.differences}
    assert {"fresh", "wrong-half-way"} <= differing
    assert "reference" not in differing


@pytest.mark.django_db
def test_a_machine_from_the_catalogue_of_images_verifies(driver, tmp_path):
    folder = written_from_the_page(tmp_path / "open-drawer")
    image = allow(
        folder / "machines" / "desk", name="practice-desk", description="A desk to practise at"
    )
    shutil.rmtree(folder / "machines")
    path = folder / "scenario.yaml"
    path.write_text(path.read_text().replace("build: machines/desk", "image: practice-desk"))
    found = Verifier(driver=driver).verify(folder)
    assert found.passed, as_text(found)
    assert image_size(allowed_tag(image, build=False)) > 10_000_000
    withdraw(image.pk)
    assert "practice-desk" in Verifier(driver=driver).verify(folder).error
