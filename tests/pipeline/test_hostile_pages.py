"""What trainees and files put into pages stays words."""

import re

import pytest
from django.urls import reverse

from range.competencies.models import ObservableSkill, Statement
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}{% now 'Y' %}"


def main_of(response) -> str:
    html = response.content.decode()
    return html[html.index("<main") : html.index("</main>")]


def assert_harmless(html: str) -> None:
    assert not re.search(r"<script(?![^>]*\ssrc=)|<img src=x|\sonerror=alert\(2\)>", html)
    assert "&lt;script&gt;" in html
    assert "{{ 7|add:7 }}" in html


def test_a_name_stays_words_in_every_list_and_heading(client, trainee, instructor, proven):
    trainee.display_name = ATTACK[:120]
    trainee.save()
    client.force_login(instructor)
    for address in (reverse("people"), reverse("person", args=[trainee.pk])):
        assert_harmless(main_of(client.get(address)))


def test_an_excerpt_and_its_facts_stay_words(client, trainee, publish, finished, judged, starter):
    attempt = finished(trainee, publish())
    record = judged(
        attempt, "gain", "flag", excerpt=ATTACK, reason="<b>", detail={"<i>x</i>": ATTACK}
    )
    client.force_login(trainee)
    html = main_of(client.get(reverse("evidence", args=[record.pk])))
    assert_harmless(html)
    assert "<i>x</i>" not in html
    assert "<b>" not in html


def test_a_search_stays_words(client, instructor, trainee):
    client.force_login(instructor)
    html = main_of(client.get(reverse("people"), {"search": ATTACK}))
    assert_harmless(html)


def test_words_of_an_imported_framework_and_of_skills_stay_words(client, trainee, proven):
    ObservableSkill.objects.filter(key="harden-privilege-rules").update(
        name=ATTACK[:120], description=ATTACK, rubric=[{"level": ATTACK, "text": ATTACK}]
    )
    client.force_login(trainee)
    html = main_of(client.get(reverse("my-skills"), {"role": "IO-WRL-005"}))
    assert_harmless(html)
    assert Statement.objects.filter(text__contains="<").count() == 0


@pytest.mark.parametrize(
    "query",
    [
        {"role": "' OR 1=1 --"},
        {"role": "x" * 5000},
        {"evidence": ["assessed", "all"]},
        {"role": "PD-WRL-007\x00"},
        {"page": "-1"},
        {"page": "9" * 400},
        {"search": "%_\\' a b c d e f g h i j k" * 20},
        {"search": "\x00"},
    ],
)
def test_nonsense_in_addresses_never_fails(client, instructor, trainee, starter, query):
    client.force_login(instructor)
    for name in ("people", "my-skills"):
        assert client.get(reverse(name), query).status_code == 200
    assert client.get(reverse("person", args=[trainee.pk]), query).status_code == 200


def test_wildcards_of_the_database_are_letters_in_a_search(client, instructor, trainee, person):
    client.force_login(instructor)
    page = client.get(reverse("people"), {"search": "%"}).context["people"]
    assert list(page.lines) == []


def test_a_very_large_excerpt_and_long_names_are_shown_whole(
    client, trainee, publish, finished, judged, starter
):
    attempt = finished(trainee, publish())
    record = judged(attempt, "gain", "flag", excerpt="w" * 4096)
    client.force_login(trainee)
    assert "w" * 4096 in client.get(reverse("evidence", args=[record.pk])).content.decode()


def test_scores_out_of_bounds_in_the_log_do_not_break_the_estimate(
    trainee, publish, finished, judged, starter
):
    attempt = finished(trainee, publish())
    judged(attempt, "gain", "flag", score=7.5)
    judged(attempt, "mend", "gone", "UNMET", score=-3.0)
    rows = refresh(trainee)
    assert rows
    assert all(-3 < row.mean < 3 for row in rows)
