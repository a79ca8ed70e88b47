"""What a work role asks: who may change it, what a change leaves behind, and what it moves."""

import pytest
from django.core.management import call_command

from range.competencies.frameworks import demand_of, role_by_code
from range.competencies.models import RoleRequirement
from range.competencies.requirements import CHANGED, CUTS, changes_of, levels_asked
from range.competencies.services import load_starter
from range.timeline.models import Event

pytestmark = pytest.mark.django_db
CODE = "PD-WRL-007"
PAGE = f"/teaching/roles/{CODE}/"
WHY = "Our job analysis of this spring says so."


@pytest.fixture(autouse=True)
def starter(db):
    load_starter()


def form(levels, reason=WHY):
    return {f"level-{key}": level for key, level in levels.items()} | {"reason": reason}


def test_the_page_shows_what_is_asked_by_whom_and_why(client, instructor):
    client.force_login(instructor)
    page = client.get(PAGE).content.decode()
    assert "Set by Muster project" in page
    assert "The role finds weaknesses by test" in page
    assert "Nobody changed it yet" in page


def test_a_change_is_asked_from_now_on_and_stays_in_the_history(client, instructor):
    before = levels_asked(CODE)
    wanted = {"analyse-logs": "assisted", "report-findings": "new-conditions"}
    client.force_login(instructor)
    page = client.post(PAGE, form(wanted), follow=True).content.decode()
    assert levels_asked(CODE) == wanted
    asked = demand_of(role_by_code(CODE)).required
    assert asked == {key: CUTS[level] for key, level in wanted.items()}
    change = changes_of(CODE)[0]
    assert (change.before, change.after, change.reason) == (before, wanted, WHY)
    assert WHY in page
    assert "no longer asked for" in page
    row = RoleRequirement.objects.get(role_code=CODE, skill__key="analyse-logs")
    assert (row.author, row.reason) == (instructor.shown_name, WHY)


def test_what_is_kept_keeps_its_author(client, instructor):
    before = levels_asked(CODE)
    client.force_login(instructor)
    client.post(PAGE, form(before | {"analyse-logs": "assisted"}))
    kept = RoleRequirement.objects.get(role_code=CODE, skill__key="report-findings")
    assert kept.author == "Muster project"


def test_a_change_can_be_put_back(client, instructor):
    before = levels_asked(CODE)
    client.force_login(instructor)
    client.post(PAGE, form({"analyse-logs": "assisted"}))
    number = changes_of(CODE)[0].event.seq
    client.post(PAGE, {"put_back": str(number), "reason": "Put back as it was before."})
    assert levels_asked(CODE) == before
    assert len(changes_of(CODE)) == 2


def test_the_starter_slice_never_undoes_what_people_decided(client, instructor):
    client.force_login(instructor)
    client.post(PAGE, form({"analyse-logs": "assisted"}))
    call_command("load_starter_frameworks", verbosity=0)
    assert levels_asked(CODE) == {"analyse-logs": "assisted"}


@pytest.mark.parametrize(
    ("levels", "reason", "said"),
    [
        ({"analyse-logs": "assisted"}, "short", "10 to 1,000 characters; it had 5"),
        ({"analyse-logs": "expert"}, WHY, "The level must be one of"),
        ({}, WHY, "asks for 1 to 20 skills; these were 0"),
        ({"no-such-skill": "assisted"}, WHY, "these were 0"),
    ],
)
def test_what_makes_no_sense_changes_nothing_and_stays_in_the_form(
    client, instructor, levels, reason, said
):
    before = levels_asked(CODE)
    client.force_login(instructor)
    answer = client.post(PAGE, form(levels, reason))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert f">{reason}</textarea>" in page
    assert levels_asked(CODE) == before
    assert not Event.objects.filter(kind=CHANGED).exists()


def test_the_same_again_is_no_change(client, instructor):
    client.force_login(instructor)
    assert "exactly this already" in client.post(PAGE, form(levels_asked(CODE))).content.decode()


def test_a_role_that_asks_nothing_yet_is_given_something(client, instructor):
    client.force_login(instructor)
    assert "OG-WRL-014" in client.get("/teaching/roles/").content.decode()
    client.post("/teaching/roles/OG-WRL-014/", form({"report-findings": "assisted"}))
    assert role_by_code("OG-WRL-014") is not None


def test_an_unknown_role_is_not_found(client, instructor):
    client.force_login(instructor)
    assert client.get("/teaching/roles/XX-WRL-999/").status_code == 404
    assert client.post("/teaching/roles/XX-WRL-999/", form({})).status_code == 404


@pytest.mark.parametrize("who", ["trainee", "assessor"])
def test_nobody_else_sees_or_changes_it(request, client, who):
    before = levels_asked(CODE)
    client.force_login(request.getfixturevalue(who))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, form({"analyse-logs": "assisted"})).status_code == 403
    assert levels_asked(CODE) == before
