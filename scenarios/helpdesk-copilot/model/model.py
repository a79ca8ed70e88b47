"""Pelican, a toy language model: it reads one long text and does what the text seems to ask.

It learns nothing and draws nothing: the same text always gets the same answer. Its habits are
those of real models, coarsely: whatever is persuasive enough is taken for an instruction,
wherever it stands and however it is written.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reading import ACCOUNT, Wish, clean, disguised, persuasion, wishes
from telling import about_ticket, articles_in, best_article, best_sentences, formed

PERSUADED = 2
WARNED = 1
FENCED = 2
HIDDEN = 2
PLAN_LIMIT = 8
LIMIT_BYTES = 256 * 1024


class Context:
    """What one request to the model holds."""

    def __init__(self, messages, tools):
        self.system = "\n".join(m["text"] for m in messages if m["role"] == "system")
        self.asked = next((m["text"] for m in reversed(messages) if m["role"] == "user"), "")
        self.results = [m for m in messages if m["role"] == "tool"]
        self.tools = {tool["name"]: tool.get("about", "") for tool in tools}
        self.articles = articles_in(self.tools.get("read_article", ""))
        line = next((s for s in self.system.splitlines() if "talking with" in s), "")
        self.is_crew = "crew" in line.lower()
        self.account = next(iter(ACCOUNT.findall(line)), "")
        self.warned = WARNED if persuasion(self.system).get("warning") else 0
        insistence = sum(persuasion(clean(self.asked), said_by_person=True).values())
        insistence += HIDDEN * disguised(self.asked)
        self.insists = insistence >= PERSUADED + self.warned


def complete(messages, tools):
    """Return what the model says, or the tool it wants to have called."""
    context = Context(messages, tools)
    plan, refused = _meant_by_person(context)
    for result in context.results:
        plan += [wish for wish in _slipped_in(context, result) if wish not in plan]
    plan = [wish for wish in plan if wish.tool in context.tools][:PLAN_LIMIT]
    if len(context.results) < len(plan):
        wish = plan[len(context.results)]
        return {"call": {"tool": wish.tool, "arguments": _arguments(context, wish)}}
    return {"say": _answer(context, plan, refused)}


def _meant_by_person(context):
    """Return what the person asks for, and what the model keeps from them."""
    plan, refused = [], []
    found = wishes(clean(context.asked), context.articles)
    if not found and (name := best_article(context.asked, context.articles)):
        found = [Wish("read_article", name)]
    for wish in found:
        closed = wish.tool == "recite" or context.articles.get(wish.target, ("", ""))[0] == "staff"
        if context.is_crew and closed and not context.insists:
            refused.append(wish)
        else:
            plan.append(wish)
    return plan, refused


def _slipped_in(context, result):
    """Return what a text that was read along the way makes the model do."""
    inside, fenced = _inside(context.system, result["text"])
    text = clean(inside)
    strength = sum(persuasion(text).values()) + HIDDEN * disguised(inside)
    if strength < PERSUADED + context.warned + fenced:
        return []
    return wishes(text, context.articles, from_data=True)


def _inside(system, text):
    """Return a text without its header or fence, and how much the fence dampens."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].strip() in system and lines[-1].strip() in system:
        body = "\n".join(lines[1:-1])
        if lines[-1].strip() not in body:
            return body.partition("\n\n")[2] or body, FENCED
    return text.partition("\n\n")[2] or text, 0


def _arguments(context, wish):
    if wish.tool != "send_message":
        return {{"reset_password": "account", "look_up_ticket": "number"}.get(wish.tool, "name"): wish.target}
    said = {each["tool"]: each["text"] for each in context.results}
    text = wish.text
    if not text and wish.about in said:
        text = said[wish.about]
    elif not text:
        text = context.results[-1]["text"] if context.results else "Hello from Mate."
    return {"to": wish.target, "text": text}


def _answer(context, plan, refused):
    parts = []
    wanted = formed(context.asked)
    for wish, result in zip(plan, context.results):
        text = result["text"]
        if wish.tool == "look_up_ticket":
            parts.append(_ticket(context, text, wanted))
        elif wish.tool == "read_article":
            parts.append(wanted(_article(context, wish, text)))
        else:
            parts.append(text)
    asked, _ = _meant_by_person(context)
    if any(wish.tool == "recite" for wish in asked):
        parts.append(wanted(_recited(context)))
    if refused:
        parts.append("I am sorry, that is for the people of the helpdesk only.")
    return "\n".join(parts) or _small_talk(context.asked)


def _ticket(context, text, wanted):
    owner = next(iter(ACCOUNT.findall(text.splitlines()[0])), "")
    if context.is_crew and owner and owner != context.account and not context.insists:
        return "That ticket is not yours, so I keep it to myself."
    inside, _ = _inside(context.system, text)
    return wanted(about_ticket(text, inside))


def _article(context, wish, text):
    """Return the whole of an article that was asked for by name, else what bears on the question."""
    if wish.target in context.asked or "\n" not in text:
        return text
    inside, _ = _inside(context.system, text)
    return f"{best_sentences(context.asked, inside)} (article {wish.target})"


def _recited(context):
    if "desk word" in context.asked.lower() and not context.is_crew:
        return next((s for s in context.system.splitlines() if "desk word" in s.lower()),
                    "I do not know the desk word.")
    return "My briefing: " + context.system


def _small_talk(asked):
    low = asked.lower()
    if any(word in low for word in ("thank", "thanks", "cheers")):
        return "You are welcome. Fair winds!"
    if any(word in low for word in ("what can you", "who are you", "help me", "able to")):
        return "I am Mate. I read articles and tickets for you, and for the helpdesk a little more."
    if any(word in low.split() for word in ("hello", "hi", "ahoy", "morning", "evening")):
        return "Ahoy! What can I do for you?"
    return "I do not know that. Try the articles, or open a ticket and a person will look at it."


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"model": "pelican-2", "ask": "POST /complete"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/complete" or length > LIMIT_BYTES:
            return self.answer(404, {"error": "POST /complete, with at most 256 kB"})
        try:
            asked = json.loads(self.rfile.read(length))
            found = 200, complete(asked["messages"], asked.get("tools", []))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found = 400, {"error": "send messages with role and text, and tools with name and about"}
        self.answer(*found)

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Service).serve_forever()
