import json
import logging

import pytest
import structlog

from range.lib import logs


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_an_event_becomes_one_json_line_with_its_facts(capsys):
    logs.configure(as_json=True)
    logs.get_logger("range.test").warning("sandbox.launch.failed", reason="capacity")
    line = json.loads(capsys.readouterr().err.strip())
    assert line["event"] == "sandbox.launch.failed"
    assert line["reason"] == "capacity"
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")


def test_loggers_of_the_standard_library_take_the_same_form(capsys):
    logs.configure(as_json=True)
    logging.getLogger("elsewhere").error("it broke: %s", "why")
    assert json.loads(capsys.readouterr().err.strip())["event"] == "it broke: why"


@pytest.mark.parametrize("key", sorted(logs.SECRET_KEYS))
def test_values_that_could_be_secret_never_reach_a_line(capsys, key):
    logs.configure(as_json=True)
    logs.get_logger("range.test").info("anything", **{key: "MUSTER{s3cret}"})
    assert "s3cret" not in capsys.readouterr().err


def fail_with_a_secret_at_hand(flag):
    nested = {"password": flag, "list": [flag]}
    raise ValueError(f"{len(nested)} things went wrong")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", [logs.get_logger("range.test"), logging.getLogger("elsewhere")])
def test_a_traceback_tells_where_and_what_but_no_value_of_a_variable(capsys, as_json, logger):
    logs.configure(as_json=as_json)
    try:
        # Put together here, so that no line of source in a traceback holds it.
        fail_with_a_secret_at_hand("".join(["FLAG{", "s3cret", "}"]))
    except ValueError:
        logger.exception("it.broke")
    shown = capsys.readouterr().err
    assert "2 things went wrong" in shown
    assert "fail_with_a_secret_at_hand" in shown
    assert "FLAG{s3cret}" not in shown


def test_text_is_readable_without_json(capsys):
    logs.configure(as_json=False)
    logs.get_logger("range.test").info("role.started", role="web")
    shown = capsys.readouterr().err
    assert "role.started" in shown
    assert "role=web" in shown


def test_lower_levels_are_left_out(capsys):
    logs.configure(level="WARNING")
    logs.get_logger("range.test").info("quiet")
    assert capsys.readouterr().err == ""
