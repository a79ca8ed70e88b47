import hashlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.console import cast
from range.console.cast import Header
from range.console.recorder import QUOTA_NOTE, Recorder, seal

HEADER = Header(cols=80, rows=24)


def recorder(folder, **options):
    return Recorder(folder / "attempt" / "one.cast", HEADER, **options)


def shown(path):
    return "".join(event.data for event in cast.read(path).events if event.code == "o")


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 400)))
def test_characters_survive_any_chunking(tmp_path_factory, text, cuts):
    writing = recorder(tmp_path_factory.mktemp("r"))
    data = text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for at, (a, b) in enumerate(itertools.pairwise(edges)):
        writing.output(at, data[a:b])
    writing.close()
    assert shown(writing.path) == text


def test_bytes_that_are_no_characters_are_shown_as_such_and_end_nothing(tmp_path):
    writing = recorder(tmp_path)
    writing.output(1, b"a\xff\xfeb\xe2\x82")
    writing.close()
    assert shown(writing.path) == "a\ufffd\ufffdb\ufffd"


def test_times_do_not_drift_over_many_events(tmp_path):
    writing, generator, at = recorder(tmp_path), random.Random(3), 0
    for _ in range(5000):
        at += generator.randrange(3)
        writing.output(at, b"x")
    writing.close()
    assert cast.read(writing.path).duration_ms == at


def test_the_digest_and_size_are_the_files(tmp_path):
    writing = recorder(tmp_path)
    writing.output(5, b"hello\r\n")
    writing.resize(9, cols=90, rows=30)
    writing.mark(10, "id")
    sealed = writing.close()
    data = writing.path.read_bytes()
    assert sealed.sha256 == hashlib.sha256(data).hexdigest()
    assert sealed.size_bytes == len(data)
    assert seal(writing.path) == sealed


def test_what_was_flushed_is_there_after_a_crash(tmp_path):
    writing = recorder(tmp_path)
    writing.output(5, b"kept\r\n")
    writing.flush()
    writing.output(6, b"lost\r\n")
    # Nothing is closed: this is what another process finds after a kill.
    assert shown(writing.path) == "kept\r\n"
    writing.close()


def test_a_recording_in_progress_cannot_be_sealed_by_another(tmp_path):
    writing = recorder(tmp_path)
    assert seal(writing.path) is None
    writing.close()
    assert seal(writing.path) is not None


def test_a_recording_is_never_written_over(tmp_path):
    recorder(tmp_path).close()
    with pytest.raises(FileExistsError):
        recorder(tmp_path)


def test_only_its_owner_and_group_can_read_it(tmp_path):
    writing = recorder(tmp_path)
    writing.close()
    assert writing.path.stat().st_mode & 0o777 == 0o640


def test_the_quota_ends_the_recording_with_a_word_and_not_the_console(tmp_path):
    writing = recorder(tmp_path, quota_bytes=2000)
    for at in range(100):
        writing.output(at, b"x" * 100)
    assert writing.full
    sealed = writing.close()
    assert sealed.size_bytes < 2200
    assert cast.read(writing.path).events[-1].data == QUOTA_NOTE


def test_nothing_is_recorded_of_what_was_not_shown(tmp_path):
    writing = recorder(tmp_path)
    writing.output(1, b"Password: ")
    writing.output(9, b"\r\n$ ")
    writing.close()
    codes = {event.code for event in cast.read(writing.path).events}
    assert codes == {"o"}
