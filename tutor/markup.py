"""Turns an answer into escaped HTML with a tiny subset of Markdown: no links, no images."""

import re
from collections.abc import Callable

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

type Cite = Callable[[int], str]

_FENCED = re.compile(r"```[^\n`]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[(\d{1,2})\]")
_FENCE_LINE = re.compile(r"^```[^\n`]*\n?", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[-*]|\d{1,2}[.)])\s+")


def nothing(_number: int) -> str:
    """Drop citations."""
    return ""


def render(text: str, cite: Cite = nothing) -> SafeString:
    """Return paragraphs, lists, code and bold as HTML; everything else is escaped.

    Args:
        cite: Returns the safe HTML of a citation; empty where the number does not resolve.
    """
    parts, at = list[str](), 0
    for block in _FENCED.finditer(text):
        parts += [_prose(text[at : block.start()], cite)]
        parts += [format_html("<pre><code>{}</code></pre>", block[1])]
        at = block.end()
    return _safe("".join([*parts, _prose(text[at:], cite)]))


def inline(text: str, cite: Cite = nothing) -> SafeString:
    """Return one stretch of text as HTML without a block around it."""
    parts, at = list[str](), 0
    for found in _INLINE.finditer(text):
        parts += [escape(text[at : found.start()]), _marked(found, cite)]
        at = found.end()
    return _safe("".join([*parts, escape(text[at:])]))


def quoted(text: str) -> SafeString:
    """Return part of a passage with its line ends kept; fences of code blocks are left out."""
    return inline(_FENCE_LINE.sub("", text))


def _marked(found: re.Match[str], cite: Cite) -> str:
    code, bold, number = found.groups()
    if code is not None:
        return format_html("<code>{}</code>", code)
    if bold is not None:
        return format_html("<strong>{}</strong>", bold)
    return cite(int(number))


def _prose(text: str, cite: Cite) -> str:
    blocks = (block.strip("\n") for block in re.split(r"\n\s*\n", text))
    return "".join(_block(block, cite) for block in blocks if block.strip())


def _block(block: str, cite: Cite) -> str:
    lines = [line for line in block.split("\n") if line.strip()]
    if all(_ITEM.match(line) for line in lines):
        items = "".join(f"<li>{inline(_ITEM.sub('', line), cite)}</li>" for line in lines)
        return f"<ul>{items}</ul>"
    return f"<p>{inline(' '.join(line.strip() for line in lines), cite)}</p>"


def _safe(html: str) -> SafeString:
    # Every part was escaped above; nothing of the answer reaches this point as it came.
    return mark_safe(html)  # noqa: S308
