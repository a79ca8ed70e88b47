"""Pages of verification, trials and machine images: what they show, and to whom."""

import pytest
from django.urls import reverse

from range.authoring.models import TrialOrder, VerificationRun
from range.authoring.trials import begin
from range.authoring.verifications import ask_for_draft
from range.catalog.models import AllowedImage
from range.sandboxes.models import Trial
from tests.authoring.test_verify import solvable
from tests.authoring.workshop_support import drafted

pytestmark = pytest.mark.django_db
State = VerificationRun.State


@pytest.fixture
def draft(instructor, school, tmp_path):
    return drafted(instructor, school, tmp_path, solvable())


@pytest.fixture
def run(draft, instructor):
    return ask_for_draft(draft.pk, author=instructor)


@pytest.fixture
def page(client, instructor):
    client.force_login(instructor)

    def get(name, *args, **options):
        return client.get(reverse(name, args=args), **options)

    return get


def test_the_page_follows_until_it_is_over(page, run):
    whole = page("verification", run.pk).content.decode()
    assert "Next in line" in whole
    assert reverse("verification-stream", args=[run.pk]) in whole
    assert "sse:verification" in whole
    fragment = page("verification-panel", run.pk, headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    VerificationRun.objects.update(state=State.STOPPED)
    over = page("verification-panel", run.pk, headers={"HX-Request": "true"})
    assert over.status_code == 286
    assert b"sse:" not in page("verification", run.pk).content


def test_what_differs_comes_first_and_open(page, run):
    def line(name, state, found):
        return {
            "name": name,
            "state": state,
            "seconds": 1.0,
            "expected": {"mend": "met"},
            "found": {"mend": found},
            "differences": ["mend: expected met, found unmet"] if state == "differs" else [],
            "checks": {
                "mend": [
                    {"id": "gone", "outcome": "UNMET", "reason": "file-there", "excerpt": "<b>"}
                ]
            },
        }

    runs = [line("fresh", "as-expected", "met"), line("reference", "differs", "unmet")]
    report = {"text": "", "total": 2, "done": 2, "differing": 1, "runs": runs}
    VerificationRun.objects.update(state=State.FAILED, report=report)
    text = page("verification", run.pk).content.decode()
    assert text.index("<code>reference</code>") < text.index("<code>fresh</code>")
    assert text.count(" open>") == 1
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_stop_ends_what_waits(client, page, run):
    client.post(reverse("stop-verification", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == State.STOPPED


def test_asking_twice_leads_to_the_same_page(client, page, draft, run):
    again = client.post(reverse("verify-draft", args=[draft.pk]))
    assert again.url == reverse("verification", args=[run.pk])


def test_a_trial_takes_orders_and_no_others(client, page, draft, instructor):
    of_draft = begin(draft.pk, author=instructor)
    assert page("trial", of_draft.pk).status_code == 200
    client.post(reverse("order-trial", args=[of_draft.pk, "check"]))
    assert TrialOrder.objects.get().kind == TrialOrder.Kind.CHECK
    assert client.post(reverse("order-trial", args=[of_draft.pk, "explode"])).status_code == 400
    assert client.post(reverse("end-trial", args=[of_draft.pk])).status_code == 302
    assert Trial.objects.get().stop_wanted


def test_its_page_loads_once_more_when_machines_come_or_it_is_over(page, draft, instructor):
    of_draft = begin(draft.pk, author=instructor)
    assert "HX-Refresh" not in page("trial-panel", of_draft.pk).headers
    Trial.objects.update(state=Trial.State.ENDED, reason="left")
    assert page("trial-panel", of_draft.pk).headers["HX-Refresh"] == "true"
    assert b"Nobody was at its page" in page("trial", of_draft.pk).content


def test_authors_read_the_catalogue_of_images_and_change_nothing(client, page):
    image = AllowedImage.objects.create(
        name="web-server", description="A web server", digest="0" * 64, files={}
    )
    assert b"web-server" in page("images").content
    assert client.post(reverse("withdraw-image", args=[image.pk])).status_code == 403
    assert (
        client.post(reverse("allow-image"), {"folder": "sudo-says/machines/desk"}).status_code
        == 403
    )
    image.refresh_from_db()
    assert image.withdrawn_at is None


def test_operators_offer_build_folders_of_the_range_and_nothing_else(client, administrator):
    client.force_login(administrator)
    given = {"name": "practice-desk", "description": "A desk"}
    folder = {"folder": "sudo-says/machines/desk"}
    assert client.post(reverse("allow-image"), given | folder).status_code == 302
    assert AllowedImage.objects.get().allowed_by == administrator
    for wrong in ("../../etc", "/etc", "sudo-says", ""):
        assert client.post(reverse("allow-image"), given | {"folder": wrong}).status_code == 400
    assert AllowedImage.objects.count() == 1
