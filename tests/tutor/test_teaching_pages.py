"""The instructor's pages about the tutor: where a class is stuck, hints with all behind them."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from range.accounts.models import AccessRecord, Membership
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.timeline.models import Event
from tutor import class_hints, services
from tutor.class_hints import place_questions
from tutor.models import Hint, HintNote, HintVector
from tutor.policy import Unlock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_model")]
HOSTILE = "<script>alert(1)</script> \u202eand {{ 7 }}"


@pytest.fixture
def exercise(attempt):
    return attempt.exercise


@pytest.fixture
def ask(attempt, trainee):
    def do(question="", *, into=None, unlock=Unlock.STAY, **fields):
        where = into or attempt
        hint = services.ask(where, person=where.trainee, question=question, unlock=unlock)
        Hint.objects.filter(pk=hint.pk).update(**fields)
        return Hint.objects.get(pk=hint.pk)

    return do


@pytest.fixture
def rate():
    def do(hint):
        Hint.objects.filter(pk=hint.pk).update(
            rating=Hint.Rating.NOT_HELPFUL, rated_at=timezone.now()
        )

    return do


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestClass:
    def test_it_says_what_to_expect_before_anybody_asks(self, teach, exercise):
        text = words(teach.get("tutor-class", exercise.pk))
        assert "Nobody has asked yet" in text
        assert "No questions yet." in text
        assert "Read the flag of root" in text

    def test_questions_that_are_alike_stand_together_and_most_trainees_lead(
        self, teach, exercise, ask, other_trainee, vectors
    ):
        other = Attempt.objects.create(exercise=exercise, trainee=other_trainee)
        ask("Why does the pager not start a shell?")
        ask("Why does this pager not start a shell")
        ask("Where are the log files of the daybook?")
        ask("The pager does not start a shell, why?", into=other)
        assert place_questions(vectors) == 4
        page = teach.get("tutor-class", exercise.pk)
        assert [(each.trainees, each.hints) for each in page.context["questions"].clusters] == [
            (2, 3),
            (1, 1),
        ]
        like = page.context["questions"].clusters[0].like
        listed = teach.get("tutor-hints", exercise.pk, like=like)
        assert len(listed.context["lines"]) == 3
        assert "daybook" not in words(listed)

    def test_questions_that_nobody_has_placed_yet_are_counted(self, teach, exercise, ask):
        ask("Why does the pager not start a shell?")
        assert "1 question is being sorted in" in words(teach.get("tutor-class", exercise.pk))

    def test_placing_takes_each_question_once_and_no_hint_without_one(self, ask, vectors):
        ask("Why does the pager not start a shell?")
        ask(unlock=Unlock.NOW)
        assert services.place_questions() == 1
        assert services.place_questions() == 0
        assert HintVector.objects.count() == 1

    def test_objectives_say_who_asked_and_who_has_not_met_them_yet(
        self, teach, exercise, attempt, ask, other_trainee
    ):
        other = Attempt.objects.create(exercise=exercise, trainee=other_trainee)
        ask("What now?", unlock=Unlock.NOW)
        ask("What now?", into=other)
        page = teach.get("tutor-class", exercise.pk)
        line = page.context["objectives"][0]
        assert (line.trainees, line.open, line.hints, line.highest) == (2, 2, 2, "Orient")
        Evidence.objects.create(
            attempt=other,
            objective=exercise.version.objectives.get(key="enter"),
            check_id="flag",
            kind="flag",
            outcome="MET",
            score=1.0,
            reason="flag-accepted",
            grader_version="1",
            sha256="0" * 64,
        )
        line = teach.get("tutor-class", exercise.pk).context["objectives"][0]
        assert (line.trainees, line.open) == (2, 1)

    def test_lately_shows_the_guards_verdict(self, teach, exercise, ask):
        ask("What now?", state=Hint.State.FAILED, guard={"reason": "secret", "dropped": 0})
        text = words(teach.get("tutor-lately", exercise.pk))
        assert "Stopped by the guard" in text
        assert "<html" not in teach.get("tutor-lately", exercise.pk).content.decode()

    @pytest.mark.parametrize(
        ("guard", "says"),
        [
            ({"reason": "", "dropped": 2}, "no source bore out what the model said"),
            ({"reason": "", "dropped": 0}, "the model said nothing"),
            ({}, "the model said nothing"),
            ({"reason": "slow", "dropped": 1}, "the model was too slow"),
        ],
    )
    def test_why_the_authors_words_stand_alone_is_said(self, teach, exercise, ask, guard, says):
        hint = ask("What now?", state=Hint.State.FAILED, guard=guard)
        assert says in words(teach.get("tutor-hint", exercise.pk, hint.pk)).casefold()

    def test_hostile_words_stay_words(self, teach, exercise, ask, vectors):
        hint = ask(HOSTILE)
        place_questions(vectors)
        for address in ("tutor-class", "tutor-hints", "tutor-lately"):
            page = teach.get(address, exercise.pk).content.decode()
            assert "<script>alert" not in page
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
            assert "\u202e" not in page
        page = teach.get("tutor-hint", exercise.pk, hint.pk).content.decode()
        assert "<script>alert" not in page


class TestHints:
    def test_filters_keep_what_they_say_and_nonsense_filters_nothing(self, teach, exercise, ask):
        ask("What is this?")
        ask("Next", unlock=Unlock.NOW, guard={"reason": "reference"}, state=Hint.State.FAILED)

        def listed(**query):
            return len(teach.get("tutor-hints", exercise.pk, **query).context["lines"])

        assert listed() == 2
        assert listed(show="stopped") == 1
        assert listed(rung="1") == 1
        assert listed(objective="mend") == 0
        assert listed(trainee="tia") == 2
        assert listed(trainee="nobody") == 0
        assert listed(rung="x", show="y", like="z", page="-1") == 2
        assert listed(objective="\0", trainee="\0") == 2
        assert listed(trainee="ti\0a", show="\0", like="\0", rung="\0") == 2
        assert "No hint is like this" in words(teach.get("tutor-hints", exercise.pk, rung="4"))

    def test_what_did_not_help_awaits_a_look_until_somebody_says_what_was_done(
        self, teach, exercise, ask, rate
    ):
        hint = ask("What now?")
        rate(hint)
        assert "1 hint did not help" in words(teach.get("tutor-class", exercise.pk))
        assert len(teach.get("tutor-hints", exercise.pk, show="waiting").context["lines"]) == 1
        refused = teach.post("note-hint", exercise.pk, hint.pk, text="  ")
        assert refused.status_code == 422
        assert "Write what you did about it" in words(refused)
        assert teach.post("note-hint", exercise.pk, hint.pk, text="\0").status_code == 422
        teach.post("note-hint", exercise.pk, hint.pk, text="Wrote an article\0 on pagers.")
        assert "did not help" not in words(teach.get("tutor-class", exercise.pk))
        assert len(teach.get("tutor-hints", exercise.pk, show="waiting").context["lines"]) == 0
        assert len(teach.get("tutor-hints", exercise.pk, show="unhelpful").context["lines"]) == 1
        assert "Wrote an article on pagers." in words(teach.get("tutor-hint", exercise.pk, hint.pk))
        assert Event.objects.filter(attempt_id=hint.attempt_id, kind=class_hints.NOTED).count() == 1
        rate(hint)
        assert len(teach.get("tutor-hints", exercise.pk, show="waiting").context["lines"]) == 1


class TestHint:
    def test_it_shows_the_context_word_for_word_the_passages_and_the_verdict(
        self, teach, exercise, ask, typed, knowledge
    ):
        typed("sudo -l", first=["(root) /usr/bin/less"])
        hint = ask("Which rule of sudo gives a shell?", unlock=Unlock.NOW)
        typed("whoami", first=["root"])
        page = teach.get("tutor-hint", exercise.pk, hint.pk)
        text = words(page)
        assert page.context["seen"].is_exact
        assert "Word for word as it was" in text
        assert "#1 box: sudo -l -&gt; (root) /usr/bin/less" in text
        assert "whoami" not in text
        assert page.context["passages"]
        assert "Fitted the question with" in text
        assert "Author&#x27;s words" in text

    def test_what_was_met_later_was_not_met_then(self, teach, exercise, attempt, ask, typed):
        typed("sudo -l")
        hint = ask("What now?")
        Evidence.objects.create(
            attempt=attempt,
            objective=exercise.version.objectives.get(key="enter"),
            check_id="flag",
            kind="flag",
            outcome="MET",
            score=1.0,
            reason="flag-accepted",
            grader_version="1",
            sha256="0" * 64,
        )
        seen = teach.get("tutor-hint", exercise.pk, hint.pk).context["seen"]
        assert seen.is_exact
        assert "Read the flag of root: not met" in seen.text

    def test_a_context_that_cannot_be_told_again_says_so(self, teach, exercise, ask):
        hint = ask("What now?", context_digest="0" * 64)
        assert "Folded again from the time line" in words(
            teach.get("tutor-hint", exercise.pk, hint.pk)
        )

    def test_looking_is_written_down(self, teach, exercise, ask, trainee):
        hint = ask("What now?")
        teach.get("tutor-hint", exercise.pk, hint.pk)
        assert [each.subject for each in AccessRecord.objects.all()] == [trainee]

    def test_a_hint_of_another_exercise_is_not_here(self, teach, publish, ask):
        hint = ask("What now?")
        other = publish(title="Another")
        assert teach.get("tutor-hint", other.pk, hint.pk).status_code == 404


ADDRESSES = ("tutor-class", "tutor-lately", "tutor-hints", "tutor-settings")


class TestRights:
    @pytest.mark.parametrize("who", ["trainee", "other_trainee", "assessor", "far_instructor"])
    def test_only_the_schools_own_staff_reads(self, request, client, exercise, ask, who):
        hint = ask("What now?")
        client.force_login(request.getfixturevalue(who))
        for name in ADDRESSES:
            assert client.get(reverse(name, args=[exercise.pk])).status_code == 404
        for name in ("tutor-hint", "note-hint"):
            answer = client.post if name == "note-hint" else client.get
            assert answer(reverse(name, args=[exercise.pk, hint.pk])).status_code == 404
        assert not HintNote.objects.exists()
        assert not AccessRecord.objects.exists()

    def test_the_list_of_exercises_shows_ones_own_only(
        self, client, exercise, ask, far_instructor, instructor, trainee
    ):
        ask("What now?")
        client.force_login(far_instructor)
        assert "No exercises yet" in words(client.get(reverse("tutor-exercises")))
        client.force_login(instructor)
        assert "The ladder" in words(client.get(reverse("tutor-exercises")))
        client.force_login(trainee)
        assert client.get(reverse("tutor-exercises")).status_code == 403


class TestManyHints:
    """A class of forty with two thousand hints costs no more queries than one hint does."""

    TRAINEES, EACH = 40, 50

    @pytest.fixture
    def crowd(self, exercise, person, school, cohort, vectors):
        sentences = [
            f"Why does the {thing} not {what}?"
            for thing in ("pager", "rule", "log", "daybook", "account")
            for what in ("start a shell", "open", "show lines", "work as root")
        ]
        hints = []
        for number in range(self.TRAINEES):
            who = person(f"crowd{number}", school, Membership.Role.TRAINEE, cohort)
            attempt = Attempt.objects.create(exercise=exercise, trainee=who)
            hints += [
                Hint(
                    attempt=attempt,
                    asked_by=who,
                    objective="enter" if at % 3 else "mend",
                    rung=at % 4,
                    question=f"{sentences[(number + at) % len(sentences)]}",
                    authored="Look.",
                    state=Hint.State.ANSWERED,
                    guard={"reason": "secret"} if at % 25 == 0 else {},
                )
                for at in range(self.EACH)
            ]
        Hint.objects.bulk_create(hints)
        while place_questions(vectors, batch=500):
            pass

    @pytest.mark.parametrize(
        ("address", "most"),
        [("tutor-class", 16), ("tutor-hints", 8), ("tutor-lately", 7), ("tutor-settings", 9)],
    )
    def test_the_pages_hold_up(
        self, teach, exercise, crowd, django_assert_max_num_queries, address, most
    ):
        with django_assert_max_num_queries(most):
            page = teach.get(address, exercise.pk)
        assert page.status_code == 200

    def test_nothing_is_lost_in_the_crowd(self, teach, exercise, crowd):
        page = teach.get("tutor-class", exercise.pk)
        lines = page.context["objectives"]
        assert sum(line.hints for line in lines) == self.TRAINEES * self.EACH
        assert {line.open for line in lines} == {self.TRAINEES}
        # Twenty sentences on two objectives.
        found = page.context["questions"]
        assert len(found.clusters) + found.more <= 40
        listed = teach.get("tutor-hints", exercise.pk, page="40")
        assert len(listed.context["lines"]) == 50
        assert "Page 40 of 40" in words(listed)
