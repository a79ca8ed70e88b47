"""Checks that talk to services of real machines from a peer's place in their segment."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from range.assessment.probes import SandboxProbe
from range.checks.base import Outcome, ProbeUnavailable
from range.checks.command import CommandCheck
from range.checks.dns import DnsCheck
from range.checks.log import LogCheck
from range.checks.smtp import SmtpCheck
from range.checks.tcp import TcpCheck
from range.lib import clock
from range.runtime import host_processes
from range.runtime import options as driver_options
from range.runtime.registry import get_driver
from range.runtime.topology import Console, Health, Machine, Network, SeedFile, Topology

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
SERVICES = Path(__file__).with_name("services.py").read_bytes()
TOPOLOGY = Topology(
    machines=(
        Machine(
            name="box",
            image="range/base:bookworm",
            networks=("lan",),
            console=Console(user="nobody"),
            files=(SeedFile(path="/opt/services.py", data=SERVICES),),
            setup=(("sh", "-c", "setsid python3 /opt/services.py >/dev/null 2>&1 &"),),
            health=Health(kind="tcp", target="7000", within=timedelta(seconds=30)),
        ),
    ),
    networks=(Network(name="lan"),),
)


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"protocols-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


@pytest.fixture(scope="module")
def handle(driver):
    return driver.start(uuid4(), TOPOLOGY, deadline=clock.now() + timedelta(minutes=2))


@pytest.fixture(scope="module")
def box(driver, handle):
    return SandboxProbe(driver, handle)


def run(driver, handle, script):
    result = driver.exec(handle, "box", ["/bin/bash", "-c", script], user="root")
    assert result.exit_code == 0, result.stderr.decode()


def echo(to="box:7000"):
    steps = [{"send": "ECHO ${nonce}\n", "expect": "^OK ${nonce}\n"}]
    return TcpCheck.model_validate({"kind": "tcp", "from": "lan", "to": to, "steps": steps})


def test_tcp(box):
    assert echo().judge(box).outcome is Outcome.MET
    assert echo("box:7001").judge(box).reason == "answers-differ"
    assert echo("box:7999").judge(box).reason == "no-answer"


@pytest.mark.parametrize("is_near", [True, False])
def test_dns(box, monkeypatch, is_near):
    """From our own host, and through a program in the peer as where we may not enter."""
    if not is_near:
        monkeypatch.setattr(host_processes, "may_enter", lambda _: False)
    fields = {"kind": "dns", "from": "lan", "server": "box:5300"}
    www = {"name": "www.city.example", "answers": ["198.51.100.7"], "authoritative": True}
    gone = {"name": "old.city.example", "status": "NXDOMAIN", "answers": []}
    check = DnsCheck.model_validate(fields | {"questions": [www, gone]})
    assert check.judge(box).outcome is Outcome.MET
    other = DnsCheck.model_validate(fields | {"questions": [www | {"answers": ["198.51.100.8"]}]})
    assert other.judge(box).reason == "answers-differ"
    nobody = {"server": "box:5399", "timeout_seconds": 1.0}
    silent = DnsCheck.model_validate(fields | {"questions": [www]} | nobody)
    assert silent.judge(box).reason == "no-answer"


def test_smtp(box):
    ours = {"name": "ours", "recipient": "ann@city.example"}
    relay = {"name": "relay", "recipient": "x@elsewhere.example", "expect": "refused"}
    fields = {"kind": "smtp", "from": "lan", "to": "box:2500"}
    assert SmtpCheck.model_validate(fields | {"mails": [ours, relay]}).judge(box).outcome is (
        Outcome.MET
    )
    wrong = SmtpCheck.model_validate(fields | {"mails": [relay | {"expect": "accepted"}]})
    assert wrong.judge(box).reason == "answers-differ"


def test_log(box, driver, handle):
    fields = {"kind": "log", "machine": "box", "path": "/var/log/app.log", "matches": "^.* hit$"}
    check = LogCheck.model_validate(fields | {"at_least": 2, "within_seconds": 600})
    assert check.judge(box).reason == "log-missing"
    run(driver, handle, 'for i in 1 2; do echo "$(date -Is) hit" >> /var/log/app.log; done')
    assert check.judge(box).outcome is Outcome.MET
    run(driver, handle, "truncate -s 5G /var/log/app.log")
    began = clock.monotonic()
    assert check.judge(box).reason == "log-too-large"
    assert clock.monotonic() - began < 10
    run(
        driver, handle, "cp /var/log/app.log /tmp/own --sparse=always; rm /var/log/app.log /tmp/own"
    )
    run(driver, handle, 'echo "$(date -Is) hit" > /tmp/own; ln -s /tmp/own /var/log/app.log')
    assert check.judge(box).reason == "log-is-no-file"


def test_a_sandbox_that_is_gone_is_not_judged(driver, handle):
    gone = SandboxProbe(driver, replace(handle, sandbox_id=uuid4()))
    with pytest.raises(ProbeUnavailable):
        echo().judge(gone)


def test_command_runs_the_images_program_whatever_the_trainee_did(box, driver, handle):
    check = CommandCheck.model_validate(
        {
            "kind": "command",
            "machine": "box",
            "run": ["/usr/bin/python3", "-I", "-m", "json.tool", "/srv/app.json"],
            "reads": ["/srv/app.json"],
            "contains": ['"debug": false'],
        }
    )
    assert check.judge(box).reason == "file-missing"
    run(driver, handle, "echo '{\"debug\": true}' > /srv/app.json; chmod 600 /srv/app.json")
    assert check.judge(box).reason == "content-missing"
    fake = b"#!/bin/sh\necho '\"debug\": false'\n"
    run(driver, handle, "mv /usr/bin/python3 /tmp/python3")
    driver.put_file(handle, "box", "/usr/bin/python3", fake, mode=0o755)
    run(driver, handle, "echo /tmp/liar.so > /etc/ld.so.preload")
    assert check.judge(box).reason == "content-missing"
    run(driver, handle, "echo '{\"debug\": false}' > /srv/app.json")
    assert check.judge(box).outcome is Outcome.MET
    run(driver, handle, "echo '{\"debug\": false' > /srv/app.json")
    assert check.judge(box).reason == "exit-code-differs"
    run(driver, handle, "rm /etc/ld.so.preload; mv /tmp/python3 /usr/bin/python3")
    with driver.engine.client() as client:
        names = [name for each in client.containers(all=True) for name in each["Names"]]
    assert not [name for name in names if handle.sandbox_id.hex in name and "tool" in name]
