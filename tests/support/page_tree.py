"""A page as a tree of elements, read with Python's own parser: enough to ask what stands where."""

from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}


class Element:
    """One element with its attributes, parent and children."""

    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children = []
        self.texts = []

    def __repr__(self):
        given = " ".join(f'{key}="{value}"' for key, value in self.attributes.items())
        return f"<{self.tag} {given}>{self.text[:80]}"

    @property
    def classes(self):
        return set((self.attributes.get("class") or "").split())

    @property
    def text(self):
        parts = [*self.texts, *(each.text for each in self.children)]
        return " ".join(" ".join(parts).split())

    def walk(self) -> Iterator["Element"]:
        """Yield the element and everything in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def ancestors(self) -> Iterator["Element"]:
        """Yield the element and whatever it stands in, from the inside out."""
        found = self
        while found is not None:
            yield found
            found = found.parent

    def links(self):
        """Return where the links in it lead."""
        return [each.attributes["href"] for each in self.walk() if each.attributes.get("href")]


class _Builder(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {}, None)
        self._open = [self.root]

    def handle_starttag(self, tag, attrs):
        made = Element(tag, dict(attrs), self._open[-1])
        self._open[-1].children.append(made)
        if tag not in _VOID:
            self._open.append(made)

    def handle_startendtag(self, tag, attrs):
        self._open[-1].children.append(Element(tag, dict(attrs), self._open[-1]))

    def handle_endtag(self, tag):
        names = [each.tag for each in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data):
        self._open[-1].texts.append(data)


def tree(html: str) -> Element:
    """Read a page."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root
