"""The reader of crosswalk tables."""

from pathlib import Path

import pytest

from range.competencies.readers import dcwf, starter
from range.competencies.readers.content import UnreadableFramework


def test_two_columns_of_codes_are_enough():
    content = dcwf.read(b"NICE code,DCWF code\nPD-WRL-001,511\nPD-WRL-003,531\n", version="5.1")
    assert content.crosswalk == (("PD-WRL-001", "511"), ("PD-WRL-003", "531"))
    assert [(role.code, role.title) for role in content.roles] == [("511", "511"), ("531", "531")]
    assert (content.name, content.version) == ("dcwf", "5.1")


def test_titles_are_taken_where_a_column_has_them():
    table = "\ufeffdcwf_code,dcwf_role,nice_id\n511,Watcher,PD-WRL-001\n".encode()
    content = dcwf.read(table, version="5.1")
    assert content.roles[0].title == "Watcher"


def test_lines_that_are_no_pair_are_reported_and_left_out():
    table = b"NICE code,DCWF code\nPD-WRL-001,511\n=cmd(),511\nPD-WRL-002\nPD-WRL-001,511\n"
    content = dcwf.read(table, version="5.1")
    assert content.crosswalk == (("PD-WRL-001", "511"),)
    assert [problem[:6] for problem in content.problems] == ["Line 3", "Line 4"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"", "found none"),
        (b"a,b\n1,2\n", "NICE code"),
        (b"NICE code,DCWF code\n", "no row"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b'NICE code,DCWF code\n"PD-WRL-001,511\n', "commas"),
    ],
)
def test_what_is_no_crosswalk_is_refused(table, said):
    with pytest.raises(UnreadableFramework, match=said):
        dcwf.read(table, version="5.1")


OFFICIAL = next(
    (
        parent / "shared" / "data" / "dcwf" / "nice-dcwf-crosswalk.csv"
        for parent in Path(__file__).resolve().parents
        if (parent / "shared" / "data" / "dcwf").is_dir()
    ),
    None,
)


@pytest.mark.skipif(OFFICIAL is None, reason="the official crosswalk is not on this machine")
def test_the_official_crosswalk_agrees_with_the_starter_slice():
    content = dcwf.read(OFFICIAL.read_bytes(), version="5.1")
    assert len(content.crosswalk) == 39
    slice_ = starter.read().dcwf
    assert set(slice_.crosswalk) <= set(content.crosswalk)
    titles = {role.code: role.title for role in content.roles}
    assert {role.code: role.title for role in slice_.roles}.items() <= titles.items()
