import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.catalog import templating
from range.catalog.templating import (
    FILTERS,
    OUTPUT_LIMIT,
    TemplateInvalid,
    fill,
    is_template,
    names_in,
)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain ${#list} 100%", "plain ${#list} 100%"),
        ("{{ name }}", "ann"),
        ("{{ name | upper }}-{{ port + 1 }}", "ANN-8081"),
        ("{% if port > 80 %}high{% else %}low{% endif %}", "high"),
        ("{% for x in [1, 2] %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "1,2"),
        ("{{ records[0].mrn }}/{{ records[0]['mrn'] }}", "A1/A1"),
        ("{{ name | b64encode }}", "YW5u"),
        ('{{ "it\'s" | quote }}', "'it'\"'\"'s'"),
        ("{{ [name, 'b'] | join('-') }}", "ann-b"),
        ("{{ name }} ${#list}\n", "ann ${#list}\n"),
        ("{{ 'x' if name == 'ann' else 'y' }}", "x"),
    ],
)
def test_texts_are_filled_in(text, filled):
    values = {"name": "ann", "port": 8080, "records": [{"mrn": "A1"}]}
    assert fill(text, values) == filled


def test_an_unknown_name_is_an_error_that_names_it():
    with pytest.raises(TemplateInvalid, match=r"brief\.md: .*nobody"):
        fill("{{ nobody }}", {}, name="brief.md")


@pytest.mark.parametrize(
    "text",
    [
        "{{ name.__class__ }}",
        "{{ name.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.join(['a']) }}",
        "{{ name.upper() }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ '%s' % name }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(10) }}",
        "{{ self }}",
        "{{ lipsum() }}",
        "{{ cycler('a').next() }}",
        "{{ name | attr('upper') }}",
        "{{ name | map('upper') | list }}",
        "{{ name | format }}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'other' %}",
        "{% import 'os' as os %}",
        "{% extends 'other' %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for a in [1] %}" * 4 + "{% endfor %}" * 4,
        "{{ unclosed",
        "{% if %}",
        "{{ name | indent(100000) }}",
        "{{ 1 / 0 }}",
        "{{ name | int }}",
        "{{ [] | first }}",
    ],
)
def test_attack_nothing_but_values_is_within_reach(text):
    with pytest.raises(TemplateInvalid):
        fill(text, {"name": "ann"})


@pytest.mark.timeout(60)
def test_attack_output_is_bounded():
    text = "{% for a in s %}{% for b in s %}{{ s }}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateInvalid, match="grows beyond"):
        fill(text, {"s": "x" * 10_000})


SLOW = "{% for a in n %}{% for b in n %}{% if s | title %}{% endif %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("slow", [SLOW, SLOW.replace("s | title", "s + s")])
def test_attack_time_is_bounded(monkeypatch, slow):
    monkeypatch.setattr(templating, "SECONDS_LIMIT", 0.05)
    with pytest.raises(TemplateInvalid, match=r"takes longer than 0\.05 seconds"):
        fill(slow, {"s": "a b " * 50_000, "n": range(300)})
    monkeypatch.undo()
    assert fill("{{ s | title }}", {"s": "a b"}) == "A B"


def test_attack_many_texts_share_the_time_of_one(monkeypatch):
    monkeypatch.setattr(templating, "SECONDS_LIMIT", 0.05)
    values = {"s": "a b " * 50_000}
    filled = (fill(f"{each}{{{{ s | title | length }}}}", values) for each in range(1_000))
    with templating.together(), pytest.raises(TemplateInvalid, match="takes longer"):
        list(filled)
    monkeypatch.undo()
    assert fill("{{ s | title | length }}", values) == "200000"


LONG = "x" * 9_000
GROWING = {
    "loops": "{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}{% endfor %}{% endfor %}",
    "loops-one-after-the-other": "{% for a in s %}{% for b in s %}{% endfor %}{% endfor %}" * 100,
    "joined": "{{ s | join(s) | join(s) }}",
    "joined-by-tilde": "{{ " + " ~ ".join(["s"] * 4_000) + " }}",
    "joined-in-loops": "{% for a in [s ~ s ~ s ~ s] %}{% for b in [a ~ a ~ a ~ a ~ a ~ a] %}"
    "{{ b ~ b ~ b ~ b ~ b ~ b ~ b }}{% endfor %}{% endfor %}",
    "added": "{{ " + " + ".join(["s"] * 4_000) + " }}",
    "lists": "{% for a in [" + "+".join(["[s]*1"] * 9) + "] %}{% endfor %}",
    "quotes": '{{ "\'" ' + "| quote " * 40 + "}}",
    "escapes": "{{ '\"' " + "| tojson " * 60 + "}}",
    "indents": "{{ n " + "| indent(40) " * 3_000 + "}}",
    "numbers": "{{ " + " * ".join(["999999999"] * 5_000) + " > 1 }}",
    "parts": "{{ a }}" * 30_000,
    "parts-in-braces": "{{ {1: 2} " + ", a" * 30_000 + "}}",
    "deep": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "deep-lists": "{{ " + "[" * 5_000 + "]" * 5_000 + " }}",
    "long": "{{ a }}" + "x" * 400_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", sorted(GROWING))
def test_attack_a_short_text_takes_neither_time_nor_room(name):
    tracemalloc.start()
    try:
        with pytest.raises(TemplateInvalid):
            fill(GROWING[name], {"s": LONG, "a": "a", "n": "\n" * 9_000})
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["parts", "parts-in-braces", "deep", "deep-lists", "long"])
def test_attack_looking_for_names_is_bounded_too(name):
    with pytest.raises(TemplateInvalid):
        names_in(GROWING[name])


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ 'a' ~ 1 ~ name }}", "a1ann"),
        ("{{ 'a' + name }}", "aann"),
        (
            (
                "{% for a in ['x' ~ name, 'y'] %}{{ loop.index }}/{{ loop.length }}{{ a ~ 1 }} "
                "{% endfor %}"
            ),
            "1/2xann1 2/2y1 ",
        ),
        ("{% for a in [3, 4] %}{% for b in [1, 2] %}{{ a * b }}{% endfor %}{% endfor %}", "3648"),
        ("{% if ('a' ~ 'b') == 'ab' %}yes{% endif %}", "yes"),
        ("{{ ([1] + [2]) | length }}", "2"),
        ("{{ 2 + 3 * 4 }}", "14"),
    ],
)
def test_what_is_bounded_still_says_the_same(text, filled):
    assert fill(text, {"name": "ann"}) == filled


def test_attack_replacing_cannot_make_a_text_large():
    with pytest.raises(TemplateInvalid, match="too large"):
        fill("{{ s | replace('x', s) }}", {"s": "x" * 10_000})
    assert OUTPUT_LIMIT < 10_000**2


def test_values_are_never_templates_themselves():
    assert fill("{{ name }}", {"name": "{{ secret }}"}) == "{{ secret }}"


def test_names_are_found_without_filling_in():
    text = "{{ a }} {% for b in c %}{{ b }}{{ loop.index }}{% endfor %}\n {{ d | join(e) }}{{ a }}"
    assert names_in(text) == {"a": 1, "c": 1, "d": 2, "e": 2}
    assert names_in("no names") == {}


@given(st.text(max_size=200))
def test_any_text_is_filled_in_or_refused(text):
    try:
        filled = fill(text, {})
    except TemplateInvalid:
        assert is_template(text)
    else:
        assert is_template(text) or filled == text


def test_every_filter_is_known_to_the_reference():
    assert set(FILTERS) == {
        *("b64encode", "first", "indent", "int", "join", "last", "length", "lower", "md5"),
        *("quote", "replace", "sha1", "sha256", "sort", "title", "tojson", "trim", "upper"),
        "urlencode",
    }
