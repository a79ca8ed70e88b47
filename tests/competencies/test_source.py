"""Fetching what an operator names, without the network."""

import httpx
import pytest

from range.competencies.readers import source
from range.competencies.readers.content import UnreadableFramework

ADDRESS = "https://example.org/nice.json"
PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def without_a_proxy(monkeypatch):
    monkeypatch.setattr(source, "getproxies", dict)


def public(host):
    return ["93.184.215.14"]


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
        assert source.load(ADDRESS, client=client, resolving=public) == b"words"


def test_other_schemes_are_never_asked():
    def fail(request):
        raise AssertionError("the network was asked")

    with client_that(fail) as client:
        for address in ("http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"):
            with pytest.raises(UnreadableFramework, match="https"):
                source.load(address, client=client, resolving=public)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(404), "could not be fetched.*404"),
        (httpx.Response(302, headers={"location": "https://10.0.0.1/"}), "leads on to https://10"),
    ],
)
def test_anything_but_the_file_itself_is_refused(answer, said):
    with (
        client_that(lambda request: answer) as client,
        pytest.raises(UnreadableFramework, match=said),
    ):
        source.load(ADDRESS, client=client, resolving=public)


def test_an_endless_reply_is_cut_off(monkeypatch):
    monkeypatch.setattr(source, "LIMIT_BYTES", 10)
    with (
        client_that(lambda request: httpx.Response(200, content=b"x" * 11)) as client,
        pytest.raises(UnreadableFramework, match="exceeds"),
    ):
        source.load(ADDRESS, client=client, resolving=public)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_stands_for_a_private_address_is_never_asked(address):
    def fail(request):
        raise AssertionError("the network was asked")

    with (
        client_that(fail) as client,
        pytest.raises(UnreadableFramework, match="no public address"),
    ):
        source.load(ADDRESS, client=client, resolving=lambda host: [*public(host), address])


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254"])
def test_a_private_address_itself_is_never_asked(host, proxied, monkeypatch):
    monkeypatch.setattr(source, "getproxies", lambda: {"https": "http://proxy"} if proxied else {})

    def fail(request):
        raise AssertionError("the network was asked")

    with (
        client_that(fail) as client,
        pytest.raises(UnreadableFramework, match="no public address"),
    ):
        source.load(f"https://{host}/x", client=client, resolving=public)


def test_what_is_asked_is_the_address_that_was_judged():
    """A name whose answer changes between the two would otherwise lead inside."""
    asked = []

    def answer(request):
        asked.append((request.url.host, request.headers["host"], request.extensions))
        return httpx.Response(200, content=b"words")

    with client_that(answer) as client:
        source.load(ADDRESS, client=client, resolving=public)
    assert asked[0][:2] == ("93.184.215.14", "example.org")
    assert asked[0][2]["sni_hostname"] == "example.org"


def test_an_unknown_name_is_told_in_words():
    def unknown(host):
        raise OSError("Name or service not known")

    with (
        client_that(lambda request: httpx.Response(200)) as client,
        pytest.raises(UnreadableFramework, match="could not be fetched: Name or service"),
    ):
        source.load(ADDRESS, client=client, resolving=unknown)


@pytest.mark.parametrize("address", ["https://", "https://user:word@example.org/x"])
def test_what_is_no_plain_address_is_refused(address):
    with pytest.raises(UnreadableFramework):
        source.load(address, resolving=public)


def test_a_device_is_no_file():
    with pytest.raises(UnreadableFramework, match="no ordinary file"):
        source.load("/dev/zero")
