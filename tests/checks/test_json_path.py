import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.checks.json_path import MISSING, looked_up

DOCUMENT = {"a": {"b": [1, {"c": 2}]}, "odd key": 3, "list": [{"n": 1}, {"n": 2}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0]", 1),
        ("$.a.b[-1].c", 2),
        ('$["odd key"]', 3),
        ("$.list.*", [{"n": 1}, {"n": 2}]),
        ("$.list[*].n", [1, 2]),
        ("$.nothing", MISSING),
        ("$.a.b[9]", MISSING),
        ("$.a[0]", MISSING),
        ("$.nothing.*", []),
    ],
)
def test_places_are_found(path, value):
    assert looked_up(DOCUMENT, path) == value


@pytest.mark.parametrize("path", ["a.b", "$a", "$..a", "$.a[", "$.a[x]"])
def test_what_cannot_be_read_is_refused(path):
    with pytest.raises(ValueError):
        looked_up(DOCUMENT, path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_document_can_be_looked_into(document):
    looked_up(document, "$.a[0].*")
