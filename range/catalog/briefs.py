"""Renders the Markdown of briefs and hints into HTML that can hold nothing active."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "hr", "kbd"),
    *("li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}


def to_html(markdown: str) -> str:
    """Return safe HTML; headings begin at the second level, links lead inside or to the web."""
    html = _parser().render(markdown.replace("\0", ""))
    html = html.replace("<h1>", "<h2>").replace("</h1>", "</h2>")
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
