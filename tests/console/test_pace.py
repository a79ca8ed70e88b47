"""Bulk output gives way to keys on other consoles, and to nothing else."""

import time
import uuid

from range.console import pace
from range.console.pace import FULL_CHUNK_BYTES, LastTyped, pause_after
from range.console.relay import Key


def a_key():
    return Key(sandbox_id=uuid.uuid4(), machine="desk", console="main")


def test_keys_on_another_console_count_and_keys_on_the_own_do_not():
    mine, other, typists = a_key(), a_key(), LastTyped()
    assert not typists.are_others(mine)
    typists.typed(mine, time.monotonic())
    assert not typists.are_others(mine)
    assert typists.are_others(other)
    typists.typed(other, time.monotonic())
    typists.typed(mine, time.monotonic())
    assert typists.are_others(mine)


def test_a_key_counts_for_a_moment_only():
    mine, other, typists = a_key(), a_key(), LastTyped()
    typists.typed(other, time.monotonic() - pace.TYPING_SECONDS)
    assert not typists.are_others(mine)


def test_bulk_waits_longest_where_nobody_looks_and_not_at_all_where_buffers_are_full(monkeypatch):
    monkeypatch.setattr(pace, "last_typed", LastTyped())
    mine, other = a_key(), a_key()
    assert pause_after(FULL_CHUNK_BYTES, mine, watched=True) == 0
    alone = pause_after(2000, mine, watched=True)
    assert 0 < alone < pause_after(2000, mine, watched=False)
    pace.last_typed.typed(other, time.monotonic())
    assert pause_after(FULL_CHUNK_BYTES, mine, watched=True) > alone
