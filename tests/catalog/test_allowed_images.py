import pytest
from django.db import IntegrityError, OperationalError

from range.catalog import allowed_images
from range.catalog.allowed_images import (
    ImageGone,
    ImageRefused,
    allow,
    allow_again,
    unpack,
    withdraw,
)
from range.catalog.bound_images import bound_digest
from range.catalog.lint import lint
from range.catalog.models import AllowedImage
from range.catalog.problems import ScenarioInvalid
from range.catalog.publish import publish
from range.catalog.reader import read_scenario
from range.catalog.services import spec_of
from range.runtime import build_context
from range.runtime.build_context import BadBuildContext
from tests.catalog.support import changed, write

pytestmark = pytest.mark.django_db
DOCKERFILE = (
    "ARG BASE=range/base:bookworm\nFROM ${BASE}\n"
    "RUN apt-get update && apt-get install -y --no-install-recommends \\\n"
    "    nginx-light php-fpm \\\n && rm -rf /var/lib/apt/lists/*\n"
)


@pytest.fixture
def context(tmp_path):
    return made(tmp_path / "web-server")


def made(folder, *, dockerfile=DOCKERFILE):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "logo.bin").write_bytes(b"\0\xff")
    return folder


def offered(context, **options):
    return allow(context, name="web-server", description="A web server with PHP", **options)


def naming(image):
    data = changed()
    del data["machines"]["box"]["build"]
    data["machines"]["box"]["image"] = image
    return data


def errors(folder):
    return [str(each) for each in lint(read_scenario(folder)) if each.severity == "error"]


def test_what_was_allowed_comes_back_file_by_file(context, tmp_path):
    image = offered(context)
    target = tmp_path / "out"
    target.mkdir()
    assert unpack(f"web-server@{image.digest}", target) == "web-server"
    assert build_context.digest(target, base="") == image.digest
    assert (target / "run.sh").stat().st_mode & 0o100
    assert (target / "logo.bin").read_bytes() == b"\0\xff"
    assert image.contents == "nginx-light, php-fpm"


def test_a_machine_may_name_it_and_is_bound_to_its_content(context, tmp_path):
    image = offered(context)
    folder = write(tmp_path / "small-desk", naming("web-server"))
    assert errors(folder) == []
    loaded = read_scenario(folder)
    assert loaded.spec.machines["box"].image == f"web-server@{image.digest}"
    version = publish(folder).version
    assert spec_of(version).machines["box"].image == f"web-server@{image.digest}"


def test_another_content_under_the_name_makes_another_digest(context, tmp_path):
    folder = write(tmp_path / "small-desk", naming("web-server"))
    first = offered(context)
    before = publish(folder).version
    made(context, dockerfile=DOCKERFILE + "RUN true\n")
    second = offered(context)
    assert first.digest != second.digest
    first.refresh_from_db()
    assert first.withdrawn_at is not None
    after = publish(folder)
    assert after.created
    assert after.version.digest != before.digest
    # What was published before keeps what it was bound to.
    assert spec_of(before).machines["box"].image == f"web-server@{first.digest}"
    target = tmp_path / "old"
    target.mkdir()
    unpack(spec_of(before).machines["box"].image, target)
    assert (target / "Dockerfile").read_text() == DOCKERFILE


def test_a_scenario_without_images_keeps_the_digest_it_had(tmp_path):
    folder = write(tmp_path / "small-desk")
    loaded = read_scenario(folder)
    assert bound_digest("d", loaded.spec) == "d"


def test_a_misspelt_name_is_told_with_the_nearest(context, tmp_path):
    offered(context)
    (told,) = errors(write(tmp_path / "small-desk", naming("web-sever")))
    assert "machines.box.image: expected one of web-server, found 'web-sever'" in told
    assert told.endswith("Did you mean web-server?")
    assert told.startswith("scenario.yaml:")
    assert ":0:" not in told


def test_a_withdrawn_image_serves_nothing_new(context, tmp_path):
    image = offered(context)
    folder = write(tmp_path / "small-desk", naming("web-server"))
    before = publish(folder).version
    withdraw(image.pk)
    (told,) = errors(folder)
    assert "expected an image that is allowed" in told
    (folder / "brief.md").write_text("# Other words\n")
    with pytest.raises(ScenarioInvalid):
        publish(folder)
    (tmp_path / "out").mkdir()
    assert unpack(spec_of(before).machines["box"].image, tmp_path / "out") == "web-server"
    allow_again(image.pk)
    assert errors(folder) == []


@pytest.mark.parametrize(
    "image",
    [
        "debian:bookworm",
        "range/base:bookworm",
        "range/other-desk-box:0123456789abcdef",
        "registry.example/web-server",
        "registry.example:5000/web-server@sha256:" + "0" * 64,
        "sha256:" + "0" * 64,
        "../machines/box",
        "web-server@latest",
        "Web-Server",
        "",
        "{{ colour }}",
        "web-server\n",
    ],
)
def test_nothing_of_an_engine_or_a_registry_can_be_named(context, tmp_path, image):
    offered(context)
    folder = write(tmp_path / "small-desk", naming(image))
    with pytest.raises(ScenarioInvalid) as refused:
        read_scenario(folder)
    assert "images of a registry or of the engine cannot be named" in str(refused.value)
    with pytest.raises(ScenarioInvalid):
        publish(folder)


def test_a_digest_that_nobody_allowed_is_refused(context, tmp_path):
    image = offered(context)
    folder = write(tmp_path / "small-desk", naming("web-server@" + "0" * 64))
    (told,) = errors(folder)
    assert f"expected web-server@{image.digest}" in told
    with pytest.raises(ScenarioInvalid):
        publish(folder)
    with pytest.raises(ImageGone):
        unpack("web-server@" + "0" * 64, tmp_path)


def test_a_machine_has_build_or_image(context, tmp_path):
    offered(context)
    data = changed()
    data["machines"]["box"]["image"] = "web-server"
    with pytest.raises(ScenarioInvalid, match="build or image, not both"):
        read_scenario(write(tmp_path / "small-desk", data))


def test_without_a_database_it_is_said_that_none_answers(context, tmp_path, monkeypatch):
    def down(**_filters):
        raise OperationalError

    monkeypatch.setattr(allowed_images.AllowedImage.objects, "filter", down)
    (told,) = errors(write(tmp_path / "small-desk", naming("web-server")))
    assert "a database that tells what is allowed" in told


@pytest.mark.parametrize("name", ["", "A", "web server", "web/server", "web:1", "x" * 48, "1st"])
def test_a_name_that_cannot_be_written_cannot_be_allowed(context, name):
    with pytest.raises(ImageRefused):
        allow(context, name=name, description="What for")
    assert not AllowedImage.objects.exists()


def test_a_folder_that_leads_elsewhere_is_no_image(context, tmp_path):
    (context / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadBuildContext):
        offered(context)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadBuildContext):
        offered(tmp_path / "empty")
    assert not AllowedImage.objects.exists()


def test_an_older_content_comes_back_only_in_the_place_of_the_newer(context):
    first = offered(context)
    made(context, dockerfile=DOCKERFILE + "RUN true\n")
    second = offered(context)
    with pytest.raises(ImageRefused, match="newer files"):
        allow_again(first.pk)
    withdraw(second.pk)
    allow_again(first.pk)
    assert AllowedImage.objects.get(withdrawn_at=None).pk == first.pk


def test_the_database_refuses_two_contents_under_one_name(context):
    image = offered(context)
    with pytest.raises(IntegrityError):
        AllowedImage.objects.create(name=image.name, description="x", digest="d" * 64, files={})
