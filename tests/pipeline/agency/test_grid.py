"""The grid of candidates: who is in it, in which order, and what each cell says."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import AccessRecord, Consent, Membership, Organisation
from range.pipeline.agency.asked import Asked, asked_by
from range.pipeline.agency.grid import frame_for, grid
from range.pipeline.agency.ranking import Held, ranked, skill_ids
from range.pipeline.models import Candidacy, SkillEstimate
from range.pipeline.readiness import Word
from range.pipeline.services import cached_standings, readiness_for, refresh

pytestmark = pytest.mark.django_db
ROLE = "IO-WRL-005"


def names(agency, **asked):
    wanted = Asked(role=ROLE, **asked)
    held = frame_for(agency, wanted).held
    return [each.username for each in ranked(agency, wanted, held)]


def above(cuts, by):
    return {key: cut + by for key, cut in cuts.items()}


def test_candidates_are_those_whose_consent_is_in_force(candidate, agency, assessor, starter):
    for name in ("yes", "gone", "over"):
        candidate(name)
    candidate("never", agrees=False)
    Consent.objects.filter(trainee__username="gone").update(revoked_at=timezone.now())
    past = timezone.now() - timedelta(seconds=1)
    Consent.objects.filter(trainee__username="over").update(expires_at=past)
    other = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    Consent.objects.create(trainee=candidate("theirs", agrees=False), agency=other)
    assert names(agency) == ["yes"]


def test_the_order_and_the_words_are_those_of_the_readiness_on_pages(
    candidate, agency, estimated, asked_of_role
):
    cuts = asked_of_role()
    people = {}
    for name, by in (("low", -1.0), ("likely", 0.29), ("high", 1.0), ("middle", 0.1)):
        people[name] = candidate(name)
        estimated(people[name], **above(cuts, by))
    # All but one skill far above, and one without enough evidence: nothing may be said.
    people["scarce"] = candidate("scarce")
    first, *rest = cuts
    estimated(people["scarce"], **{key: cuts[key] + 3.0 for key in rest})
    estimated(people["scarce"], checks=9, **{first: cuts[first] + 3.0})
    people["unseen"] = candidate("unseen")
    assert names(agency) == ["high", "likely", "middle", "low", "scarce", "unseen"]
    demand = frame_for(agency, Asked(role=ROLE)).demand
    known = cached_standings(people.values())
    for word in Word:
        shown = {
            name
            for name, person in people.items()
            if readiness_for(known.get(person.pk, []), demand).word == word
        }
        assert set(names(agency, word=word.value)) == shown, word
        assert shown, word


def test_half_of_the_checks_must_not_be_a_models_word(candidate, agency, estimated, asked_of_role):
    cuts = asked_of_role()
    for name, attested in (("half", 12), ("less", 11)):
        estimated(candidate(name), **above(cuts, 2.0))
        rows = model_rows(name)
        rows.update(attested_count=attested)
    assert names(agency, word="meets") == ["half"]


def model_rows(name):
    from range.pipeline.models import SkillEstimate

    return SkillEstimate.objects.filter(trainee__username=name)


def test_a_skill_orders_by_what_can_be_claimed_of_it(candidate, agency, estimated):
    estimated(candidate("wide"), sd=0.9, harden_privilege_rules=1.0)
    estimated(candidate("sure"), sd=0.1, harden_privilege_rules=0.8)
    estimated(candidate("few"), checks=9, harden_privilege_rules=3.0)
    candidate("unseen")
    order = names(agency, sort="skill", skill="harden-privilege-rules")
    assert order == ["sure", "wide", "few", "unseen"]


def test_assessed_evidence_is_kept_apart_and_is_what_the_agency_asks_for(
    client, candidate, agency, assessor, estimated, asked_of_role
):
    cuts = asked_of_role()
    practised, tested = candidate("practised"), candidate("tested")
    estimated(practised, **above(cuts, 2.0))
    estimated(tested, assessed_only=True, **above(cuts, 2.0))
    assert names(agency, word="meets") == ["practised"]
    assert names(agency, word="meets", evidence="assessed") == ["tested"]
    client.force_login(assessor)
    client.post(reverse("change-agency"), {"evidence": "assessed", "query": ""})
    agency.refresh_from_db()
    assert names(agency, word="meets") == ["tested"]
    assert names(agency, word="meets", evidence="all") == ["practised"]
    page = client.get(reverse("person", args=[tested.pk]))
    assert page.context["profile"].assessed_only
    everything = client.get(reverse("person", args=[tested.pk]), {"evidence": "all"})
    assert not everything.context["profile"].assessed_only


def test_refreshing_stores_both_and_drops_what_no_evidence_speaks_for(
    trainee, publish, solved, starter
):
    from range.pipeline.models import SkillEstimate

    solved(trainee, publish("practised"))
    refresh(trainee)
    own = SkillEstimate.objects.filter(trainee=trainee)
    assert (own.filter(assessed_only=False).count(), own.filter(assessed_only=True).count()) == (
        3,
        0,
    )
    solved(trainee, publish("assessed", policy="ASSESSED"))
    refresh(trainee)
    both = own.get(skill__key="escalate-privilege", assessed_only=False)
    only = own.get(skill__key="escalate-privilege", assessed_only=True)
    assert (both.scenario_count, only.scenario_count) == (2, 1)
    assert both.mean > only.mean


def test_names_stages_and_pages_are_asked_for_in_the_address(
    client, candidate, agency, assessor, starter, monkeypatch
):
    monkeypatch.setattr("range.pipeline.agency.grid.PAGE_LENGTH", 2)
    for name in ("ann", "bea", "cid"):
        candidate(name)
    placed = candidate("dan")
    Candidacy.objects.create(agency=agency, trainee=placed, stage="HIRED")
    Candidacy.objects.create(agency=agency, trainee=candidate("eve"), stage="")
    client.force_login(assessor)

    def shown(**query):
        page = client.get(reverse("candidates"), query).context["grid"]
        return [row.person.username for row in page.rows]

    assert shown(sort="name") == ["ann", "bea"]
    assert shown(sort="name", page="3") == ["eve"]
    assert shown(stage="HIRED") == ["dan"]
    assert shown(stage="NONE", sort="name", page="2") == ["cid", "eve"]
    assert shown(search="EA") == ["bea"]
    assert shown(sort="stage")[0] == "dan"
    assert shown(sort="recent") == ["ann", "bea"]


def test_everybody_on_the_page_sees_the_look_and_nobody_else(
    client, candidate, agency, assessor, starter, monkeypatch
):
    monkeypatch.setattr("range.pipeline.agency.grid.PAGE_LENGTH", 1)
    for name in ("ann", "bea"):
        candidate(name)
    client.force_login(assessor)
    client.get(reverse("candidates"), {"sort": "name"})
    look = AccessRecord.objects.get()
    assert (look.subject.username, look.viewer) == ("ann", assessor)
    assert agency.name in look.what


def test_the_number_of_queries_does_not_grow_with_people(
    assessor, candidate, estimated, asked_of_role
):
    cuts = asked_of_role()
    counts = []
    for name in ("a", "b", "c", "d", "e", "f"):
        estimated(candidate(name), **above(cuts, 0.5))
        if name in {"a", "f"}:
            with CaptureQueriesContext(connection) as queries:
                grid(assessor, Asked(role=ROLE))
            counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 20


def test_a_whole_page_takes_few_queries_and_counting_reads_no_estimates(
    client, assessor, candidate, estimated, asked_of_role
):
    cuts = asked_of_role()
    for name in ("a", "b", "c"):
        estimated(candidate(name), **above(cuts, 0.5))
    client.force_login(assessor)
    for query in (
        {"role": ROLE},
        {"role": ROLE, "columns": "all"},
        {"role": ROLE, "sort": "stage"},
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("candidates"), query).status_code == 200
        asked = [each["sql"] for each in queries]
        assert len(asked) <= 24, asked
        counting = [each for each in asked if each.startswith("SELECT COUNT(*)")]
        assert len(counting) == 1
        assert "pipeline_skillestimate" not in counting[0]
    # A word is made of estimates, so whoever asks for one is counted by them.
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("candidates"), {"role": ROLE, "word": "meets"})
    assert page.context["grid"].page.paginator.count == 3
    assert any("COUNT" in each["sql"] and "skillestimate" in each["sql"] for each in queries)


@pytest.mark.parametrize("asked", [Asked(), Asked(sort="skill", skill="map-network")])
def test_ranking_reads_no_more_than_the_covering_index_holds(agency, asked_of_role, asked):
    cuts = {key.replace("_", "-"): cut for key, cut in asked_of_role().items()}
    held = Held(required=cuts, ids=skill_ids(), assessed_only=False)
    query = str(ranked(agency, asked, held).query)
    read = set(re.findall(r'"(?:held|sorted_by)"\."(\w+)"', query))
    index = next(each for each in SkillEstimate._meta.indexes if each.include)
    holds = {SkillEstimate._meta.get_field(name).column for name in index.fields}
    assert read
    assert read <= holds | set(index.include)


def test_each_cell_says_its_word_and_leads_to_its_evidence(
    client, assessor, agency, proven, trainee, publish, solved
):
    Consent.objects.create(trainee=trainee, agency=agency)
    for number in range(6, 12):
        solved(trainee, publish(f"yard-{number}", policy="ASSESSED"))
    refresh(trainee)
    client.force_login(assessor)
    response = client.get(reverse("candidates"), {"role": ROLE})
    html = response.content.decode()
    cell = next(
        each
        for each in response.context["grid"].rows[0].cells
        if each.column.key == "harden-privilege-rules"
    )
    assert cell.says != "not enough evidence"
    assert cell.bar.label in html
    address = reverse("person-skill", args=[trainee.pk, "harden-privilege-rules"])
    assert f'href="{address}?role={ROLE}&amp;evidence=all"' in html
    opened = client.get(f"{address}?role={ROLE}").content.decode()
    assert "<details open>" in opened
    assert f"/evidence/{proven[0].evidence.get(check_id='gone').pk}/" in opened
    assert client.get(address.replace("harden-privilege-rules", "none-such")).status_code == 404


def test_the_part_of_the_page_and_all_skills_come_by_themselves(
    client, candidate, assessor, starter
):
    candidate("ann")
    client.force_login(assessor)
    part = client.get(
        reverse("candidates"),
        {"columns": "all", "part": "2"},
        headers={"HX-Target": "candidates-grid"},
    )
    assert part.content.decode().lstrip().startswith('<div id="candidates-grid"')
    assert "part=2" in part.headers["HX-Push-Url"]
    shown = part.context["grid"]
    assert len(shown.columns) == 10
    assert shown.parts == 5
    figures = client.get(reverse("candidates"), {"shown": "figures"}).content.decode()
    assert '<svg class="interval' not in figures


def test_nonsense_in_the_address_falls_back(client, candidate, assessor, starter):
    candidate("ann")
    client.force_login(assessor)
    for query in (
        "role=%00&sort=skill:%00&stage=X&word=%27&page=0&part=-1&shown=%3Cb",
        "sort=skill:none&columns=all&part=99999&page=%C2%B2&search=%00",
    ):
        response = client.get(f"{reverse('candidates')}?{query}")
        assert response.status_code == 200
        assert [row.person.username for row in response.context["grid"].rows] == ["ann"]


def test_an_address_is_written_as_it_was_read():
    asked = Asked(role="X", word="meets", sort="skill", skill="map-network", page="3", part="2")
    from django.http import QueryDict

    assert asked_by(QueryDict(asked.query).dict()) == asked
    assert asked.kept == "role=X&word=meets&sort=skill&skill=map-network"
    assert Asked().query == ""


@pytest.mark.parametrize("who", ["trainee", "instructor", "administrator"])
def test_it_is_for_assessors_alone(client, request, who, starter):
    client.force_login(request.getfixturevalue(who))
    for name in ("candidates", "compare-candidates", "candidates-csv"):
        assert client.get(reverse(name)).status_code == 403
    assert not AccessRecord.objects.exists()


def test_without_candidates_or_frameworks_the_page_says_what_to_do(client, assessor):
    client.force_login(assessor)
    assert "Nobody lets East Agency look yet" in client.get(reverse("candidates")).content.decode()
    searched = client.get(reverse("candidates"), {"search": "zz"}).content.decode()
    assert "Nobody matches" in searched


def test_somebody_who_works_for_two_agencies_chooses(
    client, assessor, candidate, person, school, starter
):
    candidate("ann")
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    Membership.objects.create(person=assessor, organisation=west, role="ASSESSOR")
    Consent.objects.create(trainee=candidate("wes", agrees=False), agency=west)
    client.force_login(assessor)
    for slug, name in (("", "ann"), ("west", "wes"), ("none", "ann")):
        page = client.get(reverse("candidates"), {"agency": slug})
        assert [row.person.username for row in page.context["grid"].rows] == [name]


def test_a_form_changes_the_agency_it_names_or_none(client, assessor, agency, starter):
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    client.force_login(assessor)
    form = {"evidence": "assessed", "query": "agency=west"}
    assert client.post(reverse("change-agency"), form).status_code == 404
    kept = {"name": "Theirs", "query": "agency=west"}
    assert client.post(reverse("keep-search"), kept).status_code == 404
    for each in (agency, west):
        each.refresh_from_db()
        assert not each.assessed_only
    # What a page shows instead is what its forms are about.
    page = client.get(reverse("candidates"), {"agency": "west"})
    form["query"] = page.context["grid"].asked.query
    assert client.post(reverse("change-agency"), form).status_code == 302
    agency.refresh_from_db()
    assert agency.assessed_only


def test_a_list_that_is_cut_short_says_so_in_the_file_and_before(
    client, assessor, candidate, starter, monkeypatch
):
    for name in ("ann", "bea"):
        candidate(name)
    client.force_login(assessor)
    for most, told in ((2, False), (1, True)):
        monkeypatch.setattr("range.pipeline.agency.grid.MOST_TAKEN", most)
        page = client.get(reverse("candidates"), {"sort": "name"}).content.decode()
        lines = (
            client.get(reverse("candidates-csv"), {"sort": "name"}).content.decode().split("\r\n")
        )
        assert ("holds the first 1 of 2" in " ".join(page.split())) is told
        assert ('"bea"' in "".join(lines)) is not told
        assert lines[-2].startswith('"Only the first 1 of 2 people') is told


def test_the_list_can_be_taken_along_and_each_sees_it(
    client, assessor, candidate, estimated, asked_of_role
):
    one = candidate("=cmd")
    estimated(one, **above(asked_of_role(), 2.0))
    client.force_login(assessor)
    told = client.get(reverse("candidates-csv"), {"role": ROLE}).content.decode("utf-8-sig")
    assert '"\'=cmd"' in told
    assert '"meets"' in told
    assert AccessRecord.objects.get().what.startswith("took along: candidates")
    Consent.objects.update(revoked_at=timezone.now())
    assert "=cmd" not in client.get(reverse("candidates-csv")).content.decode()
