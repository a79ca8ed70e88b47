"""Checks against a real machine whose root has replaced its tools."""

import os
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from range.assessment.probes import SandboxProbe
from range.checks.base import Outcome, ProbeUnavailable
from range.checks.file import FileCheck
from range.checks.process import ProcessCheck
from range.checks.sudo_rule import SudoRuleCheck
from range.lib import clock
from range.runtime import options as driver_options
from range.runtime.registry import get_driver
from range.runtime.topology import Console, Machine, Network, SeedFile, Topology
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
SUDOERS = "root ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n"
RULE = "nobody ALL=(root) NOPASSWD: /usr/bin/less\n"
TOPOLOGY = Topology(
    machines=(
        Machine(
            name="box",
            image="range/base:bookworm",
            networks=("lan",),
            console=Console(user="nobody"),
            add_capabilities=frozenset({"SETFCAP"}),
            files=(
                SeedFile(path="/etc/sudoers", data=SUDOERS.encode(), mode=0o440),
                SeedFile(path="/etc/sudoers.d/desk", data=RULE.encode(), mode=0o440),
                SeedFile(path="/srv/app.conf", data=b"debug = true\n", mode=0o644, uid=33, gid=33),
            ),
        ),
    ),
    networks=(Network(name="lan"),),
)
# What a trainee with root might do to every tool a careless grader would run.
TAMPER = r"""
for tool in stat ls find cat grep sha256sum getcap sudo ps pgrep ss id; do
  path=$(command -v $tool) && rm -f "$path" && printf '#!/bin/sh\necho all is well\n' > "$path" \
    && /bin/chmod 755 "$path"
done
printf 'export PATH=/tmp/fake:$PATH\nalias stat=true\n' >> /etc/bash.bashrc
echo /tmp/liar.so > /etc/ld.so.preload
"""


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"checks-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


@pytest.fixture
def box(driver):
    """A fresh machine: run a script as root, and judge checks."""
    handle = driver.start(uuid4(), TOPOLOGY, deadline=clock.now() + timedelta(minutes=2))

    class Box:
        probe = SandboxProbe(driver, handle)

        @staticmethod
        def run(script):
            result = driver.exec(handle, "box", ["/bin/bash", "-c", script], user="root")
            assert result.exit_code == 0, result.stderr.decode()

        @staticmethod
        def stop():
            driver.stop(handle)

    yield Box
    driver.stop(handle)


def file(path, **fields):
    return FileCheck.model_validate({"kind": "file", "machine": "box", "path": path, **fields})


def sudo(**fields):
    return SudoRuleCheck.model_validate(
        {"kind": "sudo_rule", "machine": "box", "account": "nobody", **fields}
    )


def test_a_fresh_machine_is_seen_as_it_is(box):
    assert file("/srv/app.conf", owner=33, group=33, mode="0644").judge(box.probe).reason == "met"
    assert file("/srv/app.conf", contains=["^debug = true$"]).judge(box.probe).reason == "met"
    assert file("/srv/none").judge(box.probe).reason == "file-missing"
    recent = file("/srv/app.conf", modified_within_seconds=600)
    assert recent.judge(box.probe).reason == "met"
    box.run("touch -d '20 minutes ago' /srv/app.conf")
    assert recent.judge(box.probe).reason == "file-too-old"
    assert sudo(may_not=["/usr/bin/less"]).judge(box.probe).reason == "sudo-still-granted"
    assert sudo(may=["/usr/bin/less /etc/motd"]).judge(box.probe).outcome is Outcome.MET


def test_tampered_tools_change_no_judgement(box):
    checks = [
        file("/srv/app.conf", contains=["debug = false"]),
        file("/srv/app.conf", owner="root"),
        file("/srv/missing"),
        file("/srv", below="*", mode_clear="0004"),
        sudo(may_not=["/usr/bin/less"]),
        ProcessCheck(kind="process", machine="box", none_match="sleep"),
        ProcessCheck(kind="process", machine="box", any_match="nginx"),
    ]
    before = [check.judge(box.probe) for check in checks]
    assert {judged.outcome for judged in before} == {Outcome.UNMET}
    box.run(TAMPER)
    after = [check.judge(box.probe) for check in checks]
    assert [judged.reason for judged in after] == [judged.reason for judged in before]


NOWHERE = {
    "a file in place of the folder above": "mkdir /srv/conf && rm -r /srv/conf && touch /srv/conf",
    "a loop in place of the folder above": "ln -s other /srv/conf && ln -s conf /srv/other",
    "a loop in its place": "mkdir /srv/conf && ln -s b /srv/conf/app && ln -s app /srv/conf/b",
    "a name too long": "ln -s $(printf 'x%.0s' $(seq 300)) /srv/conf",
}


@pytest.mark.parametrize("deed", NOWHERE.values(), ids=NOWHERE)
def test_attack_a_path_that_leads_nowhere_is_judged_and_makes_nothing_uncertain(box, deed):
    box.run(deed)
    wanted = file("/srv/conf/app", contains=["x"])
    assert wanted.judge(box.probe).outcome is Outcome.UNMET
    gone = file("/srv/conf/app", exists=False)
    assert gone.judge(box.probe).outcome is not Outcome.INCONCLUSIVE
    box.run("echo '@include /srv/conf/app' >> /etc/sudoers")
    assert sudo(may_not=["/usr/bin/less"]).judge(box.probe).reason == "sudo-rules-hidden"


def test_special_bits_and_capabilities_are_seen_wherever_they_are_moved(box):
    clean = file("/usr/local", below="*", mode_clear="6000", no_capabilities=True)
    assert clean.judge(box.probe).outcome is Outcome.MET
    box.run("mkdir -p '/usr/local/a b/.c' && cp /usr/bin/find '/usr/local/a b/.c/x'")
    assert clean.judge(box.probe).outcome is Outcome.MET
    box.run("chmod 4755 '/usr/local/a b/.c/x'")
    assert clean.judge(box.probe).reason == "mode-too-open"
    box.run("chmod 755 '/usr/local/a b/.c/x'; cp /usr/bin/python3 /usr/local/bin/py")
    box.run(
        "python3 - <<'E'\n"
        "import os\n"
        "value = bytes.fromhex('0100000280000000000000000000000000000000')\n"
        "os.setxattr('/usr/local/bin/py', 'security.capability', value)\n"
        "E"
    )
    assert clean.judge(box.probe).reason == "capability-set"


def test_a_link_that_leads_elsewhere_is_not_followed(box):
    box.run("echo 'debug = false' > /srv/good; rm /srv/app.conf; ln -s /srv/good /srv/app.conf")
    assert file("/srv/app.conf", contains=["debug = false"]).judge(box.probe).reason == (
        "file-is-link"
    )
    box.run("ln -s /proc/1/root/etc /srv/loop; ln -s ../../../../../../etc/passwd /srv/out")
    assert file("/srv/out").judge(box.probe).reason == "file-is-link"


@pytest.mark.timeout(60)
def test_a_huge_file_and_a_pipe_do_not_stall_the_grader(box):
    box.run("truncate -s 3G /srv/app.conf; mkfifo /srv/pipe")
    assert file("/srv/app.conf", contains=["x"]).judge(box.probe).reason == "file-too-large"
    assert file("/srv/pipe", contains=["x"]).judge(box.probe).outcome is Outcome.UNMET


@pytest.mark.parametrize(
    ("fix", "outcome"),
    [
        ("rm /etc/sudoers.d/desk", Outcome.MET),
        ("mv /etc/sudoers.d/desk /etc/sudoers.d/desk.old", Outcome.MET),
        ("sed -i 's/^/#/' /etc/sudoers.d/desk", Outcome.MET),
        ("mv /etc/sudoers.d/desk /etc/sudoers.d/elsewhere", Outcome.UNMET),
        ("cat /etc/sudoers.d/desk >> /etc/sudoers; rm /etc/sudoers.d/desk", Outcome.UNMET),
        ("chmod 000 /usr/bin/less", Outcome.UNMET),
        ("sed -i 's/less/l*/' /etc/sudoers.d/desk", Outcome.UNMET),
        ("echo 'nobody ALL=(ALL) ALL' > /etc/sudoers.d/desk", Outcome.UNMET),
        ("usermod -aG sudo nobody && echo '%sudo ALL=ALL' > /etc/sudoers.d/desk", Outcome.UNMET),
    ],
)
def test_sudo_rules_are_judged_by_what_they_grant(box, fix, outcome):
    box.run(fix)
    assert sudo(may_not=["/usr/bin/less"]).judge(box.probe).outcome is outcome


def test_a_process_under_a_false_name_is_known_by_its_program(box):
    gone = ProcessCheck(kind="process", machine="box", none_match="/usr/local/bin/implant$")
    assert gone.judge(box.probe).outcome is Outcome.MET
    box.run("cp /bin/sleep /usr/local/bin/implant")
    box.run("(exec -a '[kworker/0:0]' /usr/local/bin/implant 600 >/dev/null 2>&1 &)")
    # It takes its name a moment after the shell has let go of it.
    until(lambda: gone.judge(box.probe).reason == "process-still-runs", "it is not seen")


def test_a_machine_that_is_gone_is_not_the_trainees_failure(box):
    box.stop()
    for check in (file("/srv/app.conf"), sudo(may_not=["ALL"])):
        with pytest.raises(ProbeUnavailable):
            check.judge(box.probe)
