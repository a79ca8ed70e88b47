from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from range.catalog import services, values
from range.catalog.flags import mint
from range.catalog.models import Objective, Scenario, ScenarioVersion
from range.catalog.problems import ScenarioInvalid
from range.catalog.publish import publish
from range.exercises.models import Exercise
from tests.catalog.support import changed, write

pytestmark = pytest.mark.django_db
READY = ScenarioVersion.ImageState.READY


@pytest.fixture
def version(folder):
    published = publish(folder).version
    published.image_state, published.images = READY, {"box": "range/small-desk-box:1"}
    published.save()
    return published


def test_publishing_writes_a_version_with_its_objectives(folder):
    published = publish(folder)
    assert published.created
    version = published.version
    assert version.scenario.slug == "small-desk"
    assert version.image_state == ScenarioVersion.ImageState.PENDING
    assert list(version.objectives.order_by("position").values_list("key", "weight")) == [
        ("enter", 100),
        ("mend", 100),
    ]
    assert version.brief.startswith("# Small desk")


def test_the_same_content_is_published_once(folder):
    first = publish(folder)
    second = publish(folder)
    assert second.version == first.version
    assert not second.created
    assert ScenarioVersion.objects.count() == 1
    assert Objective.objects.count() == 2


def test_changed_content_is_a_new_version_of_the_same_scenario(folder):
    first = publish(folder).version
    write(folder, changed(title="A new name", version="1.1.0"))
    second = publish(folder).version
    assert second.pk != first.pk
    assert Scenario.objects.get().title == "A new name"
    first.refresh_from_db()
    assert first.spec["title"] == "Small desk"


def test_a_scenario_with_an_error_is_not_published(tmp_path):
    with pytest.raises(ScenarioInvalid) as caught:
        publish(write(tmp_path / "s", changed(wrong={})))
    assert caught.value.reason == "scenario-invalid"
    assert not Scenario.objects.exists()


def test_a_retired_scenario_returns_with_a_new_version(folder):
    from django.utils import timezone

    publish(folder)
    Scenario.objects.update(retired_at=timezone.now())
    write(folder, changed(version="2.0.0"))
    publish(folder)
    assert Scenario.objects.get().retired_at is None


def test_a_stored_version_reads_back_as_it_was_written(folder, loaded):
    assert services.spec_of(publish(folder).version) == loaded.spec


def test_a_topology_needs_images(folder):
    version = publish(folder).version
    with pytest.raises(services.ImagesNotReady) as caught:
        services.topology_for(version, uuid4(), 1)
    assert caught.value.retryable


def test_topology_and_checks_hold_the_same_flag(version):
    attempt = uuid4()
    topology = services.topology_for(version, attempt, 1)
    spec = services.attempt_spec(version, attempt, 1)
    flag = services.values_for(version, attempt, 1)["flag_enter"]
    assert topology.machine("box").files[0].data == f"{flag}\n".encode()
    assert spec.objectives[0].checks.value == flag


def test_what_is_kept_of_one_attempt_is_never_given_to_another(version):
    one, other = uuid4(), uuid4()
    assert services.attempt_spec(version, one, 1) is services.attempt_spec(version, one, 1)
    flags = {
        services.attempt_spec(version, *which).objectives[0].checks.value
        for which in ((one, 1), (one, 2), (other, 1))
    }
    assert len(flags) == 3


def test_memory_of_specifications_is_bounded(version, monkeypatch):
    monkeypatch.setattr(values, "CACHE_LIMIT", 3)
    for _ in range(10):
        services.attempt_spec(version, uuid4(), 1)
    assert len(services._rendered) <= 3


def test_secrets_of_earlier_epochs_are_masked_as_well(version):
    attempt = uuid4()
    found = services.secrets_of(version, attempt, 3)
    for epoch in (1, 2, 3):
        flag = str(services.values_for(version, attempt, epoch)["flag_enter"])
        assert found[flag] == "⟦FLAG:enter⟧"
    assert str(services.values_for(version, attempt, 4)["flag_enter"]) not in found
    password = str(services.values_for(version, attempt, 1)["password"])
    assert found[password] == "⟦SECRET:password⟧"


def test_the_brief_is_filled_in_and_safe(version):
    attempt = uuid4()
    colour = services.values_for(version, attempt, 1)["colour"]
    assert f"The door is {colour}." in services.brief_for(version, attempt, 1)
    assert "The door is [colour]." in services.brief_preview(version)
    version.brief = "<script>x</script> {{ colour }}"
    assert "<script" not in services.brief_for(version, attempt, 1)


@pytest.mark.parametrize("name", ["password", "flag_enter", "way"])
def test_attack_a_brief_never_tells_a_secret(version, name):
    version.brief = f"It is {{{{ {name} }}}}"
    with pytest.raises(services_error()):
        services.brief_for(version, uuid4(), 1)


def services_error():
    from range.catalog.templating import TemplateInvalid

    return TemplateInvalid


def test_hints_are_this_attempts_and_hold_no_secret(folder):
    data = changed()
    data["reference"]["mend"] = [{"on": "box", "as": "root", "run": "echo {{ password }} | su"}]
    data["objectives"][1]["hints"][3] = {"rung": 4, "from": "reference"}
    version = publish(write(folder, data)).version
    attempt = uuid4()
    text = services.hint_for(version, attempt, 1, objective="mend", rung=4)
    password = str(services.values_for(version, attempt, 1)["password"])
    assert password not in text
    assert "⟦SECRET:password⟧" in text
    assert services.hint_for(version, attempt, 1, objective="mend", rung=1) == "What is needed?"


def test_a_submitted_flag_is_examined_with_the_ranges_own_key(version):
    attempt = uuid4()
    flag = str(services.values_for(version, attempt, 2)["flag_enter"])
    finding = services.examine_flag(version, flag)
    assert (finding.attempt_id, finding.objective, finding.epoch) == (attempt, "enter", 2)
    foreign = mint(b"another range", attempt, "enter", 2)
    assert not services.examine_flag(version, foreign).valid


@pytest.fixture
def scenarios(tmp_path, settings):
    settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
    write(settings.RANGE_SCENARIOS_DIR / "small-desk")
    return settings.RANGE_SCENARIOS_DIR


def test_the_command_publishes_and_offers_to_schools(scenarios, school, agency, capsys):
    call_command("publish_scenarios")
    assert "small-desk" in capsys.readouterr().out
    offers = Exercise.objects.all()
    assert [offer.organisation for offer in offers] == [school]
    call_command("publish_scenarios", "small-desk")
    assert "unchanged" in capsys.readouterr().out
    assert Exercise.objects.count() == 1


def test_one_broken_scenario_does_not_keep_the_others_back(scenarios, capsys):
    write(scenarios / "broken", changed(id="broken", wrong={}))
    with pytest.raises(CommandError, match="broken"):
        call_command("publish_scenarios")
    assert "a wrong solution" in capsys.readouterr().err
    assert Scenario.objects.get().slug == "small-desk"
