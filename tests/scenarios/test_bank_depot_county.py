"""What three scenarios promise beyond what all promise: passwords, nine pairs, the right six."""

import json
import re
from collections import Counter
from uuid import uuid4

import pytest

from range.catalog.reader import read_scenario
from range.catalog.rendering import rendered
from range.catalog.topology_builder import build_topology
from range.catalog.variables import draw, secrets_among
from range.checks.base import Outcome
from range.checks.combine import leaves
from tests.checks.support import FakeProbe
from tests.scenarios.trial import LIBRARY

# What one may tell at a desk, because it is the trainee's own or asks to be found elsewhere.
HELD_BY_TRAINEES = {"three-hops": {"⟦SECRET:key_number⟧"}}


def attempt(slug):
    """Return what an attempt drew, its scenario, and its topology."""
    loaded = read_scenario(LIBRARY / slug)
    values = draw(loaded.spec, b"test", uuid4(), epoch=1)
    spec = rendered(loaded.spec, values)
    images = dict.fromkeys(spec.machines, "any")
    topology = build_topology(spec, assets=loaded.assets, images=images, values=values)
    return values, spec, topology


def check_of(spec, objective, check):
    return next(each for each in leaves(spec.objective(objective).checks) if each.id == check)


@pytest.mark.parametrize("slug", ["teller-terminal", "three-hops", "patch-sunday"])
def test_no_secret_lies_on_the_desk(slug):
    values, spec, topology = attempt(slug)
    on_desk = b"\n".join(file.data for file in topology.machine("desk").files).decode()
    secret = secrets_among(spec, values)
    found = {name for text, name in secret.items() if text in on_desk}
    assert found == HELD_BY_TRAINEES.get(slug, set())


def test_the_banks_passwords_are_made_from_the_list_on_the_desk_which_is_short():
    spec = read_scenario(LIBRARY / "teller-terminal").spec
    words = (LIBRARY / "teller-terminal" / "seed" / "words.txt").read_text("utf-8").split()
    drawn = {*spec.variables["word"].options, *spec.variables["old_word"].options}
    assert drawn <= set(words)
    # Ninety endings each: seconds for one digest on half a core.
    assert len(words) * 90 < 20_000
    assert not set(spec.variables["word"].options) & set(spec.variables["old_word"].options)


@pytest.mark.parametrize("sink", ["day", "till", "order"])
def test_the_banks_tool_looks_at_two_options_and_misses_the_third(sink):
    loaded = read_scenario(LIBRARY / "teller-terminal")
    values = draw(loaded.spec, b"test", uuid4(), epoch=1) | {"sink": sink}
    spec = rendered(loaded.spec, values)
    images = dict.fromkeys(spec.machines, "any")
    topology = build_topology(spec, assets=loaded.assets, images=images, values=values)
    tool = next(f for f in topology.machine("terminal").files if "/sbin/" in f.path)
    rules = re.findall(r'^    "(\w+)": r"', tool.data.decode(), re.MULTILINE)
    assert {"day", "till", "order"} - set(rules) == {sink}
    assert sink in spec.reference["become-root"][0].run


def test_the_depot_asks_for_nine_different_pairs_of_both_kinds():
    _, spec, _ = attempt("three-hops")
    matrix = check_of(spec, "segment", "nine-pairs").matrix
    assert len({(route.from_network, route.to) for route in matrix}) == 9
    assert Counter(route.expect for route in matrix) == {"allow": 4, "deny": 5}


@pytest.mark.parametrize("repeat", range(6))
def test_the_right_order_follows_the_policy_of_the_county_and_not_the_score(repeat):
    values, spec, topology = attempt("patch-sunday")
    place = "/srv/county/settings.json"
    file = next(f for f in topology.machine("county").files if f.path == place)
    settings = json.loads(file.data)
    findings = settings["findings"]
    assert len({each["id"] for each in findings}) == 20

    def heap(each):
        if re.search("filter|switched off", each["note"]):
            return 5
        return {(True, "internet"): 1, (True, "inside"): 2, (False, "internet"): 3}.get(
            (each["used"], each["reach"]), 4
        )

    right = sorted(findings, key=lambda each: (heap(each), -each["score"]))
    text = "\n".join(each["id"] for each in right) + "\n"
    for name in ("first-six", "all-twenty"):
        pattern = check_of(spec, "rank", name).contains[0]
        assert re.search(pattern, text)
        assert not re.search(pattern, text.replace(right[0]["id"], right[1]["id"]))
    six = right[:6]
    by_score = sorted(findings, key=lambda each: -each["score"])
    assert len({each["id"] for each in six} & {each["id"] for each in by_score[:6]}) <= 3
    assert [each["breaks"] for each in findings].count(True) == 1
    assert [each["breaks"] for each in six].index(True) == values["breaks"]
    assert len({each["service"] for each in six}) == 6
    assert 0 <= settings["window"] - sum(each["minutes"] for each in six) < 5


DOOR = (LIBRARY / "three-hops" / "seed" / "weigh_sshd_config").read_text("utf-8")
KEY = "ssh-ed25519 AAAAC3Nza carrier\n"
NO, YES = "    AllowTcpForwarding no\n", "    AllowTcpForwarding yes\n"


def is_closed(settings, key=KEY):
    """Tell whether the weighbridge's files keep drivers from the hall, and still show its state."""
    _, spec, _ = attempt("three-hops")
    probe = FakeProbe()
    probe.file("/etc/ssh/sshd_config", settings, machine="weigh")
    probe.file("/etc/ssh/doors/clerk", key, machine="weigh")
    found = {
        name: check_of(spec, "close-hop", name).judge(probe).outcome is Outcome.MET
        for name in ("carries-nobody", "key-carries-nobody", "that-key-alone", "shows-state")
    }
    by_key = found["key-carries-nobody"] and found["that-key-alone"]
    return found["shows-state"] and (found["carries-nobody"] or by_key)


@pytest.mark.parametrize(
    ("door", "key"),
    [
        (DOOR + NO, KEY),
        ("AllowTcpForwarding no\n" + DOOR, KEY),
        (
            "AllowTcpForwarding no\n" + DOOR + "\nMatch User keeper\n    X11Forwarding no\n" + YES,
            KEY,
        ),
        (DOOR.replace("User clerk", "User keeper,clerk") + "    DisableForwarding yes\n", KEY),
        (DOOR, "restrict " + KEY),
        (DOOR, "# drivers\nno-pty,no-port-forwarding " + KEY),
        (DOOR, 'command="cat /home/clerk/status.txt",restrict ' + KEY),
    ],
    ids=[
        "in-the-block",
        "for-all",
        "for-all-but-the-keeper",
        "two-accounts",
        "before-the-key",
        "one-option",
        "with-a-command",
    ],
)
def test_the_depot_takes_every_usual_repair_of_the_hop(door, key):
    assert is_closed(door, key)


@pytest.mark.parametrize(
    ("door", "key"),
    [
        (DOOR, KEY),
        (DOOR + "\nMatch User *,!clerk\n" + NO, KEY),
        (DOOR + "\nMatch User keeper\n" + NO, KEY),
        ("AllowTcpForwarding no\n" + DOOR + YES, KEY),
        ("AllowTcpForwarding no\n" + DOOR + "\nMatch User keeper,clerk\n" + YES, KEY),
        (DOOR.replace("User clerk", "User clerk,!clerk") + NO, KEY),
        (DOOR.replace("User clerk", "User clerk Address 192.0.2.1") + NO, KEY),
        (DOOR, "restrict,port-forwarding " + KEY),
        (DOOR, "restrict " + KEY + KEY),
        (DOOR.replace("/doors/%u", "/doors/%u /etc/ssh/more/%u"), "restrict " + KEY),
    ],
    ids=[
        "as-it-was",
        "everybody-but-drivers",
        "keepers-block",
        "for-all-but-taken-back",
        "for-both-again",
        "nobody",
        "one-visitor",
        "restrict-taken-back",
        "a-second-key",
        "a-second-file",
    ],
)
def test_the_depot_refuses_what_only_looks_like_a_repair_of_the_hop(door, key):
    assert not is_closed(door, key)
