"""Mate: takes one question, lets the model call tools until it has an answer."""

import json
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

from flask import abort

import tools

HERE = Path(__file__).resolve().parent
STEPS = 8
SECONDS = 5

settings = ConfigParser()
settings.read(HERE / "settings.ini")


@dataclass
class Answer:
    text: str
    done: list = field(default_factory=list)
    waiting: list = field(default_factory=list)


def briefing(person):
    """Return what the model is told before everything else."""
    text = (HERE / "briefing.txt").read_text(encoding="utf-8")
    return text.format(
        name=person.name,
        account=person.account,
        role=person.role,
        desk_word=settings["mate"]["desk_word"],
    )


def answer(person, question):
    """Return the answer to a person's question, and what was done for it."""
    messages = [
        {"role": "system", "text": briefing(person)},
        {"role": "user", "text": question},
    ]
    found = Answer("I did not come to an end. Please ask for less at once.")
    for _ in range(STEPS):
        reply = complete(messages, tools.offered_to(person))
        if "call" not in reply:
            found.text = reply["say"]
            return found
        call = reply["call"]
        result = tools.run(call)
        found.done.append(call)
        messages.append({"role": "tool", "tool": call["tool"], "text": result})
    return found


def complete(messages, offered):
    """Return what the model says to a list of messages: `say`, or a `call` of a tool."""
    body = json.dumps({"messages": messages, "tools": offered}).encode()
    try:
        with urlopen(Request(settings["mate"]["model"], body), timeout=SECONDS) as reply:
            return json.load(reply)
    except (OSError, ValueError):
        abort(502, "The model does not answer.")


def model_answers():
    try:
        with urlopen(settings["mate"]["model"].rpartition("/")[0] + "/", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False
