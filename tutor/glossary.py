"""What people say, in the words of the articles: a question is looked up under both."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

GLOSSARY = Path(__file__).with_name("glossary.yaml")


def ours(text: str) -> str:
    """Return the articles' words for what a text says, each once; empty where it says none."""
    found = [words for said, words in _entries() if said.search(text)]
    return " ".join(dict.fromkeys(word for words in found for word in words))


@cache
def _entries() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    loaded: Any = YAML(typ="safe", pure=True).load(GLOSSARY.read_text(encoding="utf-8"))
    return tuple((_any_of(each["said"]), tuple(each["ours"])) for each in loaded["words"])


def _any_of(said: list[str]) -> re.Pattern[str]:
    choices = "|".join(re.escape(each).replace(r"\ ", r"\s+") for each in said)
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)
