"""Fetching what an operator names, without the network."""

import httpx
import pytest

from range.competencies.readers import source
from range.competencies.readers.content import UnreadableFramework

ADDRESS = "https://example.org/nice.json"


def client_that(answer) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


def test_a_file_is_read(tmp_path):
    (tmp_path / "x.json").write_bytes(b"words")
    assert source.load(str(tmp_path / "x.json")) == b"words"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "LIMIT_BYTES", 3)
    (tmp_path / "x.json").write_bytes(b"words")
    with pytest.raises(UnreadableFramework, match="larger"):
        source.load(str(tmp_path / "x.json"))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UnreadableFramework, match="cannot be read"):
        source.load(str(tmp_path))


def test_an_https_address_is_fetched():
    with client_that(lambda request: httpx.Response(200, content=b"words")) as client:
        assert source.load(ADDRESS, client=client) == b"words"


def test_other_schemes_are_never_asked():
    def fail(request):
        raise AssertionError("the network was asked")

    with client_that(fail) as client:
        for address in ("http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"):
            with pytest.raises(UnreadableFramework, match="https"):
                source.load(address, client=client)


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(404),
        lambda request: httpx.Response(302, headers={"location": "http://example.org/"}),
    ],
)
def test_anything_but_the_file_itself_is_refused(answer):
    with client_that(answer) as client, pytest.raises(UnreadableFramework, match="fetched"):
        source.load(ADDRESS, client=client)


def test_an_endless_reply_is_cut_off(monkeypatch):
    monkeypatch.setattr(source, "LIMIT_BYTES", 10)
    with (
        client_that(lambda request: httpx.Response(200, content=b"x" * 11)) as client,
        pytest.raises(UnreadableFramework, match="exceeds"),
    ):
        source.load(ADDRESS, client=client)
