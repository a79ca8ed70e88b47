import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_attack_replacing_cannot_make_a_text_large():
    with pytest.raises(TemplateInvalid, match="too large"):
        fill("{{ s | replace('x', s) }}", {"s": "x" * 10_000})
    assert OUTPUT_LIMIT < 10_000**2


def test_values_are_never_templates_themselves():
    assert fill("{{ name }}", {"name": "{{ secret }}"}) == "{{ secret }}"


def test_names_are_found_without_filling_in():
    text = "{{ a }} {% for b in c %}{{ b }}{{ loop.index }}{% endfor %} {{ d | join(e) }}"
    assert names_in(text) == {"a", "c", "d", "e"}
    assert names_in("no names") == frozenset()


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
