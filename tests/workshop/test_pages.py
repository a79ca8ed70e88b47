"""The workshop's pages as an instructor, as a stranger and as somebody hostile meets them."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from range.accounts.models import Cohort, Membership, Organisation
from range.authoring import drafts
from range.authoring.draft_opening import from_skeleton
from range.authoring.drafts import Change
from range.authoring.models import Draft
from range.catalog.models import Scenario
from range.catalog.source import File
from range.exercises.models import Exercise

pytestmark = pytest.mark.django_db
YAML = "scenario.yaml"
DOCKERFILE = "machines/desk/Dockerfile"


@pytest.fixture
def draft(instructor, school):
    return from_skeleton("open-drawer", kind="attack", author=instructor, organisation=school)


@pytest.fixture
def at(client, instructor):
    client.force_login(instructor)
    return client


@pytest.fixture
def elsewhere(db):
    return Organisation.objects.create(slug="south", name="South", kind="SCHOOL")


def url(name, *args, **query):
    return reverse(name, args=args, query=query)


def save(client, draft, path, text, *, base=None):
    body = {"path": path, "text": text, "base": base or drafts.files_of(draft)[path].sha256}
    return client.post(url("save-draft", draft.pk), json.dumps(body), "application/json")


def act(client, draft, **data):
    return client.post(url("draft-files", draft.pk), data, headers={"HX-Request": "true"})


def test_the_desk_begins_a_draft_and_names_what_is_wrong(at):
    assert b"None yet" in at.get(url("workshop")).content
    refused = at.post(url("new-draft"), {"slug": "No Slug!", "kind": "attack"})
    assert refused.status_code == 400
    assert b"cannot name a scenario" in refused.content
    made = at.post(url("new-draft"), {"slug": "open-drawer", "kind": "fix"})
    assert made.url == url("draft", Draft.objects.get().pk)
    page = at.get(made.url).content.decode()
    assert "scenario.yaml" in page
    assert "data-locked" in page


def test_a_draft_begins_in_ones_own_organisation_only(at, elsewhere):
    given = {"slug": "open-drawer", "kind": "fix", "organisation": str(elsewhere.pk)}
    assert at.post(url("new-draft"), given).status_code == 403
    assert not Draft.objects.exists()


def test_saving_answers_with_the_revision_and_refuses_the_late(at, draft, administrator):
    text = drafts.files_of(draft)["brief.md"].text
    told = save(at, draft, "brief.md", text + "More.\n").json()
    assert told["revision"] == 2
    late = save(at, draft, "brief.md", "Mine\n")
    assert late.status_code == 409
    assert late.json()["text"] == text + "More.\n"
    assert late.json()["by"] == "ivy"


@pytest.mark.parametrize("do", ["add", "upload", "rename", "delete", "undo"])
def test_what_is_done_to_another_file_hides_no_change_of_the_open_one(at, draft, administrator, do):
    """One tab has brief.md open, another saved it; the first does something to other files."""
    act(at, draft, action="add", path="notes/a.md")
    draft.refresh_from_db()
    change = Change(file=File(data=b"# Theirs\n"), base=drafts.files_of(draft)["brief.md"].sha256)
    drafts.change(draft.pk, {"brief.md": change}, author=administrator)
    upload = SimpleUploadedFile("b.txt", b"b") if do == "upload" else ""
    path = "notes/b.md" if do == "add" else "notes/a.md"
    act(at, draft, action="delete", path=path) if do == "undo" else None
    told = {"path": path, "wanted": "notes/c.md", "from": 3, "folder": "seed", "files": upload}
    answer = act(at, draft, action=do, revision=draft.revision, **told).content.decode()
    assert 'role="alert"' not in answer
    newest = Draft.objects.get(pk=draft.pk).revision
    body = {"path": "brief.md", "text": "# Mine\n", "base": change.base, "revision": newest}
    late = at.post(url("save-draft", draft.pk), json.dumps(body), "application/json")
    assert late.status_code == 409
    assert late.json()["text"] == "# Theirs\n"


def test_hostile_bodies_are_refused_in_words(at, draft):
    address = url("save-draft", draft.pk)
    bodies = [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"path": "a", "text": "\\ud800"}',
        json.dumps({"path": "a.md", "text": "nul\0"}).encode(),
        json.dumps({"path": "a.md", "text": "x" * 600_000}).encode(),
        json.dumps({"path": "a.md", "text": "x" * 2_000_000}).encode(),
        json.dumps({"path": "../a", "text": "x"}).encode(),
    ]
    for body in bodies:
        answer = at.post(address, body, "application/json")
        assert answer.status_code == 422, body[:60]
        assert answer.json()["message"]
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_dockerfile_is_refused_by_every_form(at, draft):
    assert save(at, draft, DOCKERFILE, "FROM x\n").status_code == 403
    added = act(at, draft, action="add", path="machines/new/Dockerfile")
    assert "whoever runs the range" in added.content.decode()
    upload = SimpleUploadedFile("Dockerfile", b"FROM evil\n")
    answer = act(at, draft, action="upload", folder="machines/new", files=upload)
    assert "whoever runs the range" in answer.content.decode()
    answer = act(at, draft, action="delete", path=DOCKERFILE)
    draft.refresh_from_db()
    # Taking the whole context away is an author's right, as a machine may go.
    assert DOCKERFILE not in draft.files
    assert "Undo" in answer.content.decode()


def test_files_are_added_uploaded_renamed_deleted_and_brought_back(at, draft):
    act(at, draft, action="add", path="notes/a.md")
    upload = [SimpleUploadedFile("b.bin", bytes(range(256))), SimpleUploadedFile("c.txt", b"c")]
    act(at, draft, action="upload", folder="seed", files=upload)
    draft.refresh_from_db()
    assert {"notes/a.md", "seed/b.bin", "seed/c.txt"} <= set(draft.files)
    act(at, draft, action="rename", path="seed/c.txt", wanted="seed/d.txt")
    gone = act(at, draft, action="delete", path="seed").content.decode()
    draft.refresh_from_db()
    assert not any(path.startswith("seed/") for path in draft.files)
    assert 'name="from" value="4"' in gone
    act(at, draft, action="undo", path="seed", **{"from": 4})
    draft.refresh_from_db()
    assert {"seed/b.bin", "seed/d.txt"} <= set(draft.files)
    data = at.get(url("download-file", draft.pk, path="seed/b.bin"))
    assert data.content == bytes(range(256))
    assert data["Content-Disposition"] == 'attachment; filename="seed-b.bin"'
    assert data["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("path", ["../x", "/x", "a\nb", "<script>", "x" * 300, "", "brief.md"])
def test_hostile_names_are_told_and_escaped(at, draft, path):
    answer = act(at, draft, action="add", path=path).content.decode()
    assert "<script>" not in answer
    if path != "<script>":
        assert 'role="alert"' in answer


def test_problems_stand_at_their_line_with_the_words_of_the_commands(at, draft):
    text = drafts.files_of(draft)[YAML].text.replace("networks: [office]", "networks: [offce]")
    save(at, draft, YAML, text)
    side = at.get(url("draft-side", draft.pk)).content.decode()
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "offce" in row)
    assert f'data-file="scenario.yaml" data-line="{line}" data-severity="error"' in side


def test_a_draft_that_is_no_yaml_shows_its_error_and_no_preview(at, draft):
    save(at, draft, YAML, "a: [\n")
    side = at.get(url("draft-side", draft.pk)).content.decode()
    assert 'data-severity="error"' in side
    assert "As a trainee sees it" not in side


def test_the_preview_is_drawn_cleaned_and_never_tells_a_secret(at, draft):
    brief = "# Hello\n\n<script>alert(1)</script> [x](javascript:alert(1)) {{ drawer }}\n"
    save(at, draft, "brief.md", brief)
    side = at.get(url("draft-side", draft.pk)).content.decode()
    assert "<script>" not in side
    assert 'href="javascript' not in side
    assert any(word in side for word in ("invoices", "letters", "payroll"))
    draft.refresh_from_db()
    save(at, draft, "brief.md", "{{ flag_look }}\n")
    side = at.get(url("draft-side", draft.pk)).content.decode()
    assert "FLAG{" not in side
    assert "It cannot be shown" in side


def test_another_sample_is_another_draw(at, draft):
    save(at, draft, "brief.md", "{{ drawer }}\n")
    words = {
        at.get(url("draft-side", draft.pk, sample=number))
        .content.decode()
        .split("bench__brief")[1][:60]
        for number in range(1, 12)
    }
    assert len(words) > 1
    strange = at.get(url("draft-side", draft.pk, sample="9" * 30, variant="-4"))
    assert strange.status_code == 200


def test_publishing_shows_errors_then_changes_then_the_version(at, draft, school):
    text = drafts.files_of(draft)[YAML].text
    save(at, draft, YAML, text.replace("networks: [office]", "networks: [offce]"))
    page = at.get(url("publish-draft", draft.pk)).content.decode()
    assert "it from being published" in page
    assert at.post(url("publish-draft", draft.pk), {"revision": 2}).status_code == 422
    draft.refresh_from_db()
    save(at, draft, YAML, text)
    stale = at.post(url("publish-draft", draft.pk), {"revision": 2})
    assert stale.status_code == 409
    assert not Scenario.objects.exists()
    done = at.post(url("publish-draft", draft.pk), {"revision": 3})
    assert done.url == url("scenario-versions", "open-drawer")
    assert "0.1.0" in at.get(done.url).content.decode()
    draft.refresh_from_db()
    more = text.replace("version: 0.1.0", "version: 0.2.0").replace(
        "difficulty: 1 ", "difficulty: 2"
    )
    save(at, draft, YAML, more)
    page = at.get(url("publish-draft", draft.pk)).content.decode()
    assert "What changes since 0.1.0" in page
    assert "differences__new" in page
    at.post(url("publish-draft", draft.pk), {"revision": 4})
    first, second = Scenario.objects.get().versions.order_by("published_at")
    query = {"from": str(first.pk), "to": str(second.pk)}
    assert (
        "differences__gone"
        in at.get(url("compare-versions", "open-drawer", **query)).content.decode()
    )
    assert at.get(url("compare-versions", "open-drawer", **{"from": "x"})).status_code == 404
    at.post(url("retire-scenario", "open-drawer"))
    assert "Offer it again" in at.get(done.url).content.decode()
    at.post(url("retire-scenario", "open-drawer"), {"restore": "1"})
    assert "Retire" in at.get(done.url).content.decode()


def test_history_names_compares_and_restores(at, draft):
    save(at, draft, "brief.md", "# New\n")
    at.post(url("change-revision", draft.pk, 1), {"name": "  before  the class "})
    page = at.get(url("draft-history", draft.pk)).content.decode()
    assert "before the class" in page
    assert "differences__new" in at.get(url("draft-changes", draft.pk, revision=1)).content.decode()
    at.post(url("change-revision", draft.pk, 1), {"restore": "1"})
    draft.refresh_from_db()
    assert (draft.revision, draft.files["brief.md"]["text"] == "# New\n") == (3, False)
    assert at.post(url("change-revision", draft.pk, 77), {"restore": "1"}).status_code == 404


def test_attack_a_name_of_null_characters_names_a_revision_all_the_same(at, draft):
    answer = at.post(url("change-revision", draft.pk, 1), {"action": "name", "name": "be\0fore"})
    assert answer.status_code < 400
    assert draft.revisions.get().name == "before"


def test_an_archive_goes_out_and_comes_back(at, draft):
    packed = b"".join(at.get(url("export-draft", draft.pk)).streaming_content)
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    assert "open-drawer/scenario.yaml" in names
    upload = SimpleUploadedFile("again.zip", packed)
    made = at.post(url("import-drafts"), {"file": upload, "format": "muster"})
    again = Draft.objects.exclude(pk=draft.pk).get()
    assert made.url == url("draft", again.pk)
    assert again.files == draft.files


@pytest.mark.parametrize("form", ["muster", "ctfd", "cmgr", "sdl", "made-up"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x1f\x8b", b"hello", b"- [", b"\0" * 700])
def test_uploads_that_are_nothing_are_refused_in_words(at, form, data):
    upload = SimpleUploadedFile("<b>.zip", data)
    answer = at.post(url("import-drafts"), {"file": upload, "format": form})
    assert 400 <= answer.status_code < 500
    assert "Not imported" in answer.content.decode()
    assert not Draft.objects.exists()


def test_retiring_tells_who_keeps_it(at, draft, cohort, elsewhere):
    at.post(url("publish-draft", draft.pk), {"revision": 1})
    scenario = Scenario.objects.get()
    assert "Nobody is at work" in at.get(url("retire-scenario", scenario.slug)).content.decode()
    facts = {"version": scenario.versions.get(), "policy": "PRACTICE"}
    mine = Exercise.objects.create(cohort=cohort, organisation=cohort.organisation, **facts)
    theirs = Cohort.objects.create(organisation=elsewhere, name="Secret cohort")
    Exercise.objects.create(cohort=theirs, organisation=elsewhere, **facts)
    asked = at.get(url("retire-scenario", scenario.slug)).content.decode()
    assert url("exercise", mine.pk) in asked
    assert "1 exercise of other organisations" in asked
    assert "Secret cohort" not in asked
    at.post(url("retire-scenario", scenario.slug))
    told = at.get(url("exercise", mine.pk)).content.decode()
    assert "This scenario was retired" in told
    offered = at.get(url("assign-exercise")).content.decode()
    assert str(facts["version"].pk) not in offered


def test_an_id_that_is_taken_is_refused_before_anything_is_made(at, draft):
    again = at.post(url("new-draft"), {"slug": "open-drawer", "kind": "fix"})
    assert again.status_code == 409
    assert "There is a draft of open-drawer already" in again.content.decode()
    at.post(url("publish-draft", draft.pk), {"revision": 1})
    at.post(url("archive-draft", draft.pk))
    again = at.post(url("new-draft"), {"slug": "open-drawer", "kind": "fix"})
    assert "is published already" in again.content.decode()
    assert Draft.objects.count() == 1


def test_an_id_of_another_organisation_is_not_given_away(at, draft, client, person, elsewhere):
    at.post(url("publish-draft", draft.pk), {"revision": 1})
    client.force_login(person("sam", elsewhere, Membership.Role.INSTRUCTOR))
    made = client.post(url("new-draft"), {"slug": "open-drawer", "kind": "fix"})
    assert made.status_code == 302


def test_a_draft_begun_here_speaks_of_the_browser_and_no_shell(at):
    for kind in ("attack", "fix", "investigate"):
        at.post(url("new-draft"), {"slug": f"new-{kind}", "kind": kind})
        text = drafts.files_of(Draft.objects.get(slug=f"new-{kind}"))[YAML].text
        assert "manage.py" not in text.split("schema: 1")[0], kind
        assert "Try follows every save" in text, kind
        assert text.startswith("# One machine"), kind


def test_archiving_asks_nothing_and_is_undone(at, draft):
    assert at.post(url("archive-draft", draft.pk)).url == url("workshop")
    assert "Take up again" in at.get(url("workshop")).content.decode()
    assert "data-read-only" in at.get(url("draft", draft.pk)).content.decode()
    assert save(at, draft, "brief.md", "x").status_code == 409
    at.post(url("archive-draft", draft.pk), {"restore": "1"})
    assert save(at, draft, "brief.md", "x").status_code == 200


def test_an_instructor_of_another_school_reaches_nothing(client, draft, person, elsewhere):
    client.force_login(person("sam", elsewhere, Membership.Role.INSTRUCTOR))
    for name in (
        "draft",
        "draft-side",
        "draft-file",
        "download-file",
        "draft-changes",
        "draft-history",
        "export-draft",
        "publish-draft",
    ):
        assert client.get(url(name, draft.pk)).status_code == 404, name
    for name in ("archive-draft", "put-report-away", "draft-files", "publish-draft"):
        answer = client.post(url(name, draft.pk), {"action": "delete", "path": "brief.md"})
        assert answer.status_code == 404, name
    assert save(client, draft, "brief.md", "x").status_code == 404
    draft.refresh_from_db()
    assert (draft.revision, draft.archived_at) == (1, None)


def test_versions_of_another_organisation_are_nobody_elses(
    client, draft, instructor, person, elsewhere
):
    client.force_login(instructor)
    client.post(url("publish-draft", draft.pk), {"revision": 1})
    version = Scenario.objects.get().versions.get()
    client.force_login(person("sam", elsewhere, Membership.Role.INSTRUCTOR))
    assert client.get(url("scenario-versions", "open-drawer")).status_code == 404
    assert client.get(url("export-version", version.pk)).status_code == 404
    assert client.post(url("open-version", version.pk)).status_code == 404
    assert client.get(url("retire-scenario", "open-drawer")).status_code == 404
    assert client.post(url("retire-scenario", "open-drawer")).status_code == 404
    assert b"scenarios/open-drawer" not in client.get(url("workshop")).content
    assert Draft.objects.count() == 1
    assert Scenario.objects.get().retired_at is None


def test_a_file_of_hostile_names_and_texts_is_shown_as_text(at, draft, administrator):
    words = "</textarea><img src=x onerror=alert(1)>"
    change = {'seed/<img src="x">.md': Change(file=File(data=words.encode()))}
    drafts.change(draft.pk, change, author=administrator)
    for name in ("draft", "draft-changes", "draft-history"):
        page = at.get(url(name, draft.pk)).content.decode()
        assert "<img" not in page
