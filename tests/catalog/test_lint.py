import copy

import pytest

from range.catalog.lint import lint
from range.catalog.problems import Severity
from range.catalog.reader import read_scenario
from tests.catalog.support import FILES, SPEC, changed, write


def findings(tmp_path, data=None, *, files=None):
    return lint(read_scenario(write(tmp_path / "s", data, files=files)))


def errors(tmp_path, data=None, *, files=None):
    found = findings(tmp_path, data, files=files)
    return [str(each) for each in found if each.severity is Severity.ERROR]


def with_(path, value):
    """Return the small scenario with one place changed; a value of None removes it."""
    data = copy.deepcopy(SPEC)
    place = data
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


BOX = ("machines", "box")
HIDDEN_WITH_VIEW = {"networks": ["lan"], "hidden": True, "view": {"title": "Back"}}
MEND = ("objectives", 1)


def test_a_complete_scenario_has_nothing_to_say(tmp_path):
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*BOX, "networks"), ["wan"], "one of the networks lan, found 'wan'"),
        ((*BOX, "console"), None, "a machine with a console, found none"),
        ((*BOX, "hidden"), True, "a console or hidden, not both"),
        ((*BOX, "aliases"), ["box"], "names of their own"),
        (("machines", "back"), HIDDEN_WITH_VIEW, "a view or hidden, not both"),
        ((*BOX, "view"), {"title": "{{ password }}"}, "no secret where trainees read"),
        ((*BOX, "view"), {"title": "A", "path": "/{{way}}"}, "no secret where trainees read"),
        (("networks", "dark"), {}, "a machine that joins it, found none"),
        ((*BOX, "seed", 1, "owner"), "bob", "found 'bob'"),
        ((*BOX, "seed", 0, "template"), "seed/none.j2", "a file of the scenario"),
        ((*BOX, "build"), "machines/none", "machines/none/Dockerfile"),
        (("reference", "mend"), None, "a reference solution under reference.mend"),
        (("reference", "extra"), [], "one of the objectives enter, mend, found 'extra'"),
        (("reference", "mend", 0, "on"), "bax", "one of the machines box, found 'bax'"),
        (("reference", "enter", 0, "submit"), "entre", "found 'entre'"),
        (
            ("reference", "enter", 0, "submit"),
            {"objective": "enter", "from": "bax:/srv/note"},
            "found 'bax'. Did you mean box?",
        ),
        (("wrong",), {}, "a wrong solution under wrong, found none"),
        (("wrong", "hide", "unmet"), ["mand"], "found 'mand'"),
        (("grading",), {"pass": {"required": ["mand"]}}, "found 'mand'"),
        (("verify",), [{"name": "a", "run": "wrong.none"}], "a solution, found 'wrong.none'"),
        (("verify",), [{"name": "a", "expect": {"mand": "met"}}], "found 'mand'"),
        ((*MEND, "key"), "enter", "a key of its own"),
        (("objectives", 0, "techniques"), ["mitre:T1548"], "the version of mitre under framew"),
        (("objectives", 0, "techniques"), ["attack:S0656"], "an id of attack, found 'S0656'"),
        (("frameworks", "nice"), {"version": "2.1.0", "statements": ["T99"]}, "found 'T99'"),
        ((*MEND, "checks", "all_of", 0, "path"), "/etc/{{ wey }}", "found 'wey'"),
        ((*MEND, "checks", "all_of", 0, "machine"), "bax", "'bax' in gone"),
        ((*MEND, "checks", "all_of", 1, "id"), "gone", "check ids of their own"),
        ((*MEND, "checks", "all_of", 0, "role"), "supporting", "a required check when way is"),
        ((*MEND, "checks", "all_of", 1, "when"), {"way": ["sudi"]}, "found 'sudi'"),
        ((*MEND, "checks", "all_of", 1, "when"), {"password": "x"}, "a variable of type choice"),
        ((*MEND, "hints", 0, "text"), "It is {{ password }}", "no secret where trainees read"),
        ((*MEND, "hints", 0, "text"), "It is {{ flag_enter }}", "no secret where trainees read"),
        ((*MEND, "title"), "Close {{ way }}", "no secret where trainees read"),
        (("variables", "tiny"), {"type": "choice", "from": ["abc"], "secret": True}, "masked"),
        (("variables", "flag_more"), {"type": "flag"}, "a flag check that stands for it"),
        ((*BOX, "setup"), [["{{ open"]], "a text that can be filled in"),
        ((*BOX, "setup"), [["{{ name.__class__ }}"]], "'name'"),
    ],
)
def test_what_does_not_hold_together_is_an_error_with_its_line(tmp_path, path, value, said):
    found = errors(tmp_path, with_(path, value))
    assert any(said in each for each in found), found
    assert all(each.startswith(("scenario.yaml:", "seed/", "machines/")) for each in found)


def test_a_machine_nobody_can_reach_is_an_error(tmp_path):
    data = with_(("machines", "island"), {"networks": ["far"]})
    data["networks"]["far"] = {}
    assert any("a way from a console's networks" in each for each in errors(tmp_path, data))
    data["machines"]["bridge"] = {"networks": ["lan", "far"]}
    assert errors(tmp_path, data) == []


@pytest.mark.parametrize("name", ["reference/solve.sh", "wrong/idea.sh"])
def test_attack_a_seed_from_a_solution_is_an_error(tmp_path, name):
    data = with_((*BOX, "seed", 0), {"file": name, "to": "/x"})
    assert any(
        "reference/ and wrong/" in each for each in errors(tmp_path, data, files={name: "x"})
    )


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        ("FROM debian:bookworm\n", "FROM ${BASE}"),
        ("ARG BASE\nFROM ${BASE}\nADD http://x/y /y\n", "a download"),
        ("ARG BASE\nFROM ${BASE}\nRUN --mount=type=secret true\n", "RUN --mount"),
    ],
)
def test_a_machine_is_built_from_the_base_with_the_classic_builder(tmp_path, dockerfile, said):
    found = errors(tmp_path, files={"machines/box/Dockerfile": dockerfile})
    assert any(said in each for each in found)


def test_a_brief_is_needed_and_may_name_no_secret(tmp_path):
    assert any("brief.md" in each for each in errors(tmp_path / "a", files={"brief.md": None}))
    secret = {"brief.md": "The password is {{ password }}."}
    assert any("brief.md:1: error" in each for each in errors(tmp_path / "b", files=secret))
    broken = {"brief.md": "# Small desk\n\nThe way is {{ way.\n"}
    assert any("brief.md:3: error" in each for each in errors(tmp_path / "c", files=broken))
    hidden = {"brief.md": "The way is {{ way }}."}
    assert any("'way'" in each for each in errors(tmp_path / "c", files=hidden))


def test_an_unknown_variable_of_a_brief_is_found_with_its_line_and_the_one_that_was_meant(tmp_path):
    brief = "# Small desk\n\nThe door is {{ colour }}, and\nonce more {{ color }}: {{ color }}.\n"
    (found,) = errors(tmp_path, files={"brief.md": brief})
    assert found.startswith("brief.md:4: error: expected one of the variables ")
    assert found.endswith("found 'color'. Did you mean colour?")


def test_templates_of_seeds_are_read_as_well(tmp_path):
    found = errors(tmp_path, files={"seed/note.j2": "{{ flag_entre }}"})
    assert any(each.startswith("seed/note.j2:1: error") for each in found)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*MEND, "hints"), [], "hints on rungs 1 to 4"),
        (("objectives", 0, "hints", 2), {"rung": 2, "text": "x"}, "none on 3 when way is cron"),
        ((*MEND, "skills"), [], "a skill it tells about"),
        (("wrong", "break"), None, "at least 2 wrong solutions"),
        (("tutor",), {"knowledge": ["articles/*.md"]}, "articles of its own"),
        ((*BOX, "resources"), {"memory_mb": 4096}, "4096 MiB"),
    ],
)
def test_what_an_author_forgets_is_a_warning(tmp_path, path, value, said):
    found = findings(tmp_path, with_(path, value))
    assert found
    assert {each.severity for each in found} == {Severity.WARNING}
    assert any(said in str(each) for each in found)


def test_a_flag_alone_needs_no_wrong_solution(tmp_path):
    data = changed(objectives=changed()["objectives"][:1], wrong={})
    del data["reference"]["mend"]
    assert errors(tmp_path, data) == []


def test_lines_point_to_the_place(tmp_path):
    folder = write(tmp_path / "s", with_((*BOX, "networks"), ["wan"]))
    problem = next(each for each in lint(read_scenario(folder)) if "wan" in each.found)
    line = (folder / "scenario.yaml").read_text().splitlines()[problem.line - 1]
    assert "wan" in line


def test_the_small_scenario_has_the_files_it_needs():
    assert set(FILES) >= {"brief.md", "seed/note.j2", "machines/box/Dockerfile"}


def warned(tmp_path, check, *, files=None):
    """Return what is said of a check that decides the second objective beside the others."""
    data = copy.deepcopy(SPEC)
    data["objectives"][1]["checks"]["all_of"].append(check)
    return [str(each) for each in findings(tmp_path, data, files=files)]


def test_a_required_log_of_a_machine_trainees_enter_is_doubtful(tmp_path):
    log = {"kind": "log", "machine": "box", "path": "/var/log/a.log", "matches": "^x$"}
    assert warned(tmp_path / "a", log) == []
    said = warned(tmp_path / "b", log | {"role": "required"})
    assert any("which has a console, in log" in each for each in said)


def test_an_exchange_that_is_always_the_same_is_doubtful(tmp_path):
    steps = [{"send": "PING ${nonce}\n", "expect": "^PONG ${nonce}$"}]
    tcp = {"kind": "tcp", "from": "lan", "to": "box:7", "steps": steps}
    assert warned(tmp_path / "a", tcp) == []
    tcp = tcp | {"steps": [{"send": "PING\n", "expect": "^PONG$"}]}
    assert any("constant bytes" in each for each in warned(tmp_path / "b", tcp))


@pytest.mark.parametrize(
    ("kind", "more"), [("sql", {"engine": "mariadb", "to": "box:3306"}), ("ssh", {"to": "box:22"})]
)
def test_logins_of_one_sort_only_are_doubtful(tmp_path, kind, more):
    good = {"name": "good", "account": "app", "password": "a"}
    bad = {"name": "bad", "account": "app", "password": "${nonce}", "expect": "refused"}
    check = {"kind": kind, "from": "lan", "logins": [good, bad]} | more
    assert warned(tmp_path / "both", check) == []
    for login in (good, bad):
        said = warned(tmp_path / login["name"], check | {"logins": [login]})
        assert any("logins to be accepted and logins to be refused" in each for each in said)


def test_a_required_command_of_a_machine_trainees_enter_is_doubtful(tmp_path):
    good = {"name": "good", "account": "app", "password": "a", "run": "id"}
    bad = {"name": "bad", "account": "app", "password": "b", "expect": "refused"}
    ways = {"name": "ways", "account": "app", "methods": ["publickey"]}
    check = {"kind": "ssh", "from": "lan", "to": "box:22", "logins": [good, bad, ways]}
    said = warned(tmp_path / "a", check)
    assert any("box:22, which has a console, in ssh" in each for each in said)
    assert warned(tmp_path / "b", check | {"role": "supporting"}) == []


LOGIN = {"name": "app", "account": "app", "password": "${nonce}", "expect": "refused"}
ASKED = {"kind": "dns", "from": "lan", "questions": [{"name": "www.bank"}]}
STEPS = {"kind": "tcp", "from": "lan", "steps": [{"send": "${nonce}\n", "expect": "${nonce}"}]}
READS = [{"address": 1, "at_least": 1}]
MAILS = [{"name": "one", "recipient": "a@b.example"}]
ROUTES = [
    {"from": "lan", "to": "box:22", "expect": "allow"},
    {"from": "lan", "to": "bax:22", "expect": "deny"},
]
PAGES = [{"url": "http://box/"}, {"url": "http://bax:80/x"}]
EVENT = {"event": "console.opened", "machine": "bax"}


@pytest.mark.parametrize(
    ("check", "field"),
    [
        ({"kind": "port", "from": "lan", "to": "bax:22"}, "to"),
        ({"kind": "port", "from": "lan", "to": "b{{ 'ax' }}:22"}, "to"),
        (STEPS | {"to": "bax:22"}, "to"),
        (ASKED | {"server": "bax:53"}, "server"),
        ({"kind": "smtp", "from": "lan", "to": "bax:25", "mails": MAILS}, "to"),
        ({"kind": "modbus", "from": "lan", "to": "bax:502", "reads": READS}, "to"),
        ({"kind": "ssh", "from": "lan", "to": "bax:22", "logins": [LOGIN]}, "to"),
        (
            {"kind": "sql", "engine": "mariadb", "from": "lan", "to": "bax:1", "logins": [LOGIN]},
            "to",
        ),
        ({"kind": "network_path", "matrix": ROUTES}, "matrix[1].to"),
        ({"kind": "http", "from": "lan", "requests": PAGES}, "requests[1].url"),
        (
            {
                "kind": "http",
                "from": "lan",
                "requests": [{"url": "http://box/"}],
                "after_each": PAGES,
            },
            "after_each[1].url",
        ),
        (
            {"kind": "http", "from": "lan", "cases": [{"name": "a", "requests": PAGES}]},
            "cases[0].requests[1].url",
        ),
        ({"kind": "rubric", "artefact": "bax:/a", "criteria": [{"id": "a", "title": "A"}]}, "art"),
        ({"kind": "sudo_rule", "machine": "bax", "account": "bob", "may_not": ["/x"]}, "machine"),
        ({"kind": "process", "machine": "bax", "none_match": "x"}, "machine"),
        ({"kind": "transcript", "machine": "bax", "program": ["nmap"]}, "machine"),
        ({"kind": "temporal", "role": "supporting", "event": EVENT, "never": True}, "all_of[2]"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_a_machine_that_a_check_names_exists_and_is_told_where_it_stands(tmp_path, check, field):
    data = copy.deepcopy(SPEC)
    data["objectives"][1]["checks"]["all_of"].append(check)
    folder = write(tmp_path / "s", data)
    found = [each for each in lint(read_scenario(folder)) if "'bax'" in each.found]
    assert found
    for each in found:
        assert each.severity is Severity.ERROR
        assert each.where.startswith("objectives[1].checks.all_of[2]")
        assert field in each.where
        assert each.suggestion == "Did you mean box?"
    line = (folder / "scenario.yaml").read_text().splitlines()[found[0].line - 1]
    assert "ax" in line or check["kind"] in line


def test_an_alias_is_a_name_for_who_is_spoken_to_and_for_nobody_who_is_looked_into(tmp_path):
    data = with_((*BOX, "aliases"), ["drawer"])
    checks = data["objectives"][1]["checks"]["all_of"]
    checks.append({"kind": "port", "from": "lan", "to": "drawer:22"})
    assert errors(tmp_path / "a", data) == []
    checks.append({"kind": "file", "machine": "drawer", "path": "/x"})
    (said,) = errors(tmp_path / "b", data)
    assert "one of the machines box, found 'drawer' in file" in said


def test_of_two_checks_of_one_name_the_one_that_an_attempt_has_is_told(tmp_path):
    data = copy.deepcopy(SPEC)
    for way, machine in (("cron", "box"), ("suid", "bax")):
        check = {"id": "door", "kind": "port", "from": "lan", "to": f"{machine}:22"}
        data["objectives"][1]["checks"]["all_of"].append(check | {"when": {"way": way}})
    (said,) = errors(tmp_path, data)
    assert "objectives[1].checks.all_of[3].to" in said


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"objective": "entr"}, "one of the objectives enter, mend, found 'entr' in late"),
        ({"objective": "enter", "check": "gone"}, "one of the checks flag, found 'gone' in late"),
        ({"check": "late"}, "another check than itself"),
        ({"objective": "mend", "check": "gone"}, ""),
    ],
)
def test_events_name_objectives_and_checks_that_exist(tmp_path, event, said):
    event = {"event": "evidence.recorded", **event}
    found = warned(tmp_path, {"id": "late", "kind": "temporal", "event": event, "never": True})
    assert any(said in each for each in found) if said else found == []


def records(first, *, bad=10, good=30):
    rows = [f'{{"ip": "198.51.100.{first + n}", "label": true}}' for n in range(bad)]
    return "\n".join(rows + [f'{{"ip": "203.0.113.{n}", "label": false}}' for n in range(good)])


DETECTION = {
    "kind": "detection",
    "rule": "box:/home/trainee/rule.yml",
    "visible": {"file": "corpora/seen.jsonl"},
    "hidden": {"template": "corpora/unseen.jsonl"},
}


@pytest.mark.parametrize(
    ("check", "files", "said"),
    [
        ({}, {}, ""),
        ({}, {"corpora/unseen.jsonl": None}, "labelled records in corpora/unseen.jsonl"),
        ({}, {"corpora/unseen.jsonl": "{}"}, "line 1 has no 'label'"),
        ({}, {"corpora/unseen.jsonl": '{"label": true, "a": "{{ no }}"}'}, "found 'no'"),
        ({}, {"corpora/unseen.jsonl": '{"label": true}'}, "of both labels"),
        ({"max_false_positives": 99, "min_precision": 0.2}, {}, "finds everything breaks"),
        ({}, {"corpora/seen.jsonl": records(1, bad=2, good=5)}, "at least 20 examples"),
        ({}, {"corpora/unseen.jsonl": records(1)}, "by heart would pass"),
        ({"rule": "bax:/rule.yml"}, {}, "'bax' in detection"),
    ],
)
def test_labelled_records_tell_good_rules_from_bad_ones(tmp_path, check, files, said):
    whole = {"corpora/seen.jsonl": records(1), "corpora/unseen.jsonl": records(101)} | files
    found = warned(tmp_path, DETECTION | check, files=whole)
    assert any(said in each for each in found) if said else found == []


@pytest.mark.parametrize("where", ["machines/box/unseen.jsonl", "seed/note.j2", "knowledge/a.md"])
def test_attack_hidden_records_reach_no_sandbox_and_no_tutor(tmp_path, where):
    data = copy.deepcopy(SPEC)
    data["tutor"] = {"knowledge": ["knowledge/*.md"]}
    check = DETECTION | {"visible": None, "hidden": {"file": where}}
    data["objectives"][1]["checks"]["all_of"].append(check)
    text = "{{ flag_enter }}\n" if where in FILES else records(1)
    found = errors(tmp_path, data, files={where: text})
    assert any("is not hidden" in each for each in found)
