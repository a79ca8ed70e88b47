import asyncio
import time

import asyncssh
import pytest
from pydantic import ValidationError

from range.checks.base import Outcome, ProbeUnavailable
from range.checks.ssh import SshCheck
from range.checks.ssh_client import VERSIONS
from tests.checks.ssh_servers import Door, SshServer

KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE = KEY.export_private_key().decode()
APP = {"name": "app", "account": "app", "password": "secret"}
MADE_UP = {"name": "made-up", "account": "app", "password": "${nonce}", "expect": "refused"}


def check(*logins, **fields):
    whole = {"kind": "ssh", "from": "lan", "to": "box:22", "logins": logins}
    return SshCheck.model_validate(whole | fields)


@pytest.fixture
def served(probe):
    """Serve a door, and return a way to judge logins against it."""

    def serve(*logins, fields=None, **more):
        serve.server = SshServer(**more)
        probe.serve("box", 22, serve.server)
        return check(*logins, **(fields or {})).judge(probe)

    return serve


def test_logins_as_expected_are_met(served):
    judged = served(APP, MADE_UP)
    assert (judged.outcome, judged.reason) == (Outcome.MET, "answers-as-expected")


def test_an_account_kept_out_and_one_let_in_by_mistake_are_told_apart(served):
    judged = served(APP, MADE_UP, known={"app": "other"})
    assert (judged.reason, judged.score) == ("login-refused", 0.5)
    assert "app: is refused" in judged.excerpt
    judged = served(APP | {"expect": "refused"})
    assert (judged.outcome, judged.reason) == (Outcome.UNMET, "login-accepted")


def test_a_key_logs_in_and_another_does_not(served):
    by_key = {"name": "key", "account": "app", "key": PRIVATE}
    assert served(by_key, keys={"app": KEY.convert_to_public()}).outcome is Outcome.MET
    assert served(by_key).reason == "login-refused"
    assert served(by_key | {"expect": "refused"}).outcome is Outcome.MET


def test_an_authors_key_that_cannot_be_read_is_not_judged(served):
    judged = served({"name": "key", "account": "app", "key": "no key"})
    assert (judged.outcome, judged.reason) == (Outcome.INCONCLUSIVE, "key-unreadable")


def test_a_password_is_given_where_a_server_asks_in_its_own_words(served):
    assert served(APP, MADE_UP, methods=["keyboard-interactive"]).outcome is Outcome.MET


def test_a_way_that_is_not_offered_is_a_refusal(served):
    refused = APP | {"expect": "refused"}
    assert served(refused, methods=["publickey"]).outcome is Outcome.MET


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"methods": ["publickey", "password"]}, ""),
        ({"methods": ["publickey"]}, "the server offers password, publickey"),
        ({"not_methods": ["keyboard-interactive", "none"]}, ""),
        ({"not_methods": ["password"]}, "the server offers password, publickey"),
    ],
)
def test_ways_to_log_in_are_compared(served, wish, said):
    judged = served({"name": "door", "account": "app"} | wish)
    assert (judged.outcome is Outcome.MET) == (said == "")
    assert said in judged.excerpt


def test_ways_to_log_in_are_asked_for_the_account(served):
    served({"name": "door", "account": "app", "methods": ["password"]})
    assert served.server.names == ["app"]


def test_a_banner_is_read_before_the_login(served):
    wished = {"banner": "^Authorised (people|guests) only"}
    assert served(APP, fields=wished, banner="Authorised guests only.\n").outcome is Outcome.MET
    assert "the banner is ''" in served(APP, fields=wished).excerpt


def test_a_command_prints_and_ends(served):
    wish = APP | {"run": "say ${nonce}", "contains": ["^say ${nonce}$"]}
    assert served(wish).outcome is Outcome.MET
    assert served(wish | {"exit_code": 1}).excerpt == "app: the command ends with 0"
    assert "content-missing" in served(wish | {"contains": ["^told ${nonce}$"]}).excerpt
    assert "content-still-there" in served(wish | {"not_contains": ["${nonce}"]}).excerpt


def test_trap_a_recorded_output_is_not_new(served):
    async def recorded(process):
        process.stdout.write("say 0123456789abcdef\n")
        process.exit(0)

    wish = APP | {"run": "say ${nonce}", "contains": ["^say ${nonce}$"]}
    assert "content-missing" in served(wish, run=recorded).excerpt


def test_trap_a_server_that_asks_nothing_lets_everybody_in(served):
    judged = served(APP, open_to=["app"])
    assert "without being asked for anything" in judged.excerpt
    assert served(MADE_UP, open_to=["app"]).reason == "login-accepted"
    open_door = {"name": "door", "account": "app", "not_methods": ["none"]}
    assert served(open_door, open_to=["app"]).outcome is Outcome.UNMET


def test_trap_a_new_password_that_is_wanted_is_no_refusal(served, monkeypatch):
    def wants_new(door, username, password):
        raise asyncssh.PasswordChangeRequired("choose another")

    monkeypatch.setattr("tests.checks.ssh_servers.Door.validate_password", wants_new)
    for login in (APP, APP | {"expect": "refused"}):
        judged = served(login)
        assert (judged.outcome, judged.reason) == (Outcome.UNMET, "answers-differ")
        assert "wants a new password" in judged.excerpt


def test_trap_what_the_client_says_of_itself_changes(served):
    seen = set()
    for _ in range(12):
        served(APP)
        seen |= {each.get_extra_info("client_version") for each in served.server.connections}
    assert len(seen) > 1


def test_trap_a_server_gets_nothing_of_this_machine(served, tmp_path, monkeypatch):
    """An agent, keys, settings and known servers of whoever runs the checker stay unread."""
    ssh = tmp_path / ".ssh"
    ssh.mkdir(mode=0o700)
    KEY.write_private_key(ssh / "id_ed25519")
    (ssh / "config").write_text("User root\nProxyCommand touch ~/proxied\n")
    (ssh / "known_hosts").write_text("server ssh-ed25519 AAAA\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    before = {path: path.stat().st_atime_ns for path in ssh.iterdir()}
    judged = served(APP | {"password": "wrong"}, keys={"app": KEY.convert_to_public()})
    assert judged.reason == "login-refused"
    assert served(APP).outcome is Outcome.MET
    assert {path: path.stat().st_atime_ns for path in ssh.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == [".ssh"]


def test_nothing_listening_is_unmet_and_an_engine_that_is_down_is_not_judged(probe):
    assert check(APP).judge(probe).reason == "no-answer"
    probe.down = True
    with pytest.raises(ProbeUnavailable):
        check(APP).judge(probe)


def test_a_command_that_never_ends_is_waited_for_no_longer_than_said(served):
    async def forever(process):
        await asyncio.sleep(60)

    began = time.monotonic()
    judged = served(APP | {"run": "sleep"}, fields={"timeout_seconds": 2}, run=forever)
    assert "too slow" in judged.excerpt
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"password": None}, "give password, key, methods or not_methods"),
        ({"key": PRIVATE}, "at most one of password and key"),
        ({"expect": "refused", "run": "id"}, "only who gets in runs a command"),
        ({"contains": ["a"]}, "give run too"),
        ({"exit_code": 2}, "give run too"),
        ({"account": "a b"}, "account"),
    ],
)
def test_what_makes_no_sense_is_refused(login, said):
    with pytest.raises(ValidationError, match=said):
        check(APP | login)


def test_a_banner_needs_somebody_who_reads_it():
    with pytest.raises(ValidationError, match="a banner is read by a login"):
        check({"name": "door", "account": "app", "methods": ["password"]}, banner="x")


def test_trap_a_server_that_turns_away_only_clients_it_knows_is_found_out(probe, monkeypatch):
    def choosy(door, username, password):
        said = door.connection.get_extra_info("client_version")
        return username == "app" or not said.endswith(VERSIONS)

    monkeypatch.setattr(Door, "validate_password", choosy)
    probe.serve("box", 22, SshServer())
    root = {"name": "root", "account": "root", "password": "open", "expect": "refused"}
    judged = check(APP, root).judge(probe)
    assert (judged.reason, judged.score) == ("login-accepted", 0.5)
