import uuid

import pytest

from range.webview import addresses

SANDBOX, PERSON = uuid.UUID(int=1), uuid.UUID(int=2)
LABEL = "abcdefghijklmnopqrstuvwxyz234567"


@pytest.fixture
def public(settings):
    settings.HTTPS = True
    settings.RANGE_VIEW_HOST = "view.example.net"
    settings.RANGE_WEB_ORIGINS = ["https://range.example", "null", "https://x; script-src *"]


def test_every_sandbox_person_and_machine_has_a_name_of_its_own(settings):
    made = {
        addresses.label_of(SANDBOX, PERSON, "web"),
        addresses.label_of(SANDBOX, PERSON, "db"),
        addresses.label_of(SANDBOX, uuid.UUID(int=3), "web"),
        addresses.label_of(uuid.UUID(int=4), PERSON, "web"),
    }
    settings.SECRET_KEY = "another"
    made.add(addresses.label_of(SANDBOX, PERSON, "web"))
    assert len(made) == 5
    assert all(len(each) == 32 for each in made)


def test_a_name_stays_the_same_for_the_same_sandbox():
    assert addresses.label_of(SANDBOX, PERSON, "web") == addresses.label_of(SANDBOX, PERSON, "web")


def test_only_an_exact_host_names_a_view():
    own = f"{LABEL}.view.localhost:8003"
    assert addresses.label_in(own) == LABEL
    assert addresses.label_in(own.upper()) == LABEL
    for other in (
        "",
        "view.localhost:8003",
        f"{LABEL}.view.localhost",
        f"{LABEL}.view.localhost:8000",
        f"{LABEL}.view.localhost:8003.evil.example",
        f"x.{LABEL}.view.localhost:8003",
        f"{LABEL}.evil.example:8003",
        f"{LABEL}.view.localhost.:8003",
        f"{LABEL[:-1]}.view.localhost:8003",
        f"{LABEL[:-1]}1.view.localhost:8003",
        f"{LABEL}\n.view.localhost:8003",
        "127.0.0.1:8003",
    ):
        assert addresses.label_in(other) is None, other


def test_names_below_localhost_serve_pages_of_this_machine_only():
    assert addresses.offered_to("http://localhost:8000")
    assert addresses.offered_to("http://127.0.0.1:8000")
    for other in ("http://192.0.2.7:8000", "https://range.example", "http://localhost:8001", ""):
        assert not addresses.offered_to(other)
    assert addresses.origin_of(LABEL) == f"http://{LABEL}.view.localhost:8003"


def test_an_empty_name_shows_none(settings):
    settings.RANGE_VIEW_HOST = ""
    settings.RANGE_WEB_ORIGINS = ["https://range.example"]
    assert not addresses.offered_to("https://range.example")
    assert not addresses.offered_to("http://localhost:8000")
    assert addresses.label_in(f"{LABEL}.") is None
    assert addresses.label_in(LABEL) is None


def test_a_wildcard_name_serves_the_sites_named_origins(public):
    assert addresses.offered_to("https://range.example")
    assert not addresses.offered_to("http://localhost:8000")
    assert addresses.page_origins() == ("https://range.example",)
    assert addresses.origin_of(LABEL) == f"https://{LABEL}.view.example.net"
    assert addresses.every_origin() == "https://*.view.example.net"
    assert addresses.label_in(f"{LABEL}.view.example.net") == LABEL
    assert addresses.label_in(f"{LABEL}.view.example.net:8003") is None
