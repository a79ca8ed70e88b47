"""Adverse-impact reports: whoever attacks them first, then what they tell and who may see it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from range.accounts.models import AccessRecord, Consent, Membership, Organisation
from range.pipeline.impact import report as reports
from range.pipeline.impact.report import make, opened, sections_of
from range.pipeline.impact.switch import ImpactRefused, is_on, switch
from range.pipeline.models import Candidacy, GroupDeclaration, ImpactReport
from range.timeline.services import broken_at, events_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]
REASON = "The board wants to know by spring."


@pytest.fixture
def next_day(monkeypatch):
    """Let as much time pass as must lie between reports."""
    monkeypatch.setattr(reports, "REST", timedelta(0))


def line_of(made, group, name="Hired"):
    gender = next(each for each in sections_of(made) if each.key == "gender")
    lines = next(each for each in gender.compared if each.name == name).lines
    return next(each for each in lines if each.group.name == group)


def kinds(agency):
    return [each.kind for each in events_of(agency.pk)]


def able(people):
    """Let the estimates of some say that they meet whatever any role asks."""
    from range.competencies.models import ObservableSkill
    from range.pipeline.models import SkillEstimate

    SkillEstimate.objects.bulk_create(
        SkillEstimate(
            trainee=each,
            skill=skill,
            mean=3.0,
            sd=0.2,
            evidence_count=24,
            scenario_count=6,
            hinted_count=0,
            attested_count=24,
            parameter_set="2026.1",
            updated_at="2026-01-01T00:00:00Z",
        )
        for each in people
        for skill in ObservableSkill.objects.all()
    )


def test_it_is_off_until_an_administrator_switches_it_on_with_a_reason(manager, agency, mixed):
    assert not is_on(agency)
    with pytest.raises(ImpactRefused):
        make(manager, agency)
    with pytest.raises(ImpactRefused) as refused:
        switch(manager, agency, on=True, reason="  because ")
    assert refused.value.reason == "reason-missing"
    assert not is_on(agency)
    switch(manager, agency, on=True, reason=REASON)
    assert is_on(agency)
    assert make(manager, agency) is not None


@pytest.mark.usefixtures("switched_on", "mixed")
def test_nobody_but_its_administrators_sees_makes_or_switches(
    client, manager, agency, assessor, instructor, administrator, trainee, person
):
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    other = person("oda", west, Membership.Role.ADMIN)
    made = make(manager, agency)
    before = (kinds(agency), ImpactReport.objects.count())
    for viewer in (assessor, instructor, administrator, trainee, other):
        client.force_login(viewer)
        pages = [reverse(name, args=[made.pk]) for name in ("impact-report", "impact-csv")]
        assert {client.get(page).status_code for page in pages} == {404}
        answer = client.get(reverse("impact"), {"agency": agency.slug})
        assert b"Report of" not in answer.content
        for name, sent in (
            ("make-impact", {}),
            ("switch-impact", {"action": "off", "reason": REASON}),
        ):
            status = 404 if viewer is other else 403
            assert client.post(reverse(name), sent | {"agency": agency.slug}).status_code == status
        with pytest.raises(ImpactRefused):
            switch(viewer, agency, on=False, reason=REASON)
        with pytest.raises(ImpactRefused):
            make(viewer, agency)
    assert (kinds(agency), ImpactReport.objects.count()) == before


@pytest.mark.usefixtures("switched_on")
def test_candidates_of_another_agency_are_never_counted(manager, agency, crowd, mixed, withdraw):
    elsewhere = crowd(35, gender="another", stage="HIRED")
    withdraw(elsewhere)
    made = make(manager, agency)
    assert made.figures["people"] == 120
    groups = {line.group.name for line in sections_of(made)[0].compared[0].lines}
    assert groups == {"Woman", "Man"}


@pytest.mark.usefixtures("switched_on")
def test_it_tells_rate_ratio_and_chance(manager, agency, mixed):
    made = make(manager, agency)
    woman, man = line_of(made, "Woman"), line_of(made, "Man")
    assert (woman.count, man.count) == ("10 of 60", "40 of 60")
    assert woman.ratio == pytest.approx(0.25)
    assert woman.is_finding
    assert woman.chance_in_words == "< 0.001"


@pytest.mark.usefixtures("switched_on")
def test_no_condition_in_an_address_narrows_it(client, manager, agency, mixed):
    made = make(manager, agency)
    client.force_login(manager)
    page = reverse("impact-report", args=[made.pk])
    main = [
        client.get(page, sent).content.split(b'<h2 class="panel__title" id="make-title"')[0]
        for sent in ({}, {"search": "winona", "stage": "HIRED", "role": "IO-WRL-005"})
    ]
    # A page's own tokens differ at each visit; what it tells does not.
    told = [each[each.index(b"<h1>") :] for each in main]
    assert told[0] == told[1]


@pytest.mark.usefixtures("switched_on", "next_day")
def test_two_days_cannot_be_subtracted(manager, agency, mixed, crowd, withdraw):
    make(manager, agency)
    for change in (
        lambda: None,
        lambda: withdraw(mixed[:1]),
        lambda: crowd(1, gender="woman", stage="HIRED"),
        # One of the invited is hired, and everything else stays.
        lambda: Candidacy.objects.filter(trainee=mixed[30]).update(stage="HIRED"),
        lambda: GroupDeclaration.objects.filter(person=mixed[0]).update(group="man"),
        lambda: crowd(27, gender="man", stage="HIRED"),
    ):
        change()
        with pytest.raises(ImpactRefused) as refused:
            make(manager, agency)
        assert refused.value.reason == "impact-too-few"
    assert ImpactReport.objects.count() == 1
    # New people enough, but all of them hired.
    crowd(31, gender="woman", stage="HIRED")
    with pytest.raises(ImpactRefused):
        make(manager, agency)
    crowd(31, gender="man", stage="INVITED")
    first, second = ImpactReport.objects.get(), make(manager, agency)
    assert second.figures["people"] == 90
    assert not {*first.counted["people"]} & {*second.counted["people"]}


@pytest.mark.usefixtures("switched_on")
def test_two_agencies_of_one_administrator_cannot_be_subtracted(manager, agency, mixed):
    """Everybody but one lets both agencies look: those counted by one are not by the other."""
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    Membership.objects.create(person=manager, organisation=west, role="ADMIN")
    Consent.objects.bulk_create(Consent(trainee=each, agency=west) for each in mixed[1:])
    Candidacy.objects.bulk_create(
        Candidacy(agency=west, trainee=each, stage="HIRED") for each in mixed[1:50]
    )
    switch(manager, west, on=True, reason=REASON)
    make(manager, agency)
    with pytest.raises(ImpactRefused) as refused:
        make(manager, west)
    assert refused.value.reason == "impact-too-few"


@pytest.mark.usefixtures("switched_on", "next_day")
def test_switching_off_and_on_forgets_nothing_that_was_told(manager, agency, mixed, withdraw):
    first = make(manager, agency)
    switch(manager, agency, on=False, reason=REASON)
    with pytest.raises(ImpactRefused):
        opened(manager, first.pk)
    switch(manager, agency, on=True, reason=REASON)
    withdraw(mixed[:1])
    with pytest.raises(ImpactRefused):
        make(manager, agency)


@pytest.mark.usefixtures("switched_on")
def test_a_group_of_29_is_not_told_and_trying_daily_does_not_find_the_thirtieth(
    manager, agency, crowd
):
    crowd(40, gender="man", stage="HIRED")
    crowd(29, gender="woman", stage="INVITED")
    asked = crowd(20, stage="INVITED")[0]
    assert make(manager, agency) is None
    GroupDeclaration.objects.create(person=asked, dimension="gender", group="woman")
    # Would it be made now, the agency knew what the one it asked had answered.
    with pytest.raises(ImpactRefused) as refused:
        make(manager, agency)
    assert refused.value.reason == "impact-too-soon"
    assert not ImpactReport.objects.exists()


@pytest.mark.usefixtures("switched_on")
def test_a_small_group_hides_another_so_that_it_is_no_remainder(manager, agency, mixed, crowd):
    crowd(6, gender="another", stage="HIRED")
    crowd(25, gender="another", stage="INVITED")
    GroupDeclaration.objects.filter(person__in=mixed[:2]).update(group="several")
    made = make(manager, agency)
    groups = {line.group.name for line in sections_of(made)[0].compared[0].lines}
    assert groups == {"Woman", "Man"}


@pytest.mark.usefixtures("switched_on")
def test_a_stage_that_one_person_reached_is_not_told(manager, agency, mixed):
    Candidacy.objects.filter(trainee=mixed[30]).update(stage="REFERRED")
    made = make(manager, agency)
    names = {each.name for each in sections_of(made)[0].compared}
    assert "Hired" in names
    assert "Referred or further" not in names


@pytest.mark.usefixtures("switched_on")
def test_nobodys_name_or_id_is_on_the_page_or_in_the_file(client, manager, agency, mixed):
    made = make(manager, agency)
    client.force_login(manager)
    for name in ("impact-report", "impact-csv"):
        answer = client.get(reverse(name, args=[made.pk]))
        assert answer.status_code == 200
        assert "10" in answer.text
        for each in mixed:
            assert each.display_name not in answer.text
            assert str(each.pk) not in answer.text


@pytest.mark.usefixtures("switched_on")
def test_words_for_readiness_are_lines_too(manager, agency, mixed):
    able([*mixed[:40], *mixed[60:100]])
    compared = sections_of(make(manager, agency))[0].compared
    assert {each.name for each in compared if each.part != "Stages"} == {"meets"}
    # Every role asks for what these people have: the same people are told of once.
    assert len([each for each in compared if each.part != "Stages"]) == 1


@pytest.mark.usefixtures("switched_on")
def test_looks_and_copies_are_in_the_time_line_which_holds(client, manager, agency, mixed):
    made = make(manager, agency)
    client.force_login(manager)
    client.get(reverse("impact"))
    client.get(reverse("impact-csv", args=[made.pk]))
    assert kinds(agency) == ["impact.on", "impact.made", "impact.read", "impact.taken"]
    assert broken_at(agency.pk) is None
    answer = client.get(reverse("impact"))
    assert "A report was taken along" in answer.text
    assert "mia" in answer.text
    # It is nobody's record that was looked at.
    assert not AccessRecord.objects.exists()


@pytest.mark.usefixtures("switched_on")
def test_a_report_is_never_edited(manager, agency, mixed):
    made = make(manager, agency)
    for change in (
        lambda: ImpactReport.objects.filter(pk=made.pk).update(figures={}),
        lambda: ImpactReport.objects.filter(pk=made.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_an_administrator_walks_from_off_to_a_report_by_forms(client, manager, agency, mixed):
    client.force_login(manager)
    page = reverse("impact")
    assert "Switched off" in client.get(page).text
    sent = {"agency": agency.slug, "action": "on", "reason": REASON}
    assert "No report yet" in client.post(reverse("switch-impact"), sent, follow=True).text
    answer = client.post(reverse("make-impact"), {"agency": agency.slug}, follow=True)
    assert "Report of" in answer.text
    assert "more than chance explains" in answer.text
    assert "Make a report now" not in answer.text


@pytest.mark.usefixtures("switched_on")
def test_assessors_cannot_place_people_so_that_one_is_left_over(manager, agency, crowd):
    """Of 61 able ones 30 are hired and 30 assessed; 31 others are referred: one is left."""
    hired = crowd(30, gender="man", stage="HIRED")
    crowd(31, gender="woman", stage="REFERRED")
    assessed = crowd(30, gender="man", stage="ASSESSED")
    left = crowd(1, gender="woman")
    crowd(50, gender="man")
    crowd(58, gender="woman")
    able([*hired, *assessed, *left])
    names = {each.name for each in sections_of(make(manager, agency))[0].compared}
    assert not {"Hired", "Referred or further", "Assessed or further", "meets"} <= names


@pytest.mark.usefixtures("switched_on")
def test_what_is_bounded_does_not_follow_from_the_rest_of_its_line(manager, agency, crowd):
    """Everybody answered, so the third group's figure is what is left of the hired."""
    crowd(25, gender="woman", stage="HIRED")
    crowd(35, gender="woman", stage="INVITED")
    crowd(15, gender="man", stage="HIRED")
    crowd(35, gender="man", stage="ASSESSED")
    crowd(40, gender="another", stage="ASSESSED")
    made = make(manager, agency)
    assert made is not None
    compared = {each.name: each for each in sections_of(made)[0].compared}
    assert "Hired" not in compared
    assert "Assessed or further" in compared


@pytest.mark.usefixtures("switched_on")
def test_what_an_administrator_no_longer_runs_is_not_answered_by_another(
    client, manager, agency, mixed
):
    west = Organisation.objects.create(slug="west", name="West", kind="AGENCY")
    client.force_login(manager)
    before = kinds(agency)
    for name, sent in (("switch-impact", {"action": "off", "reason": REASON}), ("make-impact", {})):
        assert client.post(reverse(name), sent | {"agency": west.slug}).status_code == 404
    assert kinds(agency) == before
    assert not ImpactReport.objects.exists()


@pytest.mark.usefixtures("switched_on")
def test_a_group_hidden_for_anothers_sake_is_not_said_to_be_small(client, manager, agency, crowd):
    crowd(100, gender="man", stage="HIRED")
    crowd(31, gender="woman", stage="INVITED")
    crowd(29, gender="another", stage="INVITED")
    client.force_login(manager)
    answer = client.post(reverse("make-impact"), {"agency": agency.slug}, follow=True)
    assert "No two groups have" not in answer.text
    assert "without singling somebody out" in answer.text
