"""Values of the driver seam, the registry and its options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.lib.errors import RangeError
from range.runtime import driver, options
from range.runtime.driver import LaunchFailed, SandboxGone, Size
from range.runtime.options import DriverOptions
from range.runtime.registry import DRIVERS, UnknownDriver, get_driver


@given(st.integers(), st.integers())
def test_no_terminal_is_smaller_or_larger_than_terminals_are(columns, rows):
    for size in (Size(columns=columns, rows=rows), Size.clamped(columns=columns, rows=rows)):
        assert 2 <= size.columns <= 500
        assert 2 <= size.rows <= 500


def test_an_ordinary_size_is_kept():
    assert (Size(columns=132, rows=43).columns, Size(columns=132, rows=43).rows) == (132, 43)


@pytest.mark.parametrize(
    "error",
    [
        driver.SandboxGone(),
        driver.SandboxPaused(),
        driver.NoSuchMachine("web"),
        driver.ConsoleUnavailable("No console."),
        driver.FileTooLarge("/a", limit_bytes=5),
        driver.EngineDown("ConnectionRefusedError"),
        driver.EngineError("no"),
        LaunchFailed("No room.", reason="capacity", retryable=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_has_a_sentence_a_reason_and_a_status(error):
    assert isinstance(error, RangeError)
    assert error.message.endswith((".", "no"))
    assert error.reason == error.reason.lower().replace(" ", "-")
    assert 400 <= error.status < 600


def test_what_may_pass_is_retryable():
    assert driver.EngineDown().retryable
    assert not SandboxGone().retryable


def test_every_driver_carries_the_name_it_is_registered_under():
    assert set(DRIVERS) == {"docker", "fake"}
    for name in DRIVERS:
        assert get_driver(name, DriverOptions(installation="names")).name == name


def test_a_driver_is_made_once_for_the_same_options():
    one = DriverOptions(installation="one")
    assert get_driver("fake", one) is get_driver("fake", DriverOptions(installation="one"))
    assert get_driver("fake", one) is not get_driver("fake", DriverOptions(installation="two"))


def test_an_unknown_driver_names_those_there_are():
    with pytest.raises(UnknownDriver, match="docker, fake"):
        get_driver("podman")


def test_configured_options_reach_drivers(monkeypatch):
    monkeypatch.setattr(options, "_current", options.current())
    options.configure(DriverOptions(installation="configured"))
    assert get_driver("fake").options.installation == "configured"
