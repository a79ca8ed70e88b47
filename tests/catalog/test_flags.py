import base64
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalog.flags import FLAG_PATTERN, MAX_EPOCH, examine, mint

SECRET = b"a secret of this range"
attempts = st.uuids()
keys = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)


@given(attempts, keys, st.integers(min_value=0, max_value=MAX_EPOCH))
def test_a_minted_flag_tells_its_attempt_objective_and_epoch(attempt, key, epoch):
    flag = mint(SECRET, attempt, key, epoch)
    finding = examine(SECRET, flag, objectives=["other", key])
    assert FLAG_PATTERN.fullmatch(flag)
    assert finding.valid
    assert (finding.attempt_id, finding.objective, finding.epoch) == (attempt, key, epoch)
    assert finding.proves(key)


def test_the_same_attempt_gets_the_same_flag_until_it_is_reset():
    attempt = uuid4()
    assert mint(SECRET, attempt, "root", 1) == mint(SECRET, attempt, "root", 1)
    assert mint(SECRET, attempt, "root", 1) != mint(SECRET, attempt, "root", 2)


def test_another_attempts_flag_names_its_source():
    source = uuid4()
    finding = examine(SECRET, mint(SECRET, source, "root", 1), objectives=["root"])
    assert finding.attempt_id == source


def test_a_flag_proves_no_other_objective():
    finding = examine(SECRET, mint(SECRET, uuid4(), "root", 1), objectives=["mend"])
    assert finding.valid
    assert finding.objective is None
    assert not finding.proves("mend")


def test_blanks_and_case_do_not_matter():
    flag = mint(SECRET, uuid4(), "root", 1)
    assert examine(SECRET, f"  {flag.lower()} \r\n").valid


def test_a_flag_of_another_range_is_worthless():
    assert not examine(b"another secret", mint(SECRET, uuid4(), "root", 1)).valid


@given(attempts, st.integers(min_value=0, max_value=255))
def test_no_flipped_bit_is_accepted(attempt, bit):
    flag = mint(SECRET, attempt, "root", 1)
    body = bytearray(base64.b32decode(flag[5:-1] + "===="))
    body[bit // 8] ^= 1 << (bit % 8)
    forged = base64.b32encode(bytes(body)).decode().rstrip("=")
    assert not examine(SECRET, f"FLAG{{{forged}}}").valid


def test_only_one_spelling_of_a_flag_is_accepted():
    """The last character holds spare bits, which must not make a second valid text."""
    flag = mint(SECRET, uuid4(), "root", 1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    spellings = [f"{flag[:-2]}{letter}}}" for letter in letters]
    assert sum(examine(SECRET, each).valid for each in spellings) == 1


@given(st.text(max_size=300))
def test_no_text_is_a_flag_by_accident(text):
    finding = examine(SECRET, text, objectives=["root"])
    assert not finding.valid
    assert finding.attempt_id is None
    assert not finding.proves("root")


@pytest.mark.parametrize("epoch", [-1, MAX_EPOCH + 1])
def test_an_epoch_out_of_range_is_refused(epoch):
    with pytest.raises(ValueError):
        mint(SECRET, UUID(int=0), "root", epoch)
