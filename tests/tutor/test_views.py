"""The panel, asking, the stream and the citations, for the trainee, staff and strangers."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse

from range.accounts.models import Membership
from range.exercises.models import Attempt
from range.timeline.models import Event
from tutor import services
from tutor.models import Debrief, Hint
from tutor.policy import Unlock
from tutor.providers import registry
from tutor.providers.scripted import ScriptedChat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_model")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client, trainee, attempt):
    client.force_login(trainee)

    def get(name="tutor-panel", *more, **query):
        return client.get(reverse(name, args=[attempt.pk, *more]), query, headers=HTMX)

    return get


@pytest.fixture
def post(client, trainee, attempt):
    client.force_login(trainee)

    def send(**fields):
        return client.post(reverse("ask-hint", args=[attempt.pk]), fields, headers=HTMX)

    return send


@pytest.fixture
def hint(attempt, trainee, knowledge):
    services.ask(attempt, person=trainee, unlock=Unlock.NOW)
    return services.ask(attempt, person=trainee, unlock=Unlock.NOW, question="sudo rules?")


def body(answer):
    return answer.content.decode()


def test_the_panel_says_which_mode_answers(page):
    assert "Without a model" in body(page())


def test_the_panel_shows_what_the_next_rung_gives_and_does_before_it_is_taken(page):
    text = body(page())
    assert "Rung 1: Orient" in text
    assert "Where to look, in two sentences at most." in text
    assert "Your grade stays as it is." in text
    assert not Hint.objects.exists()


def test_after_a_try_the_next_rung_takes_one_click(page, typed):
    assert 'value="next"' not in body(page())
    typed("id")
    assert 'value="next"' in body(page())


def test_taking_a_rung_shows_the_authors_words_at_once(post):
    answer = post(objective="enter", unlock="now")
    assert "What may this account do" in body(answer)
    assert "Rung 2: Concept" in body(answer)


def test_an_empty_tutor_says_what_to_do(page):
    assert "No hints yet" in body(page())


def test_the_chosen_objective_stays_chosen(page):
    assert re.search(r'value="mend" selected', body(page(objective="mend")))


def test_an_unknown_objective_is_not_there(page):
    assert page(objective="nowhere").status_code == 404


def test_a_refused_request_is_a_sentence_in_the_panel(post):
    answer = post(objective="enter", unlock="next")
    assert answer.status_code == 409
    assert "opens after a new try" in body(answer)
    assert not Hint.objects.exists()


@pytest.mark.parametrize("unlock", ["4", "answer", "now; next", "NEXT"])
def test_an_invented_unlock_is_refused(post, unlock):
    assert post(objective="enter", unlock=unlock).status_code == 400
    assert not Hint.objects.exists()


def test_what_was_typed_is_escaped(post, page):
    post(objective="enter", question='<script>alert(1)</script><img src=x onerror="x">')
    text = body(page())
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


def test_nothing_in_the_panel_needs_inline_script_or_style(page, hint):
    text = body(page())
    assert "<script" not in text
    assert " style=" not in text
    assert not re.search(r"\son\w+=", text)


def test_without_script_the_panel_is_a_whole_page(client, trainee, attempt):
    client.force_login(trainee)
    answer = client.get(reverse("tutor-panel", args=[attempt.pk]))
    assert "<html" in body(answer)


def test_citations_open_in_place(page, hint):
    text = body(page())
    url = reverse("citation", args=[hint.attempt_id, hint.pk, 1])
    assert f'hx-get="{url}"' in text
    assert f'hx-target="#passage-{hint.pk}"' in text
    assert f'id="passage-{hint.pk}"' in text


def test_a_citation_shows_the_passage_with_its_span_marked(page, hint):
    text = body(page("citation", hint.pk, 1))
    marked = re.search(r"<mark>(.+?)</mark>", text, re.DOTALL)
    assert marked
    assert "Apache-2.0" in text
    assert "<html" not in text


def test_a_citation_can_be_opened_as_a_page(client, trainee, attempt, hint):
    client.force_login(trainee)
    answer = client.get(reverse("citation", args=[attempt.pk, hint.pk, 1]))
    assert "<html" in body(answer)
    assert "<mark>" in body(answer)


def test_a_citation_that_does_not_resolve_is_not_there(page, hint):
    assert page("citation", hint.pk, 9).status_code == 404


def test_a_hint_of_another_attempt_is_not_there(page, hint, publish, other_trainee):
    other = Attempt.objects.create(exercise=publish(title="Another"), trainee=other_trainee)
    Hint.objects.filter(pk=hint.pk).update(attempt=other)
    assert page("citation", hint.pk, 1).status_code == 404


@pytest.mark.parametrize("name", ["tutor-panel", "debrief-account"])
def test_strangers_see_nothing(client, attempt, other_trainee, assessor, name):
    url = reverse(name, args=[attempt.pk])
    assert client.get(url).status_code == 302
    for stranger in (other_trainee, assessor):
        client.force_login(stranger)
        assert client.get(url).status_code == 404


def test_staff_read_but_do_not_ask(client, attempt, instructor, hint):
    client.force_login(instructor)
    before = Hint.objects.count(), Event.objects.count()
    text = body(client.get(reverse("tutor-panel", args=[attempt.pk]), headers=HTMX))
    assert "only the trainee asks" in text
    assert "sudo rules?" in text
    assert 'name="question"' not in text
    answer = client.post(reverse("ask-hint", args=[attempt.pk]), {"question": "x"}, headers=HTMX)
    assert answer.status_code == 404
    assert (Hint.objects.count(), Event.objects.count()) == before


def test_staff_of_another_school_of_the_trainees_reads_none_of_it(
    client, attempt, trainee, far_school, far_instructor, hint
):
    Membership.objects.create(person=trainee, organisation=far_school, role="TRAINEE")
    client.force_login(far_instructor)
    text = body(client.get(reverse("tutor-panel", args=[attempt.pk]), headers=HTMX))
    assert "own school" in text
    assert "sudo rules?" not in text
    assert "Rules of sudo" not in text
    for name, more in (("citation", [1]), ("hint-stream", [])):
        address = reverse(name, args=[attempt.pk, hint.pk, *more])
        assert client.get(address).status_code == 404
    client.force_login(trainee)
    assert client.get(reverse("citation", args=[attempt.pk, hint.pk, 1])).status_code == 200


def test_nobody_else_asks(client, attempt, other_trainee):
    client.force_login(other_trainee)
    answer = client.post(reverse("ask-hint", args=[attempt.pk]), {"question": "x"})
    assert answer.status_code == 404
    assert not Hint.objects.exists()


def test_asking_is_no_get(client, trainee, attempt):
    client.force_login(trainee)
    assert client.get(reverse("ask-hint", args=[attempt.pk])).status_code == 405


def test_in_an_assessed_attempt_the_panel_says_that_it_is_off(client, publish, trainee):
    assessed = Attempt.objects.create(exercise=publish(policy="ASSESSED"), trainee=trainee)
    client.force_login(trainee)
    text = body(client.get(reverse("tutor-panel", args=[assessed.pk]), headers=HTMX))
    assert "off in an assessed attempt" in text
    assert 'name="question"' not in text
    answer = client.post(reverse("ask-hint", args=[assessed.pk]), {"unlock": "now"}, headers=HTMX)
    assert answer.status_code == 403
    assert not Hint.objects.exists()


def test_a_hundred_questions_a_minute_end_in_a_useful_page(post):
    answers = [post(objective="enter", question=f"question {n}") for n in range(30)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert "Nothing was lost" in body(answers[-1])
    assert 'name="question"' in body(answers[-1])


def test_an_open_hint_connects_to_its_stream(post, typed):
    typed("id")
    with registry.using(ScriptedChat("Look.")):
        text = body(post(objective="enter", unlock="next"))
    hint = Hint.objects.get()
    assert f'sse-connect="{reverse("hint-stream", args=[hint.attempt_id, hint.pk])}"' in text
    assert 'sse-swap="answered"' in text
    assert "What may this account do" in text


async def read_stream(trainee, hint, model):
    client = AsyncClient()
    await client.aforce_login(trainee)
    with registry.using(model):
        answer = await client.get(reverse("hint-stream", args=[hint.attempt_id, hint.pk]))
        if answer.status_code != 200:
            return answer.status_code, b""
        return answer, b"".join([part async for part in answer.streaming_content])


@pytest.mark.usefixtures("same_thread")
def test_the_stream_ends_with_the_finished_hint(trainee, other_trainee, attempt, knowledge):
    model = ScriptedChat(
        "A rule of sudo names a program, and gives everything that the program can do. "
        "<b>Look</b> at each rule of sudo."
    )
    with registry.using(model):
        services.ask(attempt, person=trainee, unlock=Unlock.NOW)
        hint = services.ask(attempt, person=trainee, unlock=Unlock.NOW, question="sudo rules")
    answer, text = async_to_sync(read_stream)(trainee, hint, model)
    assert answer["Content-Type"] == "text/event-stream"
    events = re.findall(r"^event: (\w+)$", text.decode(), re.MULTILINE)
    assert events[0] == "sentence"
    assert events[-1] == "answered"
    assert f"hint-{hint.pk}" in text.decode()
    assert "<b>Look" not in text.decode()
    status, _ = async_to_sync(read_stream)(other_trainee, hint, model)
    assert status == 404


def test_the_account_appears_in_the_debrief(page, attempt):
    assert "is being written" in body(page("debrief-account"))
    lines = [{"text": "Met `at once`.", "moment_url": "/replay"}]
    Debrief.objects.create(
        attempt=attempt, text="You worked <hard>.", sections=[{"title": "How", "lines": lines}]
    )
    text = body(page("debrief-account"))
    assert "You worked &lt;hard&gt;." in text
    assert "<code>at once</code>" in text
    assert 'href="/replay"' in text


@pytest.mark.parametrize(
    ("guard", "says"),
    [
        ({"reason": "slow"}, "did not answer in time"),
        ({"reason": "unreachable"}, "could not be reached"),
        ({"reason": "queue"}, "were waiting for the model"),
        ({"reason": "", "dropped": 2}, "sources do not bear out"),
        ({"reason": "", "dropped": 0}, "said nothing"),
        ({"reason": "secret", "dropped": 1}, "not fit to show"),
        ({}, "said nothing"),
    ],
)
def test_the_reader_is_told_why_a_models_words_are_missing(page, hint, guard, says):
    Hint.objects.filter(pk=hint.pk).update(state=Hint.State.FAILED, guard=guard)
    text = body(page())
    assert says in text.replace("&#x27;", "'")
    assert "These are the author" in text
