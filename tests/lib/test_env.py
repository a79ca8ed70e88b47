import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.lib.env import Env, EnvError, defaults_file


def test_it_returns_the_default_for_a_name_that_is_not_set():
    env = Env({})
    assert env.text("RANGE_A", "x") == "x"
    assert env.boolean("RANGE_B", False) is False
    assert env.integer("RANGE_C", 3) == 3
    assert env.number("RANGE_D", 0.5) == 0.5
    assert env.listing("RANGE_E", ["a"]) == ["a"]


def test_a_listing_does_not_share_its_default():
    default = ["a"]
    Env({}).listing("RANGE_E", default).append("b")
    assert default == ["a"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("1", True), ("true", True), ("Yes", True), ("ON", True), ("0", False), ("no", False)],
)
def test_it_reads_yes_and_no(raw, expected):
    assert Env({"RANGE_X": raw}).boolean("RANGE_X") is expected


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("boolean", "maybe"),
        ("boolean", ""),
        ("integer", "3.5"),
        ("integer", "ten"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "much"),
        ("path", "relative/path"),
    ],
)
def test_it_refuses_nonsense_and_names_it(method, raw):
    with pytest.raises(EnvError, match="RANGE_X must be"):
        getattr(Env({"RANGE_X": raw}), method)("RANGE_X")


@pytest.mark.parametrize("method", ["text", "boolean", "integer", "number", "path", "listing"])
def test_a_missing_value_without_a_default_is_an_error(method):
    with pytest.raises(EnvError, match="RANGE_X is not set"):
        getattr(Env({}), method)("RANGE_X")


def test_it_refuses_numbers_out_of_bounds():
    env = Env({"RANGE_LOW": "0", "RANGE_HIGH": "70000", "RANGE_RATE": "1.5"})
    with pytest.raises(EnvError, match="at least 1"):
        env.integer("RANGE_LOW", minimum=1)
    with pytest.raises(EnvError, match="at most 65535"):
        env.integer("RANGE_HIGH", maximum=65535)
    with pytest.raises(EnvError, match="at most 1"):
        env.number("RANGE_RATE", maximum=1)


def test_it_refuses_a_choice_that_is_not_offered():
    with pytest.raises(EnvError, match="one of docker, fake"):
        Env({"RANGE_DRIVER": "podman"}).text("RANGE_DRIVER", choices=["docker", "fake"])


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    env = Env({"RANGE_PROT": "1", "HOME": "/"})
    env.integer("RANGE_PORT", 8000)
    with pytest.raises(EnvError, match=r"not a setting: did you mean RANGE_PORT\?"):
        env.refuse_unknown("RANGE_", "TUTOR_")


def test_names_under_other_prefixes_are_left_alone():
    env = Env({"DJANGO_ANYTHING": "1"})
    env.refuse_unknown("RANGE_", "TUTOR_")
    assert env.known == frozenset()


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path):
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    assert Env({"RANGE_KEY_FILE": str(file)}).secret("RANGE_KEY") == "s3cret"


def test_the_name_of_a_secrets_file_is_known_too(tmp_path):
    file = tmp_path / "secret"
    file.write_text("s3cret")
    env = Env({"RANGE_KEY_FILE": str(file)})
    env.secret("RANGE_KEY")
    env.refuse_unknown("RANGE_")


def test_a_secret_given_twice_is_refused(tmp_path):
    env = Env({"RANGE_KEY": "a", "RANGE_KEY_FILE": str(tmp_path / "secret")})
    with pytest.raises(EnvError, match="not both"):
        env.secret("RANGE_KEY")


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_secrets_file_that_is_missing_or_empty_is_refused(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    with pytest.raises(EnvError, match="RANGE_KEY_FILE"):
        Env({"RANGE_KEY_FILE": str(file)}).secret("RANGE_KEY")


def test_an_empty_secret_does_not_fall_back_to_the_default():
    with pytest.raises(EnvError, match="must hold a secret"):
        Env({"RANGE_KEY": ""}).secret("RANGE_KEY", "insecure")


def test_a_secrets_default_is_made_only_when_nothing_is_set():
    assert Env({"RANGE_KEY": "given"}).secret("RANGE_KEY", lambda: pytest.fail("asked")) == "given"
    assert Env({}).secret("RANGE_KEY", lambda: "made") == "made"


def test_the_message_about_a_secret_never_shows_it(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfehidden")
    with pytest.raises(EnvError) as caught:
        Env({"RANGE_KEY_FILE": str(file)}).secret("RANGE_KEY")
    assert "hidden" not in caught.value.message


@given(st.lists(st.text(alphabet="abc ", max_size=4), max_size=5))
def test_a_listing_holds_no_blanks(parts):
    found = Env({"RANGE_X": ",".join(parts)}).listing("RANGE_X")
    assert found == [part.strip() for part in parts if part.strip()]


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    monkeypatch.delenv("RANGE_RUNTIME_ENV", raising=False)
    monkeypatch.setenv("RANGE_HERE", "environment")
    file = tmp_path / "runtime.env"
    file.write_text("# kept\n\nRANGE_HERE=file\nRANGE_THERE=a=b\n")
    found = defaults_file(file)
    assert found["RANGE_HERE"] == "environment"
    assert found["RANGE_THERE"] == "a=b"


def test_a_file_that_is_not_there_adds_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("RANGE_RUNTIME_ENV", raising=False)
    assert defaults_file(tmp_path / "none") == dict(os.environ)


def test_the_file_can_be_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("RANGE_RUNTIME_ENV", "")
    file = tmp_path / "runtime.env"
    file.write_text("RANGE_THERE=1\n")
    found = defaults_file(file)
    assert "RANGE_THERE" not in found
    assert "RANGE_RUNTIME_ENV" not in found


def test_a_line_that_is_no_assignment_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("RANGE_RUNTIME_ENV", raising=False)
    file = tmp_path / "runtime.env"
    file.write_text("RANGE_THERE=1\nnonsense\n")
    with pytest.raises(EnvError, match="line 2"):
        defaults_file(file)
