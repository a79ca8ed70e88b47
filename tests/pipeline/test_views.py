"""Pages of skills: who may see them, what they show, and that every look is written down."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.access import can_view_skills
from range.accounts.models import AccessRecord, Cohort, Consent, Membership, Organisation, User
from range.pipeline.models import SkillEstimate
from range.pipeline.people import visible_to
from range.pipeline.services import refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent(trainee, agency):
    return Consent.objects.create(trainee=trainee, agency=agency)


def page(client, viewer, name, *args, query=""):
    client.force_login(viewer)
    return client.get(reverse(name, args=args) + query)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_trainee_sees_intervals_words_codes_and_evidence(client, trainee, proven):
    response = page(client, trainee, "my-skills", query="?role=IO-WRL-005")
    shown = text_of(response)
    assert response.status_code == 200
    assert "NICE IO-WRL-005" in shown
    assert "DCWF 451" in shown
    assert "not enough evidence" in shown
    assert "Harden privilege rules" in shown
    assert "6 checks, 6 scenarios" in shown
    assert "unreviewed" in shown
    assert response.content.count(b'class="interval__cut"') >= 6
    assert f'href="{reverse("catalogue")}?role=IO-WRL-005"' in response.content.decode()
    assert f"/evidence/{proven[0].evidence.first().pk}/" in response.content.decode()


def test_the_page_has_no_inline_style_or_script_and_every_drawing_a_label(client, trainee, proven):
    html = page(client, trainee, "my-skills").content.decode()
    assert not re.search(r"\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)
    main = html[html.index("<main") :]
    for drawing in re.findall(r"<svg[^>]*role=\"img\"[^>]*>", main):
        assert "aria-label=" in drawing
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_looking_at_oneself_is_no_look(client, trainee, proven):
    page(client, trainee, "my-skills")
    assert not AccessRecord.objects.exists()


def test_without_any_attempt_the_page_says_what_to_do(client, trainee, starter):
    shown = text_of(page(client, trainee, "my-skills"))
    assert "No finished attempt" in shown
    assert "Choose a scenario" in shown


def test_without_frameworks_the_page_says_what_to_do(client, trainee):
    shown = text_of(page(client, trainee, "my-skills"))
    assert "load_starter_frameworks" in shown


def test_the_role_best_covered_is_shown_when_none_is_asked_for(client, trainee, proven):
    profile = page(client, trainee, "my-skills").context["profile"]
    coverages = {
        role.code: page(client, trainee, "my-skills", query=f"?role={role.code}")
        .context["profile"]
        .readiness.coverage
        for role in profile.roles
    }
    assert coverages[profile.role.code] == max(coverages.values())


def test_nonsense_in_the_address_falls_back(client, trainee, proven):
    response = page(client, trainee, "my-skills", query="?role=%00<script>&evidence=%27")
    assert response.status_code == 200
    assert response.context["profile"].role is not None
    assert b"<script>&" not in response.content


def test_assessed_only_leaves_practice_out(client, trainee, publish, solved, starter):
    solved(trainee, publish("practised"))
    everything = page(client, trainee, "my-skills").context["profile"]
    assessed = page(client, trainee, "my-skills", query="?evidence=assessed").context["profile"]
    assert everything.attempts == 1
    assert assessed.attempts == 0


def test_the_change_of_the_last_attempt_is_said(client, trainee, publish, solved, starter):
    solved(trainee, publish("one", policy="ASSESSED", difficulty=5))
    profile = page(client, trainee, "my-skills", query="?role=IO-WRL-005").context["profile"]
    changes = {line.key: line.change for line in profile.required}
    assert changes["harden-privilege-rules"].startswith("up 0.")
    assert changes["manage-accounts"] == ""


def test_an_assessor_sees_what_the_trainee_sees_and_the_trainee_sees_the_look(
    client, trainee, assessor, consent, proven
):
    query = "?role=PD-WRL-007"
    theirs = page(client, assessor, "person", trainee.pk, query=query).context["profile"]
    own = page(client, trainee, "my-skills", query=query).context["profile"]
    assert [line.interval for line in theirs.required] == [line.interval for line in own.required]
    assert [line.key for line in theirs.others] == [line.key for line in own.others]
    assert theirs.readiness.word == own.readiness.word
    assert [look.viewer for look in own.looks] == [assessor]
    assert "abe" in text_of(page(client, trainee, "my-skills"))


REFUSED = ["none", "revoked", "expired", "other-agency", "trainee", "stranger"]


@pytest.mark.parametrize("case", REFUSED)
def test_nobody_without_a_right_sees_a_person_and_no_look_is_written(
    client, trainee, other_trainee, assessor, agency, person, proven, case
):
    viewer = assessor
    if case == "revoked":
        Consent.objects.create(trainee=trainee, agency=agency, revoked_at=timezone.now())
    if case == "expired":
        past = timezone.now() - timedelta(seconds=1)
        Consent.objects.create(trainee=trainee, agency=agency, expires_at=past)
    if case == "other-agency":
        other = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
        Consent.objects.create(trainee=trainee, agency=other)
    if case == "trainee":
        viewer = other_trainee
    if case == "stranger":
        foreign = Organisation.objects.create(slug="south", name="South", kind="SCHOOL")
        viewer = person("sid", foreign, Membership.Role.INSTRUCTOR)
    evidence = proven[0].evidence.first()
    for name, target in (("person", trainee.pk), ("evidence", evidence.pk)):
        response = page(client, viewer, name, target)
        assert response.status_code == 404
        assert "Harden" not in text_of(response)
    assert not AccessRecord.objects.exists()


def test_an_unknown_person_and_a_forbidden_one_look_the_same(client, trainee, assessor, proven):
    unknown = page(client, assessor, "person", uuid.uuid4())
    forbidden = page(client, assessor, "person", trainee.pk)
    assert unknown.status_code == forbidden.status_code == 404

    def main(response):
        html = response.content.decode()
        return html[html.index("<main") : html.index("</main>")]

    assert main(unknown) == main(forbidden)


def test_withdrawing_consent_closes_the_page_at_once(client, trainee, assessor, consent, proven):
    assert page(client, assessor, "person", trainee.pk).status_code == 200
    Consent.objects.update(revoked_at=timezone.now())
    assert page(client, assessor, "person", trainee.pk).status_code == 404
    assert AccessRecord.objects.count() == 1


def test_nobody_signed_in_is_sent_to_sign_in(client, trainee):
    for name, args in (("my-skills", ()), ("people", ()), ("person", (trainee.pk,))):
        response = client.get(reverse(name, args=args))
        assert response.status_code == 302
        assert reverse("sign-in") in response.url


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_only_read(client, trainee, proven, method):
    client.force_login(trainee)
    refresh(trainee)
    before = list(SkillEstimate.objects.values())
    for name in ("my-skills", "people"):
        assert getattr(client, method)(reverse(name)).status_code == 405
    assert list(SkillEstimate.objects.values()) == before


def test_the_list_shows_only_whom_the_viewer_may_see(
    client, trainee, other_trainee, instructor, assessor, administrator, consent, person
):
    foreign = Organisation.objects.create(slug="south", name="South", kind="SCHOOL")
    person("far", foreign, Membership.Role.TRAINEE)
    for viewer in (trainee, instructor, assessor, administrator):
        expected = {
            one.pk
            for one in User.objects.filter(memberships__role=Membership.Role.TRAINEE)
            if one != viewer and can_view_skills(viewer, one.pk)
        }
        assert set(visible_to(viewer).values_list("pk", flat=True)) == expected
    shown = page(client, assessor, "people").context["people"]
    assert [line.person for line in shown.lines] == [trainee]


def test_a_list_without_a_role_shows_no_score_and_is_no_look(client, trainee, instructor, proven):
    refresh(trainee)
    response = page(client, instructor, "people")
    assert response.context["people"].lines[0].readiness is None
    assert "badge" not in response.content.decode().split("<tbody>")[1].split("</tbody>")[0]
    assert not AccessRecord.objects.exists()


def test_a_list_for_a_role_shows_readiness_and_each_is_a_look(
    client, trainee, other_trainee, instructor, proven
):
    refresh(trainee)
    response = page(client, instructor, "people", query="?role=IO-WRL-005")
    lines = {line.person: line for line in response.context["people"].lines}
    assert lines[trainee].readiness.covered > 0
    assert lines[other_trainee].readiness.covered == 0
    assert lines[trainee].attempts == 6
    looks = AccessRecord.objects.filter(viewer=instructor)
    assert {look.subject for look in looks} == {trainee, other_trainee}
    assert "IO-WRL-005" in looks[0].what


def test_cohorts_are_named_to_the_staff_of_their_school_alone(
    client, trainee, cohort, instructor, assessor, consent, person
):
    far = Organisation.objects.create(slug="far", name="Far", kind="SCHOOL")
    theirs = Cohort.objects.create(organisation=far, name="Far cohort")
    Membership.objects.create(person=trainee, organisation=far, role="TRAINEE", cohort=theirs)
    shown = text_of(page(client, instructor, "people"))
    assert cohort.name in shown
    assert "Far cohort" not in shown
    shown = text_of(page(client, assessor, "people"))
    assert "tia" in shown
    assert "ohort" not in shown


def test_a_list_says_of_readiness_what_the_linked_page_says(
    client, trainee, assessor, agency, consent, publish, solved, starter
):
    """An agency that looks at assessed attempts alone is told nothing of practice."""
    for number in range(12):
        solved(trainee, publish(f"yard-{number}"))
    refresh(trainee)
    role = "IO-WRL-005"
    for only in (True, False):
        agency.assessed_only = only
        agency.save()
        for query in ("", "&evidence=all", "&evidence=assessed"):
            listed = page(client, assessor, "people", query=f"?role={role}{query}")
            line = listed.context["people"].lines[0]
            link = re.search(rf'href="({reverse("person", args=[trainee.pk])}[^"]*)"',
                             listed.content.decode()).group(1)  # fmt: skip
            opened = client.get(link.replace("&amp;", "&")).context["profile"]
            assert opened.readiness.word == line.readiness.word
            assert opened.readiness.covered == line.readiness.covered
            assert opened.assessed_only is (query == "&evidence=assessed" or (only and not query))
            assert (line.readiness.covered == 0) is opened.assessed_only


def test_an_agency_learns_nothing_of_another_and_staff_of_neither(
    client, trainee, instructor, assessor, agency, consent, person, proven
):
    west = Organisation.objects.create(slug="west", name="West Agency", kind="AGENCY")
    Consent.objects.create(trainee=trainee, agency=west)
    wes = person("wes", west, Membership.Role.ASSESSOR)
    both = person("bo", agency, Membership.Role.ASSESSOR)
    Membership.objects.create(person=both, organisation=west, role=Membership.Role.ASSESSOR)
    colleague = person("cas", agency, Membership.Role.ASSESSOR)
    for viewer in (wes, both, colleague, instructor, assessor):
        page(client, viewer, "person", trainee.pk)

    def seen(viewer):
        shown = page(client, viewer, "person", trainee.pk).context["profile"]
        return (
            {each.agency.slug for each in shown.consents},
            {each.viewer.username for each in shown.looks},
        )

    assert seen(assessor) == ({"east-agency"}, {"abe", "cas"})
    assert seen(wes) == ({"west"}, {"wes"})
    assert seen(instructor) == (set(), {"ivy"})
    assert "West Agency" not in text_of(page(client, assessor, "person", trainee.pk))
    own = page(client, trainee, "my-skills").context["profile"]
    assert {each.agency.slug for each in own.consents} == {"east-agency", "west"}
    assert {each.viewer.username for each in own.looks} == {"abe", "bo", "cas", "ivy", "wes"}


def test_the_list_is_searched_paged_and_refused_to_trainees(
    client, trainee, instructor, school, person, monkeypatch
):
    monkeypatch.setattr("range.pipeline.people.PAGE_LENGTH", 2)
    for name in ("ann", "bea", "cid"):
        person(name, school, Membership.Role.TRAINEE)
    first = page(client, instructor, "people").context["people"]
    assert [line.person.username for line in first.lines] == ["ann", "bea"]
    assert first.page.has_next()
    last = page(client, instructor, "people", query="?page=99").context["people"]
    assert [line.person.username for line in last.lines] == ["cid", "tia"]
    found = page(client, instructor, "people", query="?search=BE").context["people"]
    assert [line.person.username for line in found.lines] == ["bea"]
    assert "Nobody by that name" in text_of(page(client, instructor, "people", query="?search=zz"))
    assert page(client, trainee, "people").status_code == 403


def test_evidence_leads_from_score_to_check_excerpt_and_skills(
    client, trainee, instructor, publish, finished, judged, starter
):
    attempt = finished(trainee, publish())
    record = judged(attempt, "gain", "flag", excerpt="<b>seen</b> & kept", hint_rung=2, kind="flag",
                    detail={"tries": 3, "spans": [1]})  # fmt: skip
    response = page(client, instructor, "evidence", record.pk)
    html, shown = response.content.decode(), text_of(response)
    assert "&lt;b&gt;seen&lt;/b&gt; &amp; kept" in html
    assert "hint on rung 2" in shown
    assert "Tries 3" in shown
    assert record.sha256 in shown
    assert {skill.name for skill in response.context["page"].counts} == {
        "Escalate privilege",
        "Abuse sudo rules",
    }
    assert "nice:T1091" in shown
    assert AccessRecord.objects.get().what == f"evidence {record.pk}"


def test_evidence_of_an_open_attempt_cannot_be_read(
    client, trainee, instructor, publish, finished, judged, starter
):
    for state in ("ACTIVE", "FINISHING"):
        attempt = finished(trainee, publish(state.lower()), state=state)
        record = judged(attempt, "mend", "gone", "UNMET", excerpt="hole")
        for viewer in (trainee, instructor):
            response = page(client, viewer, "evidence", record.pk)
            assert response.status_code == 404
            assert "hole" not in text_of(response)


def test_a_corrected_record_says_so_and_counts_nothing(
    client, trainee, publish, finished, judged, instructor, starter
):
    attempt = finished(trainee, publish())
    wrong = judged(attempt, "gain", "flag", "UNMET")
    right = judged(attempt, "gain", "flag", supersedes=wrong, source="PERSON", judged_by=instructor)
    old, new = (page(client, trainee, "evidence", each.pk) for each in (wrong, right))
    assert reverse("evidence", args=[right.pk]) in old.content.decode()
    assert old.context["page"].counts == []
    assert reverse("evidence", args=[wrong.pk]) in new.content.decode()
    assert "ivy" in text_of(new)
    assert len(new.context["page"].counts) == 2


def test_every_record_named_on_the_page_of_skills_opens(client, trainee, proven):
    html = page(client, trainee, "my-skills").content.decode()
    links = set(re.findall(r'href="(/evidence/[0-9a-f-]+/)"', html))
    assert len(links) == 18
    for link in links:
        assert client.get(link).status_code == 200
