"""The fold: what the tutor knows follows from the events alone, and fits its limit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor import stuck
from tutor.context import TOKEN_LIMIT, approximate_tokens, fold, ladder_of, render
from tutor.happenings import Happening, commands_of

START = datetime(2030, 1, 1, tzinfo=UTC)
SPEC = {
    "objectives": [{"key": "enter", "title": "Get in"}, {"key": "mend", "title": "Close it"}],
    "estimated_minutes": 20,
    "reference": {"enter": [{"run": "the secret way"}]},
}


def happened(*events):
    """Make happenings one second apart from (kind, payload) pairs."""
    return [
        Happening(seq=seq, at=START + timedelta(seconds=seq), kind=kind, payload=payload)
        for seq, (kind, payload) in enumerate(events, start=1)
    ]


def command(number, text, **fields):
    payload = {"number": number, "machine": "box", "text": text, "exit": 0, **fields}
    return ("console.command", payload)


def evidence(objective, check, outcome, reason=""):
    payload = {"objective": objective, "check": check, "outcome": outcome, "reason": reason}
    return ("evidence.recorded", payload)


def state_of(*events, objective="enter", minutes=5, **more):
    return fold(happened(*events), SPEC, objective, now=START + timedelta(minutes=minutes), **more)


def test_it_tells_objectives_and_why_their_checks_fail():
    state = state_of(
        evidence("enter", "flag", "UNMET", "nothing-handed-in"),
        evidence("mend", "gone", "MET"),
    )
    assert not state.objective.met
    assert state.objective.reasons == ("nothing-handed-in",)
    assert state.others[0].met


def test_the_latest_outcome_of_a_check_counts():
    state = state_of(evidence("enter", "flag", "MET"), evidence("enter", "flag", "UNMET", "undone"))
    assert not state.objective.met
    assert state.objective.reasons == ("undone",)


def test_what_the_assessment_holds_to_be_met_is_met():
    assert state_of(evidence("enter", "a", "UNMET"), met={"enter"}).objective.met


def test_it_keeps_the_last_commands_and_those_that_proved_something():
    proving = [command(1, "cat /root/flag"), evidence("mend", "gone", "MET")]
    later = [command(number, f"ls /{number}") for number in range(2, 20)]
    kept = [each.number for each in state_of(*proving, *later).commands]
    assert kept == [1, *range(12, 20)]


def test_repeats_are_collapsed():
    state = state_of(*(command(number, "sudo -l") for number in range(1, 12)))
    assert [each.number for each in state.commands] == [11]


def test_output_and_errors_are_shown_with_their_command():
    text = render(
        state_of(
            command(
                7,
                "cat /root/flag.txt",
                exit=1,
                error_class="denied",
                digest={"first": ["cat: /root/flag.txt: Permission denied"], "last": []},
            )
        )
    )
    assert "#7 box exit 1: cat /root/flag.txt [denied] -> cat: /root/flag.txt: Permission" in text
    assert "Recent errors: denied 1." in text


def test_a_command_that_went_well_is_no_error():
    state = state_of(command(1, "id", error_class="none"))
    assert not state.commands[0].failed
    assert state.last_failed is None
    assert "none" not in render(state)


def test_the_reference_of_the_scenario_is_never_read():
    assert "secret way" not in render(state_of(command(1, "id")))


@pytest.mark.parametrize(
    "digest", [None, "one\ntwo", ["one"], {"first": "one"}, {"first": None}, 7]
)
def test_any_form_of_digest_is_read(digest):
    commands = commands_of(happened(command(1, "id", digest=digest)))
    assert commands[0].text == "id"


@pytest.mark.parametrize("payload", [{}, {"text": None}, {"text": 5, "number": "x", "exit": "y"}])
def test_broken_payloads_break_nothing(payload):
    assert isinstance(render(state_of(("console.command", payload))), str)


long_text = st.text(min_size=0, max_size=400)


@given(st.lists(st.tuples(long_text, st.lists(long_text, max_size=6)), max_size=30))
def test_it_never_outgrows_its_limit(typed):
    events = [
        command(number, text, digest={"first": lines, "last": lines})
        for number, (text, lines) in enumerate(typed, start=1)
    ]
    assert approximate_tokens(render(state_of(*events))) <= TOKEN_LIMIT


def test_the_same_events_give_the_same_state():
    events = [command(1, "id"), evidence("enter", "flag", "UNMET", "no")]
    assert state_of(*events).digest == state_of(*events).digest
    assert state_of(*events).digest != state_of(command(1, "ls")).digest


def test_control_sequences_in_commands_are_removed():
    state = state_of(command(1, "\x1b]0;evil\x07ls\x1b[31m -la\u202e\u200b"))
    assert state.commands[0].text == "ls -la"


class TestLadder:
    def ladder(self, *events, minutes=1, objective="enter"):
        now = START + timedelta(minutes=minutes)
        return ladder_of(happened(*events), objective, now=now)

    def test_it_begins_at_the_mirror(self):
        assert self.ladder().unlocked == 0

    def test_the_highest_rung_unlocked_counts(self):
        events = [("hint.unlocked", {"objective": "enter", "rung": rung}) for rung in (1, 2)]
        assert self.ladder(*events).unlocked == 2

    def test_another_objective_begins_at_the_mirror_again(self):
        event = ("hint.unlocked", {"objective": "enter", "rung": 3})
        assert self.ladder(event, objective="mend").unlocked == 0

    def test_tries_count_since_the_last_hint_on_the_objective(self):
        asked = ("hint.asked", {"objective": "enter", "rung": 0})
        ladder = self.ladder(command(1, "id"), asked, command(2, "ls"), command(3, "ps"))
        assert ladder.tries == 2

    def test_an_empty_line_is_no_try(self):
        assert self.ladder(command(1, "   ")).tries == 0

    def test_a_wrong_submission_is_a_try_on_its_objective_only(self):
        event = ("submission.refused", {"objective": "enter"})
        assert self.ladder(event).tries == 1
        assert self.ladder(event, objective="mend").tries == 0

    def test_asking_what_a_word_means_changes_nothing(self):
        definition = ("hint.asked", {"objective": "enter", "definition": True})
        ladder = self.ladder(command(1, "id"), definition)
        assert (ladder.tries, ladder.hints) == (1, 0)

    def test_waiting_is_counted_from_the_last_hint(self):
        asked = ("hint.asked", {"objective": "enter"})
        ladder = self.ladder(command(1, "id"), asked, minutes=4)
        assert ladder.waited == timedelta(minutes=4) - timedelta(seconds=2)


class TestStuck:
    def signs(self, *texts, idle=0, wrong=0, before=(), failing=False):
        events = [command(n, text, exit=int(failing)) for n, text in enumerate(texts, start=1)]
        return stuck.score(
            stuck.Signs(
                idle=timedelta(minutes=idle),
                expected=timedelta(minutes=10),
                recent=commands_of(happened(*events)),
                before=frozenset(before),
                wrong_submissions=wrong,
            )
        )

    def test_somebody_who_has_just_begun_is_not_stuck(self):
        assert self.signs("id", "ls") == 0

    def test_somebody_who_repeats_failing_lines_for_long_is(self):
        texts = ["sudo less /etc/shadow"] * 8
        assert self.signs(*texts, idle=20, wrong=3, before={"less"}, failing=True) == 1.0

    def test_new_programs_tell_of_exploring(self):
        familiar = self.signs(*["ls"] * 8, before={"ls"})
        exploring = self.signs(*["ls"] * 7, "getcap", before={"ls"})
        assert exploring < familiar

    @given(st.integers(0, 500), st.integers(0, 50), st.lists(st.text(max_size=8), max_size=12))
    def test_it_stays_between_nothing_and_all(self, idle, wrong, texts):
        assert 0 <= self.signs(*texts, idle=idle, wrong=wrong) <= 1


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("ls -la", "ls"),
        ("sudo less /x", "less"),
        ("/usr/bin/find /", "find"),
        ("A=1 B=2 make", "make"),
        ("sudo -l", "sudo"),
        ("sudo", "sudo"),
    ],
)
def test_it_names_the_program_of_a_line(line, program):
    assert commands_of(happened(command(1, line)))[0].program == program
