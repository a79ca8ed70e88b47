"""The local model for real: it serves, answers on a rung, and its prefix cache works."""

import asyncio
import os
import re
import socket
import time
import uuid
from pathlib import Path

import pytest

from tutor.prompt import Asked, build, text_of
from tutor.providers import local_server
from tutor.providers.langchain_chat import LangChainChat
from tutor.providers.weights import CHAT_MODEL
from tutor.retrieval import Passage
from tutor.splitting import Splitter
from tutor.withheld import Withheld

WEIGHTS = Path(os.environ.get("MUSTER_TEST_WEIGHTS", "")) / CHAT_MODEL.filename
pytestmark = [
    pytest.mark.llm,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not WEIGHTS.is_file(), reason="MUSTER_TEST_WEIGHTS names no weights"),
]
NOTHING = Withheld(secrets={}, reference=(), above=())


@pytest.fixture(scope="module")
def model():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with local_server.serving(WEIGHTS, port=port) as address:
        made = LangChainChat("tutor", mode="local", base_url=f"{address}/v1", billions=1.5)
        asyncio.run(answered(made, "warm up"))
        yield made


def asked(question):
    passage = Passage(
        number=1,
        chunk_id=uuid.uuid4(),
        title="Rules of sudo",
        heading="What a rule gives",
        text="A rule of sudo names a program and gives everything that the program can do. "
        "`sudo -l` lists the rules of the present account.",
        version="1",
        license="Apache-2.0",
        url="",
        score=1.0,
    )
    return Asked(
        situation="Sudo says. A desk lets its clerks do a little more than was meant.",
        rung=2,
        definition=False,
        hint="Rights come from who owns a file, from bits on programs, and from rules of sudo.",
        passages=[passage],
        state="Objective: Read the flag: not met\n#1 desk exit 1: cat /root/flag.txt [denied]",
        question=question,
        short=True,
    )


async def answered(model, question):
    """Return the answer, with the seconds to its first sentence and to its end."""
    began, first, splitter, sentences = time.monotonic(), None, Splitter(), []
    async for words in model.stream(build(asked(question), NOTHING)):
        found = splitter.feed(words)
        sentences += found
        first = first or (time.monotonic() - began if found else None)
    sentences.append(splitter.rest())
    whole = time.monotonic() - began
    return " ".join(sentences), first or whole, whole


def test_it_answers_about_what_it_was_given(model):
    text, first, whole = asyncio.run(answered(model, "What should I look at next?"))
    print(f"\nlocal model: first sentence {first:.1f} s, whole answer {whole:.1f} s")
    assert set(re.findall(r"\w+", text.casefold())) & {"sudo", "rights", "owns", "owner", "bits"}
    assert text_of("policy")[:60] not in text


def test_a_second_question_is_answered_sooner_than_a_cold_one(model):
    _, first, _ = asyncio.run(answered(model, "And what does that rule give me?"))
    assert first < model.patience.first_words
