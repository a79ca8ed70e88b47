"""Measures citations: whether what is cited is there, and whether it supports what is said."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tutor.models import Chunk, Hint
from tutor.overlap import content, sentences
from tutor.providers.embedding import EmbeddingModel
from tutor.splitting import Splitter
from tutor.support import CITATION

# A sentence and the stretch that it cites are taken to say the same from this cosine on; both
# figures are a program's judgement by vectors and names, which people have not checked.
SAME_MEANING = 0.5
NAMES = re.compile(r"`([^`]+)`|((?:/[\w.+-]+){2,})|(?<!\w)(--?[a-z][\w-]+)|\b(\d{2,})\b")


def resolves(citation: Mapping[str, Any]) -> bool:
    """Tell whether a citation names a chunk that is there, word for word, with a stretch in it."""
    chunk = Chunk.objects.filter(pk=citation["chunk"]).select_related("source").first()
    if chunk is None or (chunk.text, chunk.source.title) != (citation["text"], citation["title"]):
        return False
    start, end = int(citation["start"]), int(citation["end"])
    return 0 <= start < end <= len(chunk.text)


def of_sources(hint: Hint) -> tuple[list[bool], list[bool]]:
    """Judge a hint without a model: each source shown, each sentence taken from one."""
    shown = [resolves(each) for each in hint.citations]
    if not (hint.definition and hint.citations):
        return shown, []
    by_number = {each["number"]: each for each in hint.citations}
    taken = [
        number in by_number and CITATION.sub("", hint.authored).strip() in by_number[number]["text"]
        for number in map(int, CITATION.findall(hint.authored))
    ]
    return shown, taken or [False]


def of_words(hint: Hint, model: EmbeddingModel) -> tuple[list[bool], list[bool]]:
    """Judge a model's words: each citation for precision, each factual sentence for recall."""
    by_number = {each["number"]: each for each in hint.citations}
    precise, recalled = list[bool](), list[bool]()
    for sentence in said(hint.text):
        numbers = [int(number) for number in CITATION.findall(sentence)]
        bare = CITATION.sub("", sentence).strip()
        if not content(bare) or bare.endswith("?"):
            continue
        good = [
            number in by_number and _supports(bare, by_number[number], model) for number in numbers
        ]
        precise += good
        # What repeats the author's hint needs no source: it stands above the answer.
        if not numbers and _repeats(bare, hint.authored, model):
            continue
        recalled.append(any(good))
    return precise, recalled


def said(text: str) -> list[str]:
    """Return an answer's sentences, each with the citations behind its end."""
    splitter = Splitter()
    return [part for part in [*splitter.feed(text), splitter.rest()] if part]


def _supports(sentence: str, citation: Mapping[str, Any], model: EmbeddingModel) -> bool:
    if not resolves(citation):
        return False
    everything = citation["text"].casefold()
    named = (part for parts in NAMES.findall(sentence) for part in parts if part)
    if any(name.casefold() not in everything for name in named):
        return False
    quoted = citation["text"][citation["start"] : citation["end"]]
    return _cosine(model.embed([sentence, quoted])) >= SAME_MEANING


def _repeats(sentence: str, authored: str, model: EmbeddingModel) -> bool:
    parts = sentences(authored) or [authored]
    vectors = model.embed([sentence, *parts])
    return any(_cosine([vectors[0], each]) >= SAME_MEANING for each in vectors[1:])


def _cosine(pair: Sequence[Sequence[float]]) -> float:
    return sum(a * b for a, b in zip(pair[0], pair[1], strict=True))
