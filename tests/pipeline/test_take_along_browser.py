"""Taking evidence along in Chromium: as a trainee and as an assessor; pages stay accessible."""

import json
import os
from pathlib import Path

import pytest
from django.urls import reverse

from range.accounts.models import Consent
from range.pipeline.exports.verify_evidence import verify
from range.timeline import tombstones
from tests.browser.journey import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("MUSTER_SCREENSHOTS")


def looks(page, name):
    for theme, width in (("light", 1280), ("dark", 800)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        if SHOTS:
            shot = Path(SHOTS) / f"{name}-{theme}-{width}.png"
            page.screenshot(path=str(shot), full_page=True)
        assert violations(page) == [], (name, theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def taken(page, link):
    with page.expect_download() as waiting:
        page.get_by_role("link", name=link).click()
    return waiting.value


def test_a_trainee_takes_everything_along_and_it_verifies(
    seat, proven, trainee, publish, solved, state_dir
):
    for number in range(6, 12):
        solved(trainee, publish(f"yard-{number}", policy="ASSESSED"))
    page = seat(trainee)
    page.goto("/skills/?evidence=assessed")
    looks(page, "take-along")
    signed = taken(page, "All evidence, signed (zip)")
    assert signed.suggested_filename == "evidence-tia.zip"
    keys = json.loads(Path(taken(page, "this range's public keys").path()).read_text())
    assert keys == tombstones.keys().listed()
    assert len(verify(Path(signed.path()).read_bytes(), keys)["attempts"]) == 12
    assert Path(taken(page, "Evidence report (PDF)").path()).read_bytes().startswith(b"%PDF-")
    for link, suffix in (
        ("Open Badges 3.0 credential (JWT)", ".jwt"),
        ("Skills and evidence (XLSX)", ".xlsx"),
        ("xAPI statements (JSON)", ".json"),
        ("The skills themselves (CASE JSON)", ".json"),
    ):
        assert taken(page, link).suggested_filename.endswith(suffix)


def test_an_assessor_takes_it_with_consent_and_is_listed(
    seat, proven, trainee, assessor, agency, state_dir
):
    Consent.objects.create(trainee=trainee, agency=agency)
    page = seat(assessor)
    page.goto(reverse("person", args=[trainee.pk]))
    looks(page, "take-along-assessor")
    assert taken(page, "Evidence report (PDF)").suggested_filename == "evidence-tia.pdf"
    theirs = seat(trainee)
    theirs.goto("/skills/")
    theirs.get_by_text("took along: evidence report (PDF)").wait_for()
    attempt = proven[0]
    theirs.goto(reverse("debrief", args=[attempt.pk]))
    looks(theirs, "take-along-debrief")
