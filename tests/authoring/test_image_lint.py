"""Built images are searched for what gives a scenario away, on the real engine."""

import pytest

from range.authoring.image_lint import image_problems
from range.authoring.images import build_images
from range.authoring.verify import Verifier
from range.catalog.reader import read_scenario
from range.runtime.images import default_engine
from tests.authoring.support import ShellDriver
from tests.catalog.test_how_to import written_from_the_page

FIX = """import shutil
NOTE = "the drawer is closed by taking the rights of others away"
shutil.chown("/srv/drawer/key-of-the-safe", "root", "root")
"""
pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture
def folder(tmp_path):
    """A scenario whose reference is a script of its own."""
    made = written_from_the_page(tmp_path / "leaky-drawer")
    scenario = made / "scenario.yaml"
    text = scenario.read_text().replace("id: open-drawer", "id: leaky-drawer")
    (made / "reference").mkdir()
    (made / "reference" / "fix.py").write_text(FIX)
    step = "close: [{on: desk, put: reference/fix.py, to: /tmp/fix.py}, {on: desk, as: root"
    assert "close: [{on: desk, as: root" in text
    scenario.write_text(text.replace("close: [{on: desk, as: root", step))
    return made


@pytest.fixture
def built():
    """Build a scenario's images, and remove them in the end."""
    tags = set()

    def build(spec, folder):
        images = build_images(spec, folder)
        tags.update(images.values())
        return images

    yield build
    with default_engine().client() as client:
        for tag in tags:
            if "leaky-drawer" in tag:
                client.remove_image(tag, force=True)


def test_a_clean_image_has_nothing_to_say(folder, built):
    loaded = read_scenario(folder)
    assert image_problems(loaded, built(loaded.spec, folder)) == []


def test_a_leak_is_found_in_every_layer_however_it_is_packed(folder, built):
    context = folder / "machines" / "desk"
    dockerfile = context / "Dockerfile"
    note = "the drawer is closed by taking the rights of others away"
    # Nothing of it lies in the build context as text: it only comes about while it is built.
    words = "".join(f"\\{ord(c):03o}" for c in note)
    dockerfile.write_text(
        dockerfile.read_text()
        + f"\nRUN printf '{words}' > /opt/first && cp /opt/first /opt/plain"
        + "\nRUN gzip -c /opt/plain > /opt/data.bin && rm /opt/first"
        + "\nRUN python3 -c \"import py_compile; open('/tmp/x.py', 'w').write('A = ' +"
        + " repr(open('/opt/plain').read())); py_compile.compile('/tmp/x.py', '/opt/lib.pyc')\""
        + "\nRUN rm /opt/plain /tmp/x.py\n"
    )
    loaded = read_scenario(folder)
    problems = image_problems(loaded, built(loaded.spec, folder))
    told = "\n".join(map(str, problems))
    for place in ("/opt/first", "/opt/plain", "/opt/data.bin (unpacked)", "/opt/lib.pyc"):
        assert place in told, told
    assert "machine desk: layer" in told
    assert "reference/fix.py" in told
    assert note in told


def test_a_solution_that_is_copied_whole_is_found_and_keeps_it_from_verifying(folder, built):
    context = folder / "machines" / "desk"
    (context / "spare.txt").write_text("kept\n" + FIX)
    found = Verifier(driver=ShellDriver(), build=built).verify(folder)
    assert not found.passed
    assert "machines/desk/spare.txt" in found.error
    assert "reference/fix.py" in found.error
