"""Anticipated errors in words; the workspace's wider content policy."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch

from range.console.console_origin import console_origin
from range.lib.errors import RangeError
from range.workspace.middleware import ConsoleOriginMiddleware, RangeErrorMiddleware

REFUSAL = RangeError("No room. Wait <a> bit.", reason="capacity", status=503, retryable=True)


@pytest.fixture
def answer(db):
    def to(error, **headers):
        middleware = RangeErrorMiddleware(lambda request: HttpResponse())
        request = RequestFactory().post("/", headers=headers)
        return middleware.process_exception(request, error)

    return to


def test_a_page_says_what_happened_and_keeps_the_status(answer):
    page = answer(REFUSAL)
    assert page.status_code == 503
    text = page.content.decode()
    assert "The range is busy" in text
    assert "No room. Wait &lt;a&gt; bit." in text
    assert "nothing was lost" in text


def test_htmx_gets_a_notice_that_replaces_nothing(answer):
    notice = answer(REFUSAL, **{"HX-Request": "true"})
    assert notice.status_code == 503
    assert notice.headers["HX-Retarget"] == "#toasts"
    assert notice.headers["HX-Reswap"] == "beforeend"
    text = notice.content.decode()
    assert "No room. Wait &lt;a&gt; bit." in text
    assert "<html" not in text


def test_any_other_error_stays_a_bug(answer):
    assert answer(ValueError("secret detail")) is None


@pytest.mark.parametrize(
    ("host", "port", "configured", "origin"),
    [
        ("localhost:8000", 8001, "", "ws://localhost:8001"),
        ("127.0.0.1", 9000, "", "ws://127.0.0.1:9000"),
        ("[::1]:8000", 8001, "", "ws://[::1]:8001"),
        ("localhost", 8001, "https://range.example", "wss://range.example"),
    ],
)
def test_a_terminal_connects_beside_its_page(settings, host, port, configured, origin):
    settings.RANGE_CONSOLE_PORT = port
    settings.RANGE_CONSOLE_ORIGIN = configured
    assert console_origin(RequestFactory().get("/", headers={"Host": host})) == origin


def test_over_https_the_socket_is_encrypted_too(settings):
    settings.RANGE_CONSOLE_ORIGIN = ""
    request = RequestFactory().get("/", headers={"Host": "localhost"}, secure=True)
    assert console_origin(request).startswith("wss://")


def widened(url_name):
    request = RequestFactory().get("/", headers={"Host": "localhost"})
    request.resolver_match = ResolverMatch(print, (), {}, url_name) if url_name else None
    response = ConsoleOriginMiddleware(lambda _: HttpResponse()).process_response(
        request, HttpResponse()
    )
    return getattr(response, "_csp_config", None)


def test_only_the_workspace_may_reach_the_consoles(settings):
    settings.RANGE_CONSOLE_ORIGIN = ""
    settings.RANGE_CONSOLE_PORT = 8001
    assert "ws://localhost:8001" in widened("workspace")["connect-src"]
    for name in ("look", "exercise-wall"):
        assert "ws://localhost:8001" in widened(name)["connect-src"]
        assert "frame-src" not in widened(name)
    assert widened("catalogue") is None
    assert widened(None) is None
    assert "ws://localhost:8001" not in settings.SECURE_CSP["connect-src"]
