import json

import pytest
from pydantic import ValidationError

from range.checks.base import HttpReply, Outcome, ProbeUnavailable
from range.checks.http import HttpCheck


def check(**fields):
    return HttpCheck.model_validate({"kind": "http", "from": "lan", **fields})


def get(path="/", **fields):
    return {"url": f"http://web:8080{path}", **fields}


def test_an_answer_as_expected_is_met(probe):
    probe.answer(200, '{"mrn": "A1", "notes": []}', [("Content-Type", "application/json")])
    wanted = {
        "status": 200,
        "headers": {"content-type": "json"},
        "json": {"$.mrn": "A1"},
        "json_absent": ["$.ssn"],
        "contains": "notes",
        "not_contains": "secret",
        "matches": '"A\\d"',
    }
    assert check(requests=[get(expect=wanted)]).judge(probe).outcome is Outcome.MET
    assert probe.requests[0]["from_network"] == "lan"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"status": [401, 403]}, "status 200"),
        ({"headers": {"X-Frame": "DENY"}}, "header X-Frame"),
        ({"contains": ["absent"]}, "wanted text is missing"),
        ({"not_contains": ["ssn"]}, "unwanted text is there"),
        ({"not_contains": ["leak"]}, "unwanted text is there"),
        ({"matches": "^nothing$"}, "pattern does not occur"),
        ({"json": {"$.ssn": "2"}}, "value at $.ssn"),
        ({"json_absent": ["$.ssn"]}, "something at $.ssn"),
        ({"max_bytes": 3}, "body of"),
    ],
)
def test_each_difference_is_named(probe, wanted, said):
    probe.answer(200, '{"ssn": "1"}', [("X-Debug", "leak")])
    judged = check(requests=[get(expect=wanted)]).judge(probe)
    assert judged.outcome is Outcome.UNMET
    assert said in judged.excerpt


def test_a_body_that_is_no_json_differs(probe):
    probe.answer(200, "<html>")
    judged = check(requests=[get(expect={"json": {"$.a": 1}})]).judge(probe)
    assert "no JSON" in judged.excerpt


def test_a_service_that_is_down_is_unmet_and_an_engine_that_is_down_is_not_judged(probe):
    one = check(requests=[get()])
    assert one.judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        one.judge(probe)


def test_values_and_cookies_are_carried_to_later_requests(probe):
    probe.answer(200, '{"token": "t-77"}', [("Set-Cookie", "sid=abc; HttpOnly; Path=/")])
    probe.answer(200, "hello t-77")
    requests = [
        get(
            "/login", method="POST", form={"user": "ann", "password": "p w"}, save={"t": "$.token"}
        ),
        get("/me/${t}", headers={"Authorization": "Bearer ${t}"}, expect={"contains": "${t}"}),
    ]
    assert check(requests=requests).judge(probe).outcome is Outcome.MET
    first, second = probe.requests
    assert first["body"] == b"user=ann&password=p+w"
    assert second["url"] == "http://web:8080/me/t-77"
    sent = dict(second["headers"])
    assert sent["Cookie"] == "sid=abc"
    assert sent["Authorization"] == "Bearer t-77"


@pytest.mark.parametrize("place", ["$.missing", "header:X-None", "body:token=(\\w+)"])
def test_a_value_that_is_not_there_cannot_be_saved(probe, place):
    probe.answer(200, "{}")
    judged = check(requests=[get(save={"t": place})]).judge(probe)
    assert "nothing to save" in judged.excerpt


def test_headers_and_patterns_can_be_saved(probe):
    probe.answer(200, "csrf=xyz;", [("Location", "/next")])
    probe.answer()
    requests = [
        get(save={"where": "header:location", "csrf": r"body:csrf=(\w+)"}),
        get("${where}?${csrf}"),
    ]
    assert check(requests=requests).judge(probe).outcome is Outcome.MET
    assert probe.requests[1]["url"] == "http://web:8080/next?xyz"


def test_json_is_sent_with_saved_values_inside(probe):
    probe.answer(200, '{"id": 7}')
    probe.answer()
    requests = [get(save={"id": "$.id"}), get(method="POST", json={"ids": ["${id}"], "n": 1})]
    check(requests=requests).judge(probe)
    assert json.loads(probe.requests[1]["body"]) == {"ids": ["7"], "n": 1}


def test_trap_a_service_cannot_write_headers_through_saved_values(probe):
    probe.answer(200, json.dumps({"t": "x\r\nX-Admin: 1"}))
    probe.answer()
    check(requests=[get(save={"t": "$.t"}), get(headers={"A": "${t}"})]).judge(probe)
    assert all("\r" not in v and "\n" not in v for _, v in probe.requests[1]["headers"])


@pytest.mark.parametrize("sent", ["(", "a{{b", "[x", "x+y", "${t}"])
def test_attack_a_saved_value_is_a_word_in_a_pattern(probe, sent):
    requests = [
        get(save={"t": "$.t"}),
        get(expect={"matches": "^it: ${t}$", "headers": {"X-It": "^${t}$"}}),
    ]
    for said, outcome in ((sent, Outcome.MET), ("other", Outcome.UNMET)):
        probe.answer(200, json.dumps({"t": sent}))
        probe.answer(200, f"it: {said}", [("X-It", sent)])
        assert check(requests=requests).judge(probe).outcome is outcome


@pytest.mark.parametrize(
    ("later", "sent"),
    [
        ({"expect": {"matches": "^${t}$"}}, "x" * 600),
        ({"path": "http://web:${t}/"}, "x"),
        ({"path": "http://web:${t}/"}, "99999"),
        ({"path": "http://${t}/"}, "[web"),
    ],
)
def test_attack_a_saved_value_that_fits_nowhere_is_a_difference(probe, later, sent):
    probe.answer(200, json.dumps({"t": sent}))
    probe.answer()
    wanted = get(**later) | ({"url": later["path"]} if "path" in later else {})
    judged = check(requests=[get(save={"t": "$.t"}), wanted]).judge(probe)
    assert judged.outcome is Outcome.UNMET


def test_trap_the_grader_cannot_be_told_by_its_agent(probe):
    seen = set()
    for _ in range(60):
        probe.answer()
        check(requests=[get()]).judge(probe)
        seen.add(dict(probe.requests[-1]["headers"])["User-Agent"])
    assert len(seen) > 10


def test_trap_answering_one_record_only_fails_the_other_case(probe):
    """A patch that refuses everything passes the attack and fails the work."""

    def refuse_all(_asked):
        return HttpReply(status=403, headers=(), body=b"")

    probe.replies = [refuse_all, refuse_all]
    cases = [
        {"name": "foreign-record", "requests": [get("/r/2", expect={"status": 403})]},
        {"name": "own-record", "requests": [get("/r/1", expect={"status": 200})]},
    ]
    judged = check(cases=cases).judge(probe)
    assert (judged.outcome, judged.score) == (Outcome.UNMET, 0.5)
    assert judged.reason == "some-answers-differ"
    assert "own-record: request 1" in judged.excerpt


def test_each_case_has_its_own_cookies(probe):
    probe.answer(headers=[("Set-Cookie", "sid=first")])
    probe.answer()
    cases = [{"name": "one", "requests": [get()]}, {"name": "two", "requests": [get()]}]
    assert check(cases=cases).judge(probe).outcome is Outcome.MET
    assert "Cookie" not in dict(probe.requests[1]["headers"])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"requests": [get()], "cases": [{"name": "a", "requests": [get()]}]},
        {"requests": [{"url": "ftp://web/"}]},
        {"requests": [get(form={}, json={})]},
        {"requests": [get(save={"Bad Name": "$.a"})]},
    ],
)
def test_requests_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValidationError):
        check(**fields)


def test_what_comes_before_and_after_each_case_is_part_of_it(probe):
    for _ in range(2):
        probe.answer(200, '{"token": "t-1"}')
        probe.answer(200, "hello")
        probe.answer(200, "bye")
    cases = [{"name": name, "requests": [get(f"/{name}/${{t}}")]} for name in ("one", "two")]
    both = check(
        cases=cases,
        before_each=[get("/in", save={"t": "$.token"})],
        after_each=[get("/out", expect={"contains": "bye"})],
    )
    assert both.judge(probe).outcome is Outcome.MET
    asked = [request["url"].removeprefix("http://web:8080") for request in probe.requests]
    assert asked == ["/in", "/one/t-1", "/out", "/in", "/two/t-1", "/out"]


@pytest.mark.parametrize(
    ("wrong", "outcome", "asked"), [(1, Outcome.MET, 20), (2, Outcome.UNMET, 2)]
)
def test_a_share_of_the_cases_can_be_enough(probe, wrong, outcome, asked):
    for number in range(20):
        probe.answer(500 if number < wrong else 200, "")
    cases = [{"name": f"n{n}", "requests": [get(expect={"status": 200})]} for n in range(20)]
    judged = check(cases=cases, min_share=0.95).judge(probe)
    assert judged.outcome is outcome
    assert judged.excerpt.count("status 500") == wrong
    # Once the share is out of reach, nobody is asked any more.
    assert len(probe.requests) == asked
