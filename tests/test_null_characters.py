"""No address ends in an error of the server, whatever field or question holds a null character."""

import re

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from tests.test_every_address import IN_A_THREAD, TABLE, url_of, world  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

# Fields of forms, and what views ask a request for.
_FIELDS = re.compile(r"""\bname="([\w-]+)"|\.(?:GET|POST)(?:\.get(?:list)?\(|\[)"([\w-]+)\"""")


def fields() -> set[str]:
    folders = [settings.BASE_DIR / name for name in ("templates", "range", "tutor")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    texts = [file.read_text() for file in files if file.suffix in (".py", ".html")]
    found = {name for text in texts for pair in _FIELDS.findall(text) for name in pair if name}
    return found - {"csrfmiddlewaretoken"}


@pytest.mark.parametrize("who", ["trainee", "instructor", "assessor", "administrator"])
@pytest.mark.usefixtures("loopback")
def test_null_characters_are_no_error_of_the_server(request, world, who):  # noqa: F811
    client = Client(raise_request_exception=False)
    client.force_login(request.getfixturevalue(who))
    hostile = dict.fromkeys(fields(), "a\0b")
    failed = []
    # What reads in a thread of its own sees nothing of a test's transaction.
    for name in sorted(set(TABLE) - IN_A_THREAD):
        url = url_of(name, world)
        # Once more with what gets past the first look.
        further = hostile | dict(TABLE[name].data)
        for ask, sent in ((client.get, hostile), (client.post, hostile), (client.post, further)):
            with transaction.atomic():
                status = ask(url, sent).status_code
                transaction.set_rollback(True)
            if status >= 500:
                failed.append((name, status))
    assert failed == []
