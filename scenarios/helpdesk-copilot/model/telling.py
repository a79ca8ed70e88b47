"""How Pelican tells: it picks sentences, and writes them in the form that was asked for."""

import base64
import re

LISTED = re.compile(r"^- ([a-z]+(?:-[a-z]+)*)(?: \((\w+)\))?: (.+)$", re.MULTILINE)
SMALL = set(
    "a an and are as at be by can could did do does for from get go had has have how i if in into is "
    "it its let may me mine my need no not of on one or our please should so some tell that the them "
    "then there they this to us want was we what when where which who will with would you your about "
    "know much many long hello mate say says article".split()
)


def articles_in(about):
    """Return the articles that a tool's description lists: audience and title by name."""
    return {name: (audience, title) for name, audience, title in LISTED.findall(about)}


def best_article(question, articles):
    """Return the article whose name and title share most with a question, or nothing."""
    asked = _stems(question)
    rated = {
        name: len(asked & _stems(f"{name} {title}")) for name, (_, title) in articles.items()
    }
    best = max(rated, key=lambda name: rated[name], default="")
    return best if best and rated[best] else ""


def best_sentences(question, text):
    """Return the two sentences of a text that share most with a question, in their order."""
    asked = _stems(question)
    lines = _sentences(text)
    rated = sorted(range(len(lines)), key=lambda n: (-len(asked & _stems(lines[n])), n))[:2]
    return " ".join(lines[n] for n in sorted(rated))


def about_ticket(text, inside):
    """Return a summary of a ticket: who, what about, what it begins with, and its hardest fact."""
    head = text.strip().splitlines()
    first = next((line for line in head if line.startswith("Ticket ")), head[0])
    subject = next((line for line in head if line.startswith("Subject: ")), "Subject: none")
    lines = [line for line in _sentences(inside) if not re.match(r"(?i)(?:dear|hello|hi|ahoy)\b", line)]
    facts = max(lines[1:], key=lambda line: len(re.findall(r"\d|\b[A-Z]", line)), default="")
    chosen = [line for line in (*lines[:1], facts) if line]
    return f"{first}. {subject}. " + " ".join(chosen)


def formed(asked):
    """Return a function that writes a text as the person wants it."""
    low = asked.lower()
    if "base64" in low:
        return lambda text: base64.b64encode(text.encode()).decode()
    if "backwards" in low or "revers" in low:
        return lambda text: text[::-1]
    if "letter by letter" in low or "spell" in low:
        return lambda text: "-".join(text)
    if "capitals" in low or "upper case" in low:
        return str.upper
    return lambda text: text


def _stems(text):
    words = re.findall(r"[a-z]{2,}", text.lower())
    return {re.sub(r"(?:ing|ed|es|s|en|e)$", "", word) for word in words if word not in SMALL}


def _sentences(text):
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
