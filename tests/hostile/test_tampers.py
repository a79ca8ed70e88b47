"""A trainee with root tries to make checks say MET; the default run tries one tamper of a kind."""

import os
import random

import pytest

from benchmarks import tamper
from benchmarks._tampers import CASES
from benchmarks._tampers.arena import Tried, arena
from benchmarks._tampers.case import Case
from range.checks.kinds import KINDS

IS_FULL = "MUSTER_TEST_FULL" in os.environ
# People judge words; no program says MET.
BY_PEOPLE = {"rubric"}


def sample():
    """Choose one tamper of each kind; the same ones until the suite changes."""
    chosen = random.Random("tampers")
    by_kind = {}
    for case in CASES:
        by_kind.setdefault(case.kind, []).extend((case, each) for each in case.tampers)
    return [chosen.choice(pairs) for _, pairs in sorted(by_kind.items())]


def test_every_kind_is_tampered_with():
    assert set(KINDS) - BY_PEOPLE == {case.kind for case in CASES}
    names = [(case.name, each.name) for case in CASES for each in case.tampers]
    assert len(names) == len(set(names)) >= 185


@pytest.mark.docker
@pytest.mark.timeout(3600 if IS_FULL else 900)
def test_no_tamper_counts_as_work_and_honest_work_does():
    pairs = [(case, each) for case in CASES for each in case.tampers] if IS_FULL else sample()
    cases = {case.name: case for case, _ in pairs}
    works = [tamper.deceit(case, each) for case, each in pairs]
    works += [tamper.honesty(case) for case in cases.values()]
    tried, blunt = tamper.done(works)
    result = tamper.report(tried, blunt, 0.0)
    assert result["deceive_nobody"] == []
    assert result["false"] == []
    assert result["missed"] == []
    assert result["tried"] == len(pairs)


# What would show other files, to a person or to a grader, in place of those that are judged.
LAID_OVER = (
    "mount --bind /srv /opt",
    "mount -t tmpfs none /srv",
    "mount -t overlay none -o lowerdir=/etc,upperdir=/srv,workdir=/opt /mnt",
    "unshare -m true",
    "unshare -Urm true",
    "unshare -p -f true",
    "nsenter -t 1 -m true",
    "pivot_root /srv /srv",
    "touch /srv/a && chattr +i /srv/a",
    "mknod /srv/disk b 8 0",
)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_attack_root_can_lay_nothing_over_what_is_judged_and_fix_nothing_in_its_place():
    """Whoever lets one of these through has to write the tampers that it makes possible."""
    with arena() as place:
        place.fresh()
        assert place.run("box", "test $(id -u) = 0 && chroot / true")[0] == 0
        for deed in LAID_OVER:
            assert place.run("box", deed)[0] != 0, deed


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_the_suite_sees_a_check_that_is_fooled_and_a_tamper_that_fools_nobody():
    # Supposed to ask for a closed door, it asks for an open one: whoever does nothing has done it.
    fooled = Case(
        name="fooled",
        check={"kind": "file", "machine": "box", "path": "/etc/passwd"},
        solved="rm /etc/passwd",
        tampers=(tamper.Tamper(name="nothing"),),
    )
    dull = tamper.Tamper(name="dull", bites="false")
    tried, blunt = tamper.done(
        [
            tamper.deceit(fooled, fooled.tampers[0], rounds=1),
            tamper.deceit(fooled, dull, rounds=1),
            tamper.honesty(fooled),
        ],
        at_once=1,
    )
    result = tamper.report(tried, blunt, 0.0)
    assert result["false"] == ["fooled/nothing", "fooled/untouched"]
    assert result["missed"] == ["fooled: file-missing, file-missing, file-missing"]
    assert "dull deceives nobody" in result["deceive_nobody"][0]


def test_the_table_names_what_was_fooled():
    one = Tried(kind="file", case="case", tamper="lie", outcomes=("UNMET", "MET"))
    told = tamper.table(tamper.report([one], [], 1.0))
    assert "false_met              1" in told
    assert told.endswith("false\n  case/lie")
