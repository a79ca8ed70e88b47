"""Images are named by their inputs, built from closed contexts, and explain their failures."""

import io
import os
import tarfile
from uuid import uuid4

import pytest

from range.runtime import build_context, images
from range.runtime.base_image import ensure_base_image
from range.runtime.images import BadBuildContext, ImageBuildFailed, build_image, image_tag


@pytest.fixture
def context(tmp_path):
    folder = tmp_path / "web"
    (folder / "files").mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY files/a /opt/a\n")
    (folder / "files" / "a").write_text("content")
    return folder


def test_the_same_files_have_the_same_tag_wherever_they_lie(context, tmp_path):
    tag = image_tag(context, name="shop-web")
    moved = context.rename(tmp_path / "elsewhere")
    os.utime(moved / "files" / "a", (0, 0))
    assert image_tag(moved, name="shop-web") == tag
    assert tag.startswith("range/shop-web:")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "files" / "a").write_text("changed"),
        lambda folder: (folder / "files" / "a").rename(folder / "files" / "b"),
        lambda folder: (folder / "files" / "a").chmod(0o755),
        lambda folder: (folder / "files" / "new").write_text(""),
        lambda folder: (folder / "files" / "link").symlink_to("a"),
    ],
)
def test_any_changed_input_changes_the_tag(context, change):
    before = image_tag(context, name="web")
    change(context)
    assert image_tag(context, name="web") != before


def test_another_base_changes_the_tag(context):
    assert image_tag(context, name="web") != image_tag(context, name="web", base="other:1")


def test_a_changed_base_image_changes_the_tag(context, monkeypatch):
    before = image_tag(context, name="web")
    monkeypatch.setattr(images, "base_tag", lambda: "range/base:changed")
    assert image_tag(context, name="web") != before


def test_what_python_leaves_behind_is_no_input(context):
    before = image_tag(context, name="web")
    (context / "__pycache__").mkdir()
    (context / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert image_tag(context, name="web") == before


@pytest.mark.parametrize("name", ["", "Web", "a/b", "../x", "a b", "-web", "web:1"])
def test_a_hostile_image_name_is_refused(context, name):
    with pytest.raises(BadBuildContext):
        image_tag(context, name=name)


def test_a_folder_without_a_dockerfile_is_refused(tmp_path):
    with pytest.raises(BadBuildContext, match="Dockerfile"):
        image_tag(tmp_path, name="web")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "files/../../outside"])
def test_a_link_out_of_the_context_is_refused(context, tmp_path, target):
    (tmp_path / "outside").write_text("secret")
    (context / "link").symlink_to(target)
    with pytest.raises(BadBuildContext, match="links out"):
        build_context.pack(context, io.BytesIO())


def test_a_pipe_in_the_context_is_refused(context):
    os.mkfifo(context / "pipe")
    with pytest.raises(BadBuildContext, match="neither file nor folder"):
        image_tag(context, name="web")


def test_the_archive_tells_nothing_of_this_machine(context):
    (context / "files" / "a").chmod(0o640)
    (context / "files" / "link").symlink_to("a")
    buffer = io.BytesIO()
    build_context.pack(context, buffer)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        entries = {entry.name: entry for entry in archive}
        assert set(entries) == {"Dockerfile", "files/a", "files/link"}
        assert entries["files/link"].linkname == "a"
        assert archive.extractfile("files/a").read() == b"content"
        for entry in entries.values():
            assert (entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) == (
                0,
                0,
                "",
                "",
                0,
            )
        assert entries["files/a"].mode == 0o644


def test_a_context_beyond_the_limit_is_refused(context, monkeypatch):
    monkeypatch.setattr(build_context, "_LIMIT_BYTES", 10)
    with pytest.raises(BadBuildContext, match="more than 10 bytes"):
        image_tag(context, name="web")


def test_a_failing_build_is_explained_with_its_last_lines():
    output = [{"stream": f"line {number}\n"} for number in range(40)]
    heard = []
    with pytest.raises(ImageBuildFailed) as failure:
        images.follow([*output, {"error": "it returned 100\n"}], "range/web:1", heard.append)
    assert failure.value.lines[-1] == "line 39"
    assert len(failure.value.lines) == 12
    assert "it returned 100" in failure.value.message
    assert heard[0] == "line 0"


@pytest.mark.docker
class TestOnTheEngine:
    @pytest.fixture
    def built(self):
        tags = []
        yield tags
        with images.default_engine().client() as client:
            for tag in tags:
                client.remove_image(tag, force=True)

    def test_the_base_image_is_there_and_found_again(self):
        tag = ensure_base_image(offline=True)
        assert tag == images.base_tag()
        assert images.image_id(tag) == images.image_id(images.BASE_IMAGE)

    def test_a_context_is_built_once(self, context, built):
        (context / "files" / "a").write_text(uuid4().hex)
        lines = []
        tag = build_image(context, name="test-once", progress=lines.append)
        built.append(tag)
        assert images.image_exists(tag)
        assert any("COPY" in line for line in lines)
        again = []
        assert build_image(context, name="test-once", progress=again.append) == tag
        assert again == []

    def test_a_failing_build_leaves_no_image(self, context):
        (context / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo told why; exit 3\n")
        with pytest.raises(ImageBuildFailed) as failure:
            build_image(context, name="test-fails")
        assert any("told why" in line for line in failure.value.lines)
        assert not images.image_exists(image_tag(context, name="test-fails"))

    def test_a_broken_dockerfile_is_a_failed_build(self, context):
        (context / "Dockerfile").write_text("NONSENSE\n")
        with pytest.raises(ImageBuildFailed):
            build_image(context, name="test-broken")

    def test_a_bundle_carries_an_image(self, context, built, tmp_path):
        (context / "Dockerfile").write_text("FROM scratch\nCOPY files/a /a\n")
        (context / "files" / "a").write_text(uuid4().hex)
        tag = build_image(context, name="test-bundle")
        built.append(tag)
        images.save_bundle([tag], tmp_path / "bundle.tar")
        with images.default_engine().client() as client:
            client.remove_image(tag, force=True)
        assert not images.image_exists(tag)
        images.load_bundle(tmp_path / "bundle.tar")
        assert images.image_exists(tag)

    def test_a_bundle_of_nothing_is_refused(self, tmp_path):
        with pytest.raises(ImageBuildFailed):
            images.save_bundle(["range/none:missing"], tmp_path / "bundle.tar")
        (tmp_path / "junk").write_bytes(b"junk")
        with pytest.raises(ImageBuildFailed):
            images.load_bundle(tmp_path / "junk")
