"""Uploads as browsers and enemies send them: what is carried over, what is refused, what stays."""

import tarfile
import tempfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from range.authoring.draft_opening import UPLOAD_LIMIT_BYTES
from range.authoring.models import Draft
from tests.authoring.hostile_archives import ATTACKS, tarred, zipped
from tests.authoring.test_importers import MARKDOWN, SDL, export

pytestmark = pytest.mark.django_db
# Of an archive's form; what its text says is a matter of the editor, which shows it.
OF_FORM = [name for name in ATTACKS if name.startswith(("zip", "tar", "gzip", "something"))]
# What it holds is a file like any other: nothing unpacks it.
OF_FORM.remove("zip-nested-bomb")
TYPES = ["application/zip", "text/html", "image/png", "", "x" * 200, "multipart/form-data"]
FOREIGN = {
    "ctfd": (export, "The flag is the same for everybody"),
    "cmgr": (lambda: zipped([("short/problem.md", MARKDOWN)]), "How to solve it"),
    "sdl": (lambda: SDL.encode(), "How objectives are judged"),
}
SUGGESTED = {
    "ctfd": "an export of CTFd",
    "cmgr": "a problem of cmgr",
    "sdl": "a topology in Open Cyber Range SDL",
    "muster": "a scenario of Muster",
}


@pytest.fixture
def at(client, instructor):
    client.force_login(instructor)
    return client


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where whatever is unpacked on the way would lie."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def send(at, place):
    def upload(data, *, form="muster", name="upload.zip", kind="application/zip"):
        file = SimpleUploadedFile(name, data, content_type=kind)
        return at.post(reverse("import-drafts"), {"file": file, "format": form})

    return upload


def ours():
    return zipped([("small-desk/scenario.yaml", "schema: 1\nid: small-desk\n")])


def shown(answer):
    return answer.content.decode()


@pytest.mark.parametrize("attack", OF_FORM)
def test_a_hostile_archive_is_refused_in_words_and_nothing_of_it_stays(send, place, attack):
    answer = send(ATTACKS[attack][0]())
    assert 400 <= answer.status_code < 500
    assert "Not imported" in shown(answer)
    assert 'name="file"' in shown(answer)
    assert not Draft.objects.exists()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("form", ["ctfd", "cmgr"])
@pytest.mark.parametrize("attack", ["zip-bomb", "zip-traversal", "tar-link", "tar-large-file"])
def test_other_formats_are_unpacked_with_the_same_care(send, place, form, attack):
    answer = send(ATTACKS[attack][0](), form=form)
    assert 400 <= answer.status_code < 500
    assert not Draft.objects.exists()
    assert list(place.iterdir()) == []


def test_more_than_a_scenario_needs_is_refused_by_its_size(send, place):
    answer = send(b"PK\x03\x04" + bytes(UPLOAD_LIMIT_BYTES))
    assert "The file holds more than 16 MiB" in shown(answer)
    assert not Draft.objects.exists()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_browser_calls_a_file_means_nothing(send, kind):
    """It is judged by what it is, whatever its name and type say."""
    assert "Not imported" in shown(send(b"<script>alert(1)</script>", kind=kind, name="a.zip"))
    assert send(ours(), kind=kind, name="holiday.png").status_code == 302
    assert Draft.objects.get().slug == "small-desk"


def test_a_form_that_is_none_is_refused(at, place):
    address = reverse("import-drafts")
    broken = [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nPK\r\n--x--", "text/plain"),
        (b"--x\r\n", "multipart/form-data"),
        (b"{}", "application/json"),
    ]
    for body, kind in broken:
        answer = at.post(address, body, content_type=kind)
        assert 400 <= answer.status_code < 500, kind
    assert not Draft.objects.exists()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("form", FOREIGN)
def test_what_others_wrote_becomes_drafts_with_a_report(send, at, place, form):
    data, lost = FOREIGN[form]
    answer = send(data(), form=form, name=f"{form}.bin")
    assert answer.status_code == 302
    draft = next(each for each in Draft.objects.order_by("slug") if lost in each.report)
    page = shown(at.get(reverse("draft", args=[draft.pk])))
    assert "What became of the import" in page
    assert lost in page
    assert list(place.iterdir()) == []
    at.post(reverse("put-report-away", args=[draft.pk]))
    assert "What became of the import" not in shown(at.get(reverse("draft", args=[draft.pk])))


STRANGE = {
    "an id that is a list": {"id": [1]},
    "points without end": {"value": float("inf")},
    "points that are no number": {"value": float("nan")},
    "points beyond reckoning": {"value": 10**400},
    "half a character in the title": {"name": "Paper \ud800 trail"},
    "null characters everywhere": {"name": "Pa\0per", "description": "a\0b", "category": "\0"},
}


@pytest.mark.parametrize("what", STRANGE)
def test_attack_strange_values_of_an_export_make_a_draft_or_are_refused(send, place, what):
    answer = send(export(challenges=[{"id": 1, "name": "Paper", **STRANGE[what]}]), form="ctfd")
    assert answer.status_code == 302
    assert Draft.objects.get().title.isprintable()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("location", ["ab12/nul\0.txt", "x" * 5000, "\ud800", "", [1], {"a": 1}])
def test_attack_strange_places_of_files_are_told_as_lost(send, location):
    files = [{"id": 1, "challenge_id": 1, "location": location}]
    assert send(export(files=files), form="ctfd").status_code == 302
    assert "not in the export, or too large" in Draft.objects.get(slug="paper-trail").report


@pytest.mark.parametrize("points", ["nan", "inf", "-inf", "1e400", "\0"])
def test_attack_strange_points_of_a_problem_make_a_draft(send, points):
    text = MARKDOWN.replace("Points: 200", f"Points: {points}")
    assert send(zipped([("problem.md", text)]), form="cmgr").status_code == 302


@pytest.mark.parametrize(
    "text", ["scenario: [1]\n", "scenario: 1\n", "nodes: [1]\n", 'name: "\\0"\nnodes: {}\n']
)
def test_attack_a_topology_of_other_kinds_of_values_is_refused(send, text):
    answer = send(text.encode(), form="sdl")
    assert answer.status_code in (400, 422)
    assert "Not imported" in shown(answer)


def test_attack_a_value_nobody_thought_of_is_refused_in_words(send, monkeypatch):
    from range.authoring.importers import ctfd

    def stumbles(*_):
        raise OverflowError

    monkeypatch.setattr(ctfd, "_fill", stumbles)
    answer = send(export(), form="ctfd")
    assert answer.status_code == 422
    assert "of another kind than expected" in shown(answer)


@pytest.mark.parametrize("chosen", ["muster", "ctfd", "cmgr", "sdl"])
@pytest.mark.parametrize("real", ["muster", "ctfd", "cmgr", "sdl"])
def test_whoever_chose_another_format_is_told_what_it_looks_like(send, chosen, real):
    if chosen == real:
        return
    data = ours() if real == "muster" else FOREIGN[real][0]()
    told = shown(send(data, form=chosen))
    assert "Not imported" in told
    assert f"It looks like {SUGGESTED[real]}: choose that." in told
    assert not Draft.objects.exists()


def test_all_of_a_source_becomes_drafts_or_none_of_it(send, place, monkeypatch):
    from range.authoring import draft_opening

    made = []

    def fails_later(*args, **options):
        if made:
            raise draft_opening.ArchiveRefused("The second one cannot be kept.")
        made.append(create(*args, **options))
        return made[-1]

    create = draft_opening.drafts.create
    monkeypatch.setattr(draft_opening.drafts, "create", fails_later)
    assert "The second one cannot be kept" in shown(send(export(), form="ctfd"))
    assert made
    assert not Draft.objects.exists()


@pytest.mark.parametrize("top", ["./", "."])
def test_a_tar_of_what_lies_in_a_folder_is_read(send, top):
    folder = tarfile.TarInfo(top)
    folder.type = tarfile.DIRTYPE
    data = tarred((folder, None), ("./scenario.yaml", b"schema: 1\nid: small-desk\n"))
    assert send(data, name="small-desk.tgz").status_code == 302
    assert set(Draft.objects.get().files) == {"scenario.yaml"}


def test_a_tar_of_ours_is_read_as_well(send):
    assert send(tarred(("small-desk/scenario.yaml", b"schema: 1\n")), name="x").status_code == 302
