import tracemalloc

import pytest

from range.catalog.problems import ScenarioInvalid
from range.catalog.yaml_tree import DEPTH_LIMIT, NODE_LIMIT, SIZE_LIMIT_BYTES, read_tree


def read(text):
    return read_tree(text.encode() if isinstance(text, str) else text, file="scenario.yaml")


def test_values_and_their_lines_are_kept():
    tree = read("a: 1\nb:\n  - x: yes\n    y: 1.5\n  - z: null\nc: true\n")
    assert tree.value == {"a": 1, "b": [{"x": "yes", "y": 1.5}, {"z": None}], "c": True}
    assert tree.line_of(("b", 0, "y")) == 4
    assert tree.line_of(("b", 1)) == 5
    assert tree.line_of(("b", 1, "missing")) == 5
    assert tree.line_of(("c",)) == 6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", "0644"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("1.2.0", "1.2.0"),
        ("2024-05-01", "2024-05-01"),
        ("no", "no"),
        ('"12"', "12"),
    ],
)
def test_what_only_looks_like_a_number_stays_text(text, value):
    assert read(f"a: {text}").value == {"a": value}


@pytest.mark.parametrize(
    ("text", "found", "line"),
    [
        ("a: &x 1\nb: *x\n", "anchor or alias", 1),
        ("a: 1\nb: *x\n", "alias", 2),
        ("a: !!python/object/apply:os.system ['true']\n", "the tag", 1),
        ("a: !custom 1\n", "the tag", 1),
        ("a: 1\nb: 2\na: 3\n", "'a' a second time", 3),
        ("a: 1\n---\nb: 2\n", "a second one", 2),
        ("a: [1\n", "", 2),
        ("a: 1\n b: 2\n", "", 2),
        ("<<: {a: 1}\n", "<<", 1),
        ("? [a, b]\n: 1\n", "a list", 1),
        ("\t- a", "", 1),
        ('a: 1\nb: "x\\0y"\n', "'\\x00'", 2),
        ('a: 1\n"x\\0y": 1\n', "'\\x00'", 2),
        ('a: ["x", "\\ud800"]\n', "'\\ud800'", 1),
    ],
)
def test_what_a_scenario_does_not_need_is_refused_with_its_line(text, found, line):
    with pytest.raises(ScenarioInvalid) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert found in problem.found
    assert problem.line == line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: 1\nb: [x\nc: 2\n",
            "expected ',' or ']', found ':'. What is not finished begins in line 2",
        ),
        ("a: 1\n  b: 2\n", "Indent the keys of one level alike"),
        ("a:\n\tb: 1\n", "Indent by spaces"),
        ("- a\nb: 1\n", "found a key at another indentation"),
        (
            'a: "x\nb: 1\n',
            "Close the quotes that were opened. What is not finished begins in line 1",
        ),
    ],
)
def test_broken_yaml_is_told_in_words_with_where_it_began(text, said):
    with pytest.raises(ScenarioInvalid) as caught:
        read(text)
    assert said in str(caught.value.problems[0])


@pytest.mark.timeout(60)
def test_attack_an_alias_bomb_is_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    tracemalloc.start()
    with pytest.raises(ScenarioInvalid):
        read("\n".join(lines))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "x" * (SIZE_LIMIT_BYTES + 1),
        "[" * 20_000,
        "[x, " * 20_000,
        "{a: " * 20_000,
        "- " * (DEPTH_LIMIT + 2) + "x",
        b"a: \xff\xfe",
    ],
)
def test_attack_large_deep_or_broken_files_are_refused_in_time(text):
    with pytest.raises(ScenarioInvalid):
        read(text)


@pytest.mark.parametrize("count", [NODE_LIMIT, 60_000, 200_000])
def test_attack_many_small_parts_are_refused(count):
    with pytest.raises(ScenarioInvalid, match="parts"):
        read("a: [" + "1," * count + "]")


def test_an_empty_file_is_nothing():
    assert read("").value is None
