import re
import threading

import pytest
from django.core.management import CommandError, call_command

from range.authoring import builder as builder_module
from range.authoring import images as images_module
from range.authoring.builder import Builder
from range.authoring.images import build_images, missing_images, tags_of
from range.catalog.allowed_images import allow, withdraw
from range.catalog.models import ScenarioSource, ScenarioVersion
from range.catalog.publish import publish
from range.catalog.reader import read_scenario
from range.runtime.driver import EngineDown
from range.runtime.images import BASE_IMAGE, ImageBuildFailed
from tests.catalog.support import changed, write

State = ScenarioVersion.ImageState


class FakeImages:
    """An engine that only knows tags."""

    def __init__(self):
        self.known = {BASE_IMAGE}
        self.built: list[str] = []
        self.error = None
        self.bases = 0

    def exists(self, tag, **_options):
        if isinstance(self.error, EngineDown):
            raise self.error
        return tag in self.known

    def build(self, context, *, name, progress=None, **_options):
        if self.error is not None:
            raise self.error
        tag = images_module.image_tag(context, name=name)
        self.built.append(name)
        self.known.add(tag)
        (progress or print)(f"built {name}")
        return tag

    def ensure_base(self, **_options):
        if self.error is not None:
            raise self.error
        self.bases += 1
        return BASE_IMAGE


@pytest.fixture
def engine(monkeypatch):
    fake = FakeImages()
    monkeypatch.setattr(images_module, "build_image", fake.build)
    monkeypatch.setattr(images_module, "image_exists", fake.exists)
    monkeypatch.setattr(images_module, "ensure_base_image", fake.ensure_base)
    monkeypatch.setattr(builder_module, "image_exists", fake.exists)
    return fake


@pytest.fixture
def root(tmp_path, settings):
    settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
    write(settings.RANGE_SCENARIOS_DIR / "small-desk")
    return settings.RANGE_SCENARIOS_DIR


@pytest.fixture
def version(db, root):
    return publish(root / "small-desk").version


def state(version):
    version.refresh_from_db()
    return version.image_state


def test_machines_that_share_a_folder_share_an_image(tmp_path, engine):
    data = changed()
    data["machines"]["twin"] = {"build": "machines/box", "networks": ["lan"]}
    data["machines"]["plain"] = {"networks": ["lan"]}
    folder = write(tmp_path / "s", data)
    spec = read_scenario(folder).spec
    assert missing_images(spec, folder) == ["box", "twin"]
    built = build_images(spec, folder)
    assert built == tags_of(spec, folder)
    assert built["box"] == built["twin"]
    assert built["plain"] == BASE_IMAGE
    assert engine.built == ["small-desk-box"]
    assert missing_images(spec, folder) == []


def test_a_pending_version_becomes_ready(version, engine):
    builder = Builder()
    assert builder.build_next()
    assert state(version) == State.READY
    assert set(version.images) == {"box"}
    assert not builder.build_next()


def test_a_failure_is_written_for_authors_to_read(version, engine):
    engine.error = ImageBuildFailed("x", "exit 100", lines=["E: no such package"])
    assert Builder().build_next()
    assert state(version) == State.FAILED
    assert "E: no such package" in version.image_detail
    assert not Builder().build_next()


def test_an_engine_that_is_down_leaves_the_version_waiting(version, engine):
    engine.error = EngineDown()
    with pytest.raises(EngineDown):
        Builder().build_next()
    assert state(version) == State.PENDING


def test_what_was_published_is_built_whatever_the_folder_holds_by_now(version, root, engine):
    before = tags_of(read_scenario(root / "small-desk").spec, root / "small-desk")
    (root / "small-desk" / "machines" / "box" / "Dockerfile").write_text("FROM other\n")
    Builder().build_next()
    assert state(version) == State.READY
    assert version.images == before


def test_a_changed_folder_is_not_built_where_the_published_files_were_not_kept(
    version, root, engine
):
    ScenarioSource.objects.all().delete()
    (root / "small-desk" / "machines" / "box" / "Dockerfile").write_text("FROM other\n")
    Builder().build_next()
    assert state(version) == State.FAILED
    assert "Publish the scenario again" in version.image_detail
    assert engine.built == []


def test_two_builders_do_not_build_the_same(version, engine):
    ScenarioVersion.objects.update(image_state=State.BUILDING)
    assert not Builder().build(version)
    assert engine.built == []


def test_what_a_crashed_builder_left_is_taken_over(version, engine):
    ScenarioVersion.objects.update(image_state=State.BUILDING)
    builder = Builder()
    builder.take_over()
    assert state(version) == State.PENDING
    assert builder.build_next()


def test_images_that_vanished_are_built_again(version, engine):
    builder = Builder()
    builder.build_next()
    builder.take_over()
    assert state(version) == State.READY
    engine.known.clear()
    builder.take_over()
    assert state(version) == State.PENDING


def test_a_new_base_image_makes_scenarios_wait_for_new_images(version, engine, monkeypatch):
    builder = Builder()
    builder.build_next()
    version.refresh_from_db()
    before = version.images
    monkeypatch.setattr(images_module, "image_tag", lambda context, *, name: f"range/{name}:newer")
    builder.take_over()
    assert state(version) == State.PENDING
    builder.build_next()
    assert state(version) == State.READY
    assert version.images == {"box": "range/small-desk-box:newer"} != before


def test_a_version_whose_folder_moved_on_keeps_its_images(version, root, engine):
    builder = Builder()
    builder.build_next()
    (root / "small-desk" / "brief.md").write_text("# Other words\n")
    builder.take_over()
    assert state(version) == State.READY


def test_the_base_image_is_made_first(version, engine):
    Builder().build_next()
    assert engine.bases == 1


@pytest.mark.django_db(transaction=True)
def test_the_role_builds_what_waits_and_ends_when_told(root, engine, settings):
    settings.RANGE_SWEEP_SECONDS = 0.1
    version = publish(root / "small-desk").version
    ended = threading.Event()
    built = engine.build

    def build_and_end(*args, **options):
        ended.set()
        return built(*args, **options)

    images_module.build_image = build_and_end
    Builder().run(ended)
    assert state(version) == State.READY


@pytest.mark.django_db(transaction=True)
def test_the_role_outlives_an_engine_that_is_away(root, engine, settings, monkeypatch):
    settings.RANGE_SWEEP_SECONDS = 0.1
    version = publish(root / "small-desk").version
    engine.error = EngineDown()
    ended = threading.Event()
    turns = []
    take_over = Builder._take_over

    def counted(self):
        turns.append(1)
        if len(turns) == 2:
            engine.error = None
        if len(turns) == 3:
            ended.set()
        take_over(self)

    monkeypatch.setattr(Builder, "_take_over", counted)
    Builder().run(ended)
    assert len(turns) == 3
    assert state(version) == State.READY


def test_named_scenarios_are_built_once_with_progress(version, engine, capsys):
    call_command("run_builder", "--once", "small-desk")
    out = capsys.readouterr().out
    assert "built small-desk-box" in out
    assert "small-desk: ready" in out
    call_command("run_builder", "--once")
    assert "small-desk: ready" in capsys.readouterr().out
    assert engine.built == ["small-desk-box"]


def test_a_failed_build_is_tried_again_when_asked_and_told(version, engine):
    engine.error = ImageBuildFailed("x", "exit 100")
    with pytest.raises(CommandError, match="exit 100"):
        call_command("run_builder", "--once", "small-desk")
    engine.error = None
    call_command("run_builder", "--once", "small-desk")
    assert state(version) == State.READY


@pytest.mark.django_db
def test_what_is_not_published_cannot_be_built(root):
    with pytest.raises(CommandError, match="publish_scenarios"):
        call_command("run_builder", "--once", "small-desk")


@pytest.fixture
def allowed(db, tmp_path, engine, monkeypatch):
    monkeypatch.setattr(builder_module, "image_size", lambda tag: 150_000_000)
    folder = tmp_path / "web-server"
    folder.mkdir()
    (folder / "Dockerfile").write_text("ARG BASE=range/base:bookworm\nFROM ${BASE}\n")
    return allow(folder, name="web-server", description="A web server")


def naming_the_image(folder):
    data = changed()
    data["machines"]["twin"] = {"image": "web-server", "networks": ["lan"]}
    data["machines"]["third"] = {"image": "web-server", "networks": ["lan"]}
    return write(folder, data)


def test_an_image_of_the_catalogue_is_built_once_for_all_that_name_it(root, engine, allowed):
    version = publish(naming_the_image(root / "small-desk")).version
    assert Builder().build_next()
    assert state(version) == State.READY
    assert engine.built == ["small-desk-box", "image-web-server"]
    assert version.images["twin"] == version.images["third"]
    assert version.images["twin"].startswith("range/image-web-server:")
    assert Builder().build_allowed()
    allowed.refresh_from_db()
    assert (allowed.tag, allowed.size_bytes) == (version.images["twin"], 150_000_000)
    assert not Builder().build_allowed()


def test_an_image_that_cannot_be_built_says_why_and_is_tried_again_when_allowed_again(
    engine, allowed, tmp_path
):
    engine.error = ImageBuildFailed("x", "exit 100", lines=["E: no such package"])
    assert Builder().build_allowed()
    allowed.refresh_from_db()
    assert "E: no such package" in allowed.detail
    assert not Builder().build_allowed()
    engine.error = None
    allow(tmp_path / "web-server", name="web-server", description="A web server")
    assert Builder().build_allowed()


def test_a_version_keeps_its_image_when_an_operator_withdraws_it(root, engine, allowed):
    version = publish(naming_the_image(root / "small-desk")).version
    withdraw(allowed.pk)
    assert Builder().build_next()
    assert state(version) == State.READY


def test_images_that_the_engine_lost_are_built_anew(engine, allowed):
    Builder().build_allowed()
    engine.known.clear()
    Builder().take_over()
    assert Builder().build_allowed()
    assert engine.built == ["image-web-server", "image-web-server"]


def test_the_command_allows_builds_lists_and_withdraws(engine, allowed, tmp_path, capsys):
    folder = str(tmp_path / "web-server")
    with pytest.raises(CommandError, match="Say what it is for"):
        call_command("allow_image", folder)
    call_command("allow_image", folder, "--description", "Serves pages")
    call_command("allow_image")
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert all(re.fullmatch(r"web-server +143.1.MB +Serves pages", line) for line in lines)
    call_command("allow_image", "--withdraw", "web-server")
    with pytest.raises(CommandError, match="no image"):
        call_command("allow_image", "--withdraw", "web-server")
