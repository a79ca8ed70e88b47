"""One machine is replaced while the others, the flags and the attempt stay as they are."""

import pytest
from django.urls import reverse

from range.catalog.services import values_for
from range.exercises.models import Attempt
from range.exercises.services import AttemptClosed
from range.runtime.driver import Handle
from range.runtime.fake_console import FakeTerminal
from range.sandboxes import services, troubles
from range.sandboxes.models import MachineState, Sandbox

pytestmark = pytest.mark.django_db(transaction=True)
WHO = "trainee:x"
Reset = MachineState.Reset


def test_one_machine_is_fresh_and_the_others_are_untouched(
    attempt, driver, handle_of, reconcile, now, told
):
    driver.put_file(handle_of, "web", "/opt/made", b"lost")
    driver.put_file(handle_of, "box", "/opt/made", b"kept")
    assert services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    fresh = Handle.from_json(now().handle)
    assert driver.read_file(fresh, "web", "/opt/made") is None
    assert driver.read_file(fresh, "box", "/opt/made") == b"kept"
    assert fresh.machines["web"].container_id != handle_of.machines["web"].container_id
    assert fresh.machines["box"] == handle_of.machines["box"]
    assert [kind for kind, _ in told()] == ["machine_reset_asked", "machine_reset"]
    assert now().machine_states.get().reset == ""


def test_it_begins_no_new_epoch_so_flags_stay(attempt, version, reconcile, now):
    before = values_for(version, attempt.pk, now().epoch)
    services.reset_machine(attempt, "box", actor=WHO)
    reconcile()
    assert attempt.sandboxes.count() == 1
    assert now().epoch == 1
    assert values_for(version, attempt.pk, now().epoch) == before


def test_consoles_of_the_other_machines_go_on(attempt, driver, handle_of, reconcile):
    for name in ("web", "box"):
        driver.machine(handle_of, name).terminals["main"] = FakeTerminal(b"$ ")
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert driver.machine(handle_of, "web").terminals == {}
    assert "main" in driver.machine(handle_of, "box").terminals


def test_a_second_press_asks_nothing(attempt, driver, reconcile, told, running):
    assert services.reset_machine(attempt, "web", actor=WHO)
    assert not services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    reconcile()
    assert driver.calls.count("reset") == 1
    assert len(told("sandbox.machine_reset_asked")) == 1


def test_two_machines_are_replaced_one_after_the_other(attempt, handle_of, reconcile, now):
    services.reset_machine(attempt, "web", actor=WHO)
    services.reset_machine(attempt, "box", actor=WHO)
    reconcile()
    fresh = Handle.from_json(now().handle).machines
    assert all(fresh[n].container_id != handle_of.machines[n].container_id for n in ("web", "box"))


def test_a_reset_makes_an_ended_machine_whole(attempt, happens, reconcile, now):
    troubles.note(happens("exited", exit_code=1))
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    state = now().machine_states.get()
    assert (state.ended_at, state.end_reason, state.exit_code) == (None, "", None)


def test_the_end_that_a_reset_brings_about_is_no_news(attempt, happens, reconcile, told):
    end = happens("exited", exit_code=137)
    services.reset_machine(attempt, "web", actor=WHO)
    assert not troubles.note(end)
    reconcile()
    assert not troubles.note(end)
    assert told("sandbox.machine_died") == []


def test_a_reset_that_fails_says_so_and_can_be_asked_for_again(
    attempt, driver, reconcile, now, told
):
    driver.fail_next("reset", "unhealthy")
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert now().machine_states.get().end_reason == "reset-failed"
    assert told("sandbox.machine_reset_failed")[0][1]["reason"] == "unhealthy"
    assert services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert now().machine_states.get().ended_at is None


def test_an_engine_that_is_away_only_delays_it(attempt, driver, reconcile, now, told, running):
    driver.fail_next("reset", "engine-down")
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert now().machine_states.get().reset == Reset.WANTED
    reconcile()
    assert now().machine_states.get().reset == ""
    assert told("sandbox.machine_reset_failed") == []


def test_a_fault_of_our_own_leaves_no_reset_under_way(attempt, driver, reconcile, now, monkeypatch):
    monkeypatch.setattr(driver, "reset", lambda *a, **k: 1 / 0)
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert now().machine_states.get().end_reason == "reset-failed"


def test_what_a_dead_reconciler_left_half_done_is_taken_over(attempt, reconciler, reconcile, now):
    services.reset_machine(attempt, "web", actor=WHO)
    MachineState.objects.update(reset=Reset.UNDERWAY)
    reconciler._take_over()
    reconcile()
    assert now().machine_states.get().reset == ""


def test_a_sandbox_stopped_meanwhile_gets_no_new_handle(
    attempt, driver, handle_of, reconcile, now, monkeypatch, told
):
    through = driver.reset

    def stopped_meanwhile(*args, **kwargs):
        services.stop(attempt, actor=WHO)
        return through(*args, **kwargs)

    monkeypatch.setattr(driver, "reset", stopped_meanwhile)
    services.reset_machine(attempt, "web", actor=WHO)
    reconcile()
    assert Handle.from_json(now().handle) == handle_of
    assert told("sandbox.machine_reset") == []


@pytest.mark.parametrize("machine", ["cave", "nowhere", "", "../web", "x" * 5000])
def test_only_machines_that_the_trainee_may_know_of_can_be_reset(attempt, machine, running):
    with pytest.raises(services.UnknownMachine):
        services.reset_machine(attempt, machine, actor=WHO)
    assert not MachineState.objects.exists()


@pytest.mark.parametrize("state", ["REQUESTED", "STARTING", "STOPPING", "STOPPED", "FAILED"])
def test_nothing_is_reset_while_nothing_runs(attempt, state, running):
    Sandbox.objects.update(state=state)
    with pytest.raises(services.LaunchRefused):
        services.reset_machine(attempt, "web", actor=WHO)


def test_a_finished_attempt_takes_no_reset(attempt, running):
    Attempt.objects.update(state="FINISHING")
    attempt.refresh_from_db()
    with pytest.raises(AttemptClosed):
        services.reset_machine(attempt, "web", actor=WHO)


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def press(client, trainee, attempt):
    client.force_login(trainee)

    def post(machine, *, part=True):
        headers = {"HX-Request": "true"} if part else {}
        url = reverse("reset-machine", args=[attempt.pk])
        return client.post(url, {"machine": machine}, headers=headers)

    return post


def test_the_menu_offers_each_machine_but_hidden_ones(client, trainee, attempt, running):
    client.force_login(trainee)
    text = client.get(reverse("workspace", args=[attempt.pk])).content.decode()
    for name in ("box", "web"):
        assert f'data-dialog-open="reset-{name}-dialog"' in text
        assert f'<dialog class="dialog" id="reset-{name}-dialog"' in text
    assert "cave" not in text


def test_a_press_shows_that_the_reset_is_under_way(press, running):
    assert "The machine web is being reset." in press("web").content.decode()


def test_a_press_works_without_script(press, attempt, running):
    assert press("web", part=False)["Location"] == reverse("workspace", args=[attempt.pk])


def test_a_machine_that_is_none_is_refused_with_a_sentence(press, running):
    answer = press("<nowhere>")
    assert answer.status_code == 404
    assert "no machine called" in answer.content.decode()
    assert "<nowhere>" not in answer.content.decode()


def test_a_notice_of_an_ended_machine_offers_its_reset(client, trainee, attempt, happens):
    troubles.note(happens("exited", exit_code=1))
    client.force_login(trainee)
    text = client.get(reverse("sandbox-panel", args=[attempt.pk])).content.decode()
    assert 'name="machine" value="web"' in text
    assert reverse("reset-machine", args=[attempt.pk]) in text


def test_a_notice_of_a_hidden_machine_offers_none(client, trainee, attempt, happens):
    troubles.note(happens("exited", "cave", exit_code=1))
    client.force_login(trainee)
    text = client.get(reverse("sandbox-panel", args=[attempt.pk])).content.decode()
    assert 'name="machine" value=' not in text
