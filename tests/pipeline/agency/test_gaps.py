"""What a group of people lacks for a role: counted as pages of one person say it, and by right."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import AccessRecord, Cohort, Consent, Organisation
from range.competencies.frameworks import demand_of, role_by_code
from range.competencies.models import RoleRequirement
from range.pipeline.readiness import Word, word_for
from range.pipeline.services import cached_standings
from range.standards.gaps import Asked, GapsRefused, gaps, skill_gap
from range.standards.groups import groups_of

pytestmark = pytest.mark.django_db
ROLE = "IO-WRL-005"


def asked(group, **more):
    return Asked(group=group, role=ROLE, **more)


def of(cohort):
    return f"cohort-{cohort.pk}"


@pytest.fixture
def crowd(person, school, cohort, estimated, asked_of_role):
    """People of a cohort who stand everywhere, some of them far apart in their skills."""
    cuts = asked_of_role()
    first, second, *_ = cuts
    people = {}
    for name, by, more in (
        ("sure", 1.0, {}),
        ("likely", 0.29, {}),
        ("low", -1.0, {}),
        ("mixed", 1.0, {first: cuts[first] - 1.0}),
        ("scarce", 1.0, {}),
    ):
        people[name] = person(name, school, "TRAINEE", cohort)
        means = {key: cut + by for key, cut in cuts.items()} | more
        estimated(people[name], **means, **({"checks": 9} if name == "scarce" else {}))
    people["unseen"] = person("unseen", school, "TRAINEE", cohort)
    estimated(people["unseen"], **{second: 3.0})
    return people


def test_the_figures_are_those_that_pages_of_each_person_say(crowd, cohort, instructor):
    found = gaps(instructor, asked(of(cohort)))
    required = demand_of(role_by_code(ROLE)).required
    known = {
        name: {each.skill: each for each in cached_standings([person]).get(person.pk, [])}
        for name, person in crowd.items()
    }
    assert {gap.key for gap in found.gaps} == set(required)
    for gap in found.gaps:
        words = [
            word_for(by_skill[gap.key], cut=required[gap.key])
            for by_skill in known.values()
            if gap.key in by_skill
        ]
        ready = sum(word in (Word.MEETS, Word.LIKELY) for word in words)
        assert gap.ready == ready
        assert gap.not_yet == words.count(Word.UNCLEAR)
        assert gap.ready + gap.not_yet + gap.not_enough == found.people == len(crowd)
    assert found.ready == 2  # sure and likely; mixed lacks one skill
    lacking = [gap.lacking for gap in found.gaps]
    assert lacking == sorted(lacking, reverse=True)


def test_the_people_behind_a_figure_are_as_many_as_it_says(crowd, cohort, instructor):
    for gap in gaps(instructor, asked(of(cohort))).gaps:
        shown = {}
        for place in ("ready", "not-yet", "not-enough"):
            page = skill_gap(instructor, asked(of(cohort)), key=gap.key, place=place, number="1")
            shown[place] = {row.person.username for row in page.rows}
        assert [len(each) for each in shown.values()] == [gap.ready, gap.not_yet, gap.not_enough]
        assert set.union(*shown.values()) == set(crowd)


def test_scenarios_that_observe_a_skill_are_named_and_their_lack_is(
    crowd, cohort, instructor, publish
):
    publish("yard")
    RoleRequirement.objects.filter(role_code=ROLE).exclude(
        skill__key__in=["harden-privilege-rules"]
    ).first()
    found = gaps(instructor, asked(of(cohort)))
    by_key = {gap.key: gap for gap in found.gaps}
    assert [each.slug for each in by_key["harden-privilege-rules"].scenarios] == ["yard"]
    assert found.uncovered == sum(not each.scenarios for each in found.gaps) > 0


def test_assessed_only_counts_what_was_assessed(
    person, school, cohort, estimated, asked_of_role, instructor
):
    cuts = asked_of_role()
    who = person("who", school, "TRAINEE", cohort)
    estimated(who, **{key: cut + 1 for key, cut in cuts.items()})
    assert gaps(instructor, asked(of(cohort))).ready == 1
    only = gaps(instructor, asked(of(cohort), evidence="assessed"))
    assert only.ready == 0
    assert {gap.not_enough for gap in only.gaps} == {1}


def test_a_viewer_asks_about_their_own_groups_alone(
    crowd, cohort, agency, instructor, assessor, trainee, candidate
):
    with pytest.raises(GapsRefused):
        gaps(trainee, asked(of(cohort)))
    candidate("agrees")
    elsewhere = Organisation.objects.create(slug="south", name="South", kind="SCHOOL")
    theirs = Cohort.objects.create(organisation=elsewhere, name="Theirs")
    for viewer in (instructor, assessor):
        keys = [each.key for each in groups_of(viewer)]
        assert of(theirs) not in keys
        # What is not theirs is not found: the first of their own is shown.
        assert gaps(viewer, asked(of(theirs))).group.key == keys[0]
    assert [each.key for each in groups_of(assessor)] == [f"agency-{agency.slug}"]
    assert gaps(assessor, asked("")).people == 1
    Consent.objects.update(revoked_at=timezone.now())
    assert gaps(assessor, asked("")).people == 0


def test_who_is_named_sees_the_look_and_a_crowd_is_not_one(
    crowd, cohort, instructor, person, school
):
    assert gaps(instructor, asked(of(cohort))).people >= 5
    assert not AccessRecord.objects.exists()
    key = next(iter(demand_of(role_by_code(ROLE)).required))
    page = skill_gap(instructor, asked(of(cohort)), key=key, place="ready", number="1")
    looked = AccessRecord.objects.values_list("subject", flat=True)
    assert set(looked) == {row.person.pk for row in page.rows}
    # A figure about one person is that person's.
    alone = Cohort.objects.create(organisation=school, name="Alone")
    one = person("one", school, "TRAINEE", alone)
    gaps(instructor, asked(of(alone)))
    assert AccessRecord.objects.filter(subject=one, viewer=instructor).count() == 1


def test_queries_do_not_grow_with_people(crowd, cohort, instructor, person, school, estimated):
    def queries(work):
        with CaptureQueriesContext(
            connection,
        ) as counted:
            work()
        return len(counted)

    key = next(iter(demand_of(role_by_code(ROLE)).required))
    works = (
        lambda: gaps(instructor, asked(of(cohort))),
        lambda: skill_gap(instructor, asked(of(cohort)), key=key, place="ready", number="1"),
    )
    before = [queries(work) for work in works]
    for number in range(20):
        more = person(f"more-{number}", school, "TRAINEE", cohort)
        estimated(more, **{key.replace("-", "_"): 3.0})
    assert [queries(work) for work in works] == before
    assert before[0] <= 22


def test_every_person_that_a_figure_opens_leads_to_evidence(
    client, instructor, proven, cohort, trainee
):
    from range.pipeline.services import refresh

    refresh(trainee)
    client.force_login(instructor)
    page = client.get(reverse("gaps"), {"group": of(cohort), "role": ROLE}).content.decode()
    figures = re.findall(r'href="(/gaps/[^"]+)"', page)
    assert figures
    opened = 0
    for address in figures:
        people = client.get(address.replace("&amp;", "&")).content.decode()
        assert people.count("data-point") <= people.count('class="cell"')
        for cell in re.findall(r'class="cell" data-point href="([^"]+)"', people):
            skill = client.get(cell.replace("&amp;", "&")).content.decode()
            assert re.search(r'href="/evidence/[0-9a-f-]{36}/"', skill)
            opened += 1
    assert opened
