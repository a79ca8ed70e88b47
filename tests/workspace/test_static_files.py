"""Static files from the web role: compressed, revalidated, nothing outside their folder."""

import gzip

import pytest
from django.http import Http404
from django.test import RequestFactory

from range.workspace.static_files import StaticFiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def serve(settings, tmp_path):
    (tmp_path / "page.css").write_text("a { color: red }\n" * 100)
    (tmp_path / "tiny.css").write_text("a{}")
    (tmp_path / "letter.woff2").write_bytes(b"\0" * 5000)
    settings.STATICFILES_DIRS = [tmp_path]
    handler = StaticFiles(lambda *_: None)

    answers = []

    def get(path, **headers):
        answers.append(handler.serve(RequestFactory().get(f"/static/{path}", headers=headers)))
        return answers[-1]

    yield get
    for answer in answers:
        answer.close()


def body(response):
    return b"".join(response) if response.streaming else response.content


def test_text_is_compressed_for_who_takes_it(serve):
    answer = serve("page.css", **{"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body(answer)) == b"a { color: red }\n" * 100
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_text_stays_plain_for_who_does_not(serve):
    answer = serve("page.css")
    assert "Content-Encoding" not in answer.headers
    assert len(body(answer)) == 1700


@pytest.mark.parametrize("path", ["letter.woff2", "tiny.css"])
def test_what_would_not_shrink_is_left_alone(serve, path):
    answer = serve(path, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_a_changed_file_is_compressed_anew(serve, tmp_path):
    serve("page.css", **{"Accept-Encoding": "gzip"})
    (tmp_path / "page.css").write_text("b { color: blue }\n" * 100)
    answer = serve("page.css", **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(body(answer)).startswith(b"b {")


def test_a_browser_asks_again_and_gets_nothing_it_has(serve):
    first = serve("page.css", **{"Accept-Encoding": "gzip"})
    assert first.headers["Cache-Control"] == "no-cache"
    again = serve("page.css", **{"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.status_code == 304


def test_files_are_never_guessed_to_be_something_else(serve):
    assert serve("page.css").headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["none.css", "../secret", "%2e%2e/secret", "/etc/passwd"])
def test_nothing_outside_the_folder_is_served(serve, tmp_path, path):
    (tmp_path.parent / "secret").write_text("x" * 1000)
    with pytest.raises(Http404):
        serve(path)
