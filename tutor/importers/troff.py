"""Turns the source of a manual page into Markdown, reading it as text: no program is run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

_NAMED = {
    "aq": "'", "dq": '"', "bu": "-", "em": "-", "en": "-", "hy": "-", "lq": '"', "rq": '"',
    "oq": "'", "cq": "'", "ga": "`", "ha": "^", "ti": "~", "rs": "\\", "co": "(c)", "or": "|",
    "->": "->", "<-": "<-", ">=": ">=", "<=": "<=", "mu": "x",
    "la": "<", "ra": ">", "at": "@", "sh": "#", "Do": "$", "fm": "'", "sl": "/",
}  # fmt: skip
_ESCAPE = re.compile(
    r"""\\(?:
        "(?P<comment>.*) | \#(?P<rest>.*)
      | f(?:\[[^\]]*\]|\(..|.)                              # a font
      | s(?:\[[^\]]*\]|[-+]?\d{1,2}|[-+]?'[^']*')           # a size
      | [hvwDlLoZNAbBCHRSxXY]'[^']*'                        # something drawn
      | \*(?:\[[^\]]*\]|\(..|.) | n[-+]?(?:\[[^\]]*\]|\(..|.) | [mMFgkyVO](?:\[[^\]]*\]|\(..)
      | \((?P<two>..) | \[(?P<name>[^\]]*)\]
      | (?P<one>.)
    )""",
    re.VERBOSE,
)
_SINGLE = {"-": "-", "e": "\\", "\\": "\\", "'": "'", "`": "`", "~": " ", " ": " ", "0": " ",
           "t": " ", ".": "."}  # fmt: skip
_SECTION = {"SH": "## ", "Sh": "## ", "SS": "### ", "Ss": "### "}
_PARAGRAPH = frozenset({"PP", "P", "LP", "Pp", "sp", "RS", "RE", "HP", "Bl", "El", "YS", "UE"})
_TAGGED = frozenset({"TP", "TQ"})
_JOINED = frozenset({"BR", "RB", "BI", "IB", "IR", "RI"})
_WORDS = frozenset({"B", "I", "R", "SM", "SB", "Pa", "Cm", "Ic", "Em", "Sy", "Ev", "Va", "No", "Li",
                    "Ar", "Nd", "Xr", "Ql", "Dq", "Sq", "Dl", "D1", "Tn", "An", "Ad", "Fn", "Fa",
                    "Er", "Dv", "Cd", "Bx", "Ux", "UR", "MT", "SY", "OP", "Lk", "Mt"})  # fmt: skip
_OPEN, _CLOSE = frozenset({"nf", "EX", "Bd"}), frozenset({"fi", "EE", "Ed"})
_CALLABLE = _WORDS | {"Fl", "Op", "Nm", "Ns", "Oo", "Oc"}
MOST_LINES = 40_000


@dataclass(kw_only=True)
class _Page:
    """What has been read so far."""

    out: list[str] = field(default_factory=list)
    name: str = ""
    verbatim: bool = False
    tag: bool = False

    def put(self, text: str) -> None:
        if self.tag and text:
            self.tag = False
            self.out += ["", f"`{text.strip('`')}`"]
        else:
            self.out.append(text)


def to_markdown(source: str) -> str:
    """Return a manual page as headings, paragraphs and blocks of code; empty where it has none."""
    page, skipping = _Page(), ""
    for line in source.split("\n")[:MOST_LINES]:
        if skipping:
            # A macro or a text for printers that the page defines for itself.
            skipping = "" if line.startswith(skipping) else skipping
        elif re.match(r"[.'][ \t]*(?:de|am|ig)\d?\b", line):
            skipping = ".."
        elif line.startswith((".", "'")):
            _macro(page, line[1:].strip())
        elif page.verbatim or line.strip():
            page.put(_text(line))
        else:
            page.put("")
    if page.verbatim:
        page.put("```")
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(page.out))
    # What stands before the first section is set-up for printers.
    return text[max(0, text.find("## ")) :].strip()


def alias_of(source: str) -> str:
    """Return the page that this one merely points to, empty where it has words of its own."""
    found = re.match(r"\s*\.so +(\S+)\s*$", source[:400])
    return found[1] if found else ""


def _macro(page: _Page, line: str) -> None:
    name, _, rest = line.partition(" ")
    if name in _SECTION:
        _verbatim(page, False)
        title = _text(" ".join(_arguments(rest))).strip()
        page.out += ["", _SECTION[name] + title.capitalize(), ""]
    elif name in _TAGGED:
        page.tag = True
    elif name in ("IP", "It"):
        tag = _inline(page, rest) if name == "It" else " ".join(_arguments(rest)[:1])
        tag = _text(tag).strip()
        page.out += ["", f"`{tag}`" if tag and tag not in "-*o" else "-"]
    elif name in _OPEN or name in _CLOSE:
        _verbatim(page, name in _OPEN)
    elif name in _PARAGRAPH or name == "br":
        page.out += [] if page.verbatim or name == "br" else [""]
    elif name in _JOINED:
        page.put(_text("".join(_arguments(rest))))
    elif name in _CALLABLE:
        page.put(_text(_inline(page, line)))


def _verbatim(page: _Page, wanted: bool) -> None:
    if page.verbatim != wanted:
        page.verbatim = wanted
        page.out.append("```")


def _inline(page: _Page, line: str) -> str:
    """Write a line of mdoc: the words of its macros, options with their dash."""
    return "".join(_spaced(_mdoc(page, iter(_arguments(line))))).strip()


def _mdoc(page: _Page, words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word == "Fl":
            yield "-" + next(words, "")
        elif word == "Nm":
            page.name = page.name or next(words, "")
            yield page.name
        elif word == "Op":
            yield f"[{''.join(_spaced(_mdoc(page, words))).strip()}]"
        elif word in ("Oo", "Oc"):
            yield "[" if word == "Oo" else "]"
        elif word == "Ns":
            yield "\0"
        elif word not in _WORDS:
            yield word


def _spaced(words: Iterator[str]) -> Iterator[str]:
    glued = True
    for word in words:
        if word == "\0":
            glued = True
            continue
        yield word if glued or word in {",", ".", ")", ":", ";"} else f" {word}"
        glued = word == "("


def _arguments(rest: str) -> list[str]:
    reader = shlex.shlex(rest, posix=False)
    reader.whitespace_split, reader.commenters, reader.quotes = True, "", '"'
    try:
        return [word.strip('"') for word in reader]
    except ValueError:
        return rest.replace('"', "").split()


def _text(line: str) -> str:
    return _ESCAPE.sub(_readable, line)


def _readable(found: re.Match[str]) -> str:
    name = found["two"] or found["name"]
    if name:
        return _NAMED.get(name, "")
    return _SINGLE.get(found["one"] or "", "")
