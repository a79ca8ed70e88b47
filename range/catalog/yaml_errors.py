"""What a parser of YAML complains of, in words for whoever writes the file."""

import re

from ruamel.yaml.error import MarkedYAMLError

_WANTED = re.compile(r"expected (?P<wanted>.+?), but (?:found|got) (?P<found>.+)")
_NAMES = {
    "<block end>": "the end of what is indented",
    "'<block mapping start>'": "a key that is indented further",
    "'<block sequence start>'": "a list that is indented further",
    "'<stream end>'": "the end of the file",
    "'<scalar>'": "more text",
    "'?'": "a key at another indentation",
}
# What a complaint says, and what helps.
_ADVICE = {
    "mapping values are not allowed": "Indent the keys of one level alike, and put text that "
    'holds ": " into quotes.',
    "cannot start any token": "Indent by spaces, not tabs; put text that begins with @, %, ` "
    "or * into quotes.",
    "could not find expected ':'": "A key needs a colon and a space after it.",
    "<block end>": "Indent the keys of one level alike, and begin each item of a list with a dash.",
    "found unexpected end of stream": "Close the quotes that were opened.",
}


def told(error: MarkedYAMLError) -> tuple[str, str, str]:
    """Return what was expected, what was found, and what to do about it."""
    problem = str(error.problem or error.context or "something else")
    match = _WANTED.fullmatch(problem)
    expected, found = ("YAML", problem)
    if match is not None:
        expected, found = (_NAMES.get(text, text) for text in match.groups())
    advice = next((words for sign, words in _ADVICE.items() if sign in problem), "")
    begun = error.context_mark
    is_elsewhere = begun and error.problem_mark and begun.line != error.problem_mark.line
    where = f"What is not finished begins in line {begun.line + 1}." if is_elsewhere else ""
    return expected, found, " ".join(part for part in (advice, where) if part)
