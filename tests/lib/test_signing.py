"""Keys are made once, kept private, retired in turn, and prove only what they signed in time."""

import json
import multiprocessing
import stat
from datetime import UTC, datetime, timedelta

import pytest

from range.lib import signing


def now():
    return datetime.now(UTC).isoformat()


def test_the_first_call_makes_a_key_and_later_ones_find_it(tmp_path):
    first = signing.keyring(tmp_path)
    assert signing.keyring(tmp_path).keys == first.keys
    assert first.active.id == signing.key_id(first.active.raw())


def test_nobody_else_can_read_the_private_half(tmp_path):
    ring = signing.keyring(tmp_path)
    assert stat.S_IMODE(ring.folder.stat().st_mode) == 0o700
    private = ring.folder / f"{ring.active.id}.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_text() not in (ring.folder / signing.KEYRING).read_text()


def test_it_knows_its_own_signatures_and_no_others(tmp_path):
    ring, other = signing.keyring(tmp_path / "a"), signing.keyring(tmp_path / "b")
    signature = ring.sign(b"message")
    assert ring.verifies(ring.active.id, signature, b"message", dated=now())
    assert not ring.verifies(ring.active.id, signature, b"another", dated=now())
    assert not ring.verifies(ring.active.id, other.sign(b"message"), b"message", dated=now())
    assert not ring.verifies(other.active.id, other.sign(b"message"), b"message", dated=now())
    assert not ring.verifies(ring.active.id, b"", b"message", dated=now())


@pytest.mark.parametrize("dated", ["", "yesterday", "2001-01-01T00:00:00+00:00", "2001-01-01"])
def test_a_signature_dated_before_its_key_does_not_hold(tmp_path, dated):
    ring = signing.keyring(tmp_path)
    assert not ring.verifies(ring.active.id, ring.sign(b"m"), b"m", dated=dated)


def test_a_retired_key_still_proves_what_it_signed_and_signs_nothing_more(tmp_path):
    old = signing.keyring(tmp_path)
    signature, signed_at = old.sign(b"m"), now()
    ring = signing.rotate(tmp_path)
    assert [key.retired_at is None for key in ring.keys] == [False, True]
    assert ring.verifies(old.active.id, signature, b"m", dated=signed_at)
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert not ring.verifies(old.active.id, signature, b"m", dated=later)
    with pytest.raises(signing.KeyringBroken):
        old.sign(b"m")
    assert not (ring.folder / f"{old.active.id}.key").exists()
    assert ring.verifies(ring.active.id, ring.sign(b"n"), b"n", dated=later)


@pytest.mark.parametrize("damage", ["", "{}", '{"keys": []}', '{"keys": [{"id": 1}]}', "forged"])
def test_a_damaged_list_of_keys_is_told_and_never_replaced(tmp_path, damage):
    ring = signing.keyring(tmp_path)
    path = ring.folder / signing.KEYRING
    listed = json.loads(path.read_text())
    listed["keys"][0]["id"] = "0" * 16
    text = json.dumps(listed) if damage == "forged" else damage
    path.write_text(text)
    with pytest.raises(signing.KeyringBroken, match="Restore it from a backup"):
        signing.keyring(tmp_path)
    assert path.read_text() == text


def test_roles_that_start_at_once_agree_on_one_key(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_key_of, [tmp_path] * 8)
    assert len(set(found)) == 1


def _key_of(folder):
    return signing.keyring(folder).active.id
