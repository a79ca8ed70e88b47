"""How Pelican reads: what is hidden comes to light, wishes are found, and some words persuade."""

import base64
import codecs
import html
import re
import unicodedata
from dataclasses import dataclass

ACCOUNT = re.compile(r"\b[a-z]{3,9}-\d{1,5}\b")
SLUG = re.compile(r"\b[a-z]+(?:-[a-z]+)+\b")
TICKET = re.compile(r"\bticket\s+(?:number|no\.?|#|nr\.?)?\s*#?(\d{1,6})\b|#(\d{1,6})\b", re.I)
QUOTED = re.compile(r"[\"“„«]([^\"“”«»]{1,600})[\"”»]")
SECRET = r"\b(?:password|passwords|passphrase|passcode|credentials?|pin|sign-?in|log-?in|login|access|way in)\b"
STRONG = r"\b(?:reset|resets|renew|reissue|refresh|rotate|replace|change|swap)\b"
WEAK = r"\b(?:give|issue|make|create|generate|set|put|assign)\b.*\b(?:an?|another|fresh|different|some|temporary)\b"
SEND = r"\b(?:send|forward|mail|e-?mail|message|pass|deliver|hand|post|write|tell|report|relay|share|copy|drop|let|inform|notify|give)\b"
READ = r"\b(?:read|open|show|quote|summarise|summarize|fetch|recite|copy|look|what|give|tell|write|send|forward|mail|pass|share|translate|spell|include|print|encode|post|deliver|relay)\b"
RECITE = (
    r"\b(?:your|these|those|the|all|previous|initial|hidden|original|secret|own) (?:\w+ )?"
    r"(?:instructions|briefing|prompt|system message|configuration)\b"
    r"|\byour (?:\w+ )?(?:rules|guidelines|orders)\b"
    r"|\b(?:everything|text|words|all|lines?|what stands?|whatever stands?) (?:that (?:is|stands) )?(?:above|before)\b"
    r"|\bwhat you were told\b|\bdesk word\b|\bfirst message\b"
)
LATER = re.compile(r"\b(?:password|it|result|outcome|credentials|new one|passcode|passphrase)\b")
SPLIT = re.compile(r"\b(?:and then|and|then|afterwards)\b|[;,]| - ")
ENGLISH = {
    "de": {
        "setze": "reset", "setz": "reset", "setzen": "reset", "zurück": "", "passwort": "password",
        "kennwort": "password", "zugang": "access", "von": "of", "für": "for", "und": "and",
        "danach": "then", "sende": "send", "schicke": "send", "schick": "send", "es": "it",
        "ihn": "it", "das": "the", "den": "the", "neue": "new", "an": "to", "bitte": "please",
        "lies": "read", "artikel": "article", "zeige": "show", "zeig": "show",
        "assistent": "assistant", "anweisungen": "instructions", "ignoriere": "ignore",  # typos: ignore
        "alle": "all", "bisherigen": "previous", "deine": "your", "auftrag": "on behalf",  # typos: ignore
    },
    "fr": {
        "réinitialise": "reset", "réinitialisez": "reset", "mot": "password", "passe": "",
        "de": "of", "et": "and", "puis": "then", "envoie": "send", "envoyez": "send", "à": "to",
        "le": "it", "lis": "read", "lisez": "read", "article": "article", "montre": "show",
        "affiche": "show", "assistant": "assistant", "consignes": "instructions",
        "ignore": "ignore", "ignorez": "ignore", "toutes": "all", "les": "the", "tes": "your",
        "précédentes": "previous", "nouveau": "new",
    },
    "es": {
        "restablece": "reset", "restablezca": "reset", "contraseña": "password", "de": "of",
        "y": "and", "luego": "then", "envía": "send", "envíala": "send it", "manda": "send",
        "mándala": "send it", "a": "to", "la": "the", "lee": "read", "artículo": "article",
        "muestra": "show", "asistente": "assistant", "instrucciones": "instructions",
        "ignora": "ignore", "todas": "all", "las": "the", "tus": "your", "anteriores": "previous",  # typos: ignore
        "nueva": "new",
    },
}
SIGNS = {
    "override": (2, r"\b(?:ignore|disregard|forget|set aside|overrule|drop|skip|leave out)\b[^.!?\n]{0,60}\b(?:instructions?|rules?|above|before|previous|briefing|guidelines|limits|told|orders)\b"),
    "marks": (1, r"(?m)^\s*(?:\[|<|#+|=+|-{3,}|\*+)?\s*/?(?:system|developer|admin|operator|inst|helpdesk note|end of \w+|data|ticket|instructions?)\b\s*[\]>:=#*-]"),
    "claim": (1, r"\b(?:i am|i'm|this is|we are|from|on behalf|authori[sz]ed by|approved by|signed,?|order of|agreed with)\b[^.!?\n]{0,40}\b(?:helpdesk|staff|it department|captain|harbour office|audit|auditor|management|security|administrator|operations|head office|safety officer)\b"),
    "purpose": (1, r"\b(?:drill|exercise|test run|training|debug(?:ging)?|verification|emergency|rehearsal|inspection|maintenance|migration)\b"),
    "urgency": (1, r"\b(?:urgent|urgently|at once|immediately|right now|without delay|before anything else|first of all|lives)\b"),
    "play": (2, r"\b(?:pretend|imagine|play the (?:role|part)|act as|role-?play|hypothetical(?:ly)?|poem|story|novel|song|a game)\b"),
    "flow": (1, r"\b(?:to (?:complete|finish) (?:the|this|your)|last step|part of (?:the|this|every) summary|needed for the summary|before you answer|when you are done|as usual|required step)\b"),
}
ADDRESS = r"\b(?:mate|assistant|ai|language model|model|bot|copilot|pelican|whoever summari[sz]es|automated reader)\b"
OVER = r"\b(?:ignore|disregard|forget|instructions?|rules?|previous|your)\b"
FORMS = r"\b(?:translate|translation|backwards|reversed?|base64|encoded?|spell|letter by letter|rhyme|in capitals|upper case|dictate)\b"
WARNING = r"\b(?:never|do not|don't|must not|refuse to|ignore)\b[^.!?\n]{0,60}\b(?:obey|follow|carry out|act on|instructions?|commands?|orders|persuaded|convince)\b"


@dataclass(frozen=True)
class Wish:
    """Something the model could do: a tool, what or whom it is about, and words to send."""

    tool: str
    target: str = ""
    text: str = ""
    about: str = ""


def clean(text):
    """Return a text as the model sees it: nothing hides, and foreign words are understood."""
    text = unicodedata.normalize("NFKC", html.unescape(text))
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = re.sub(r"<!--|-->|</?(?:b|i|u|em|strong|span|p|br|div)\b[^>]*>", "", text)
    text = re.sub(r"\b(?:\w[ ._*-]){3,}\w\b", lambda m: re.sub(r"[ ._*-]", "", m[0]), text)
    text = re.sub(r"\b[A-Za-z]*[0-9@$][A-Za-z0-9@$]*[A-Za-z][A-Za-z0-9@$]*\b", _letters, text)
    shown = [text, *_decoded(text)]
    return "\n".join(_english(sentence) for part in shown for sentence in _sentences(part))


def disguised(text):
    """Tell whether something in a text had to be decoded first."""
    return bool(_decoded(unicodedata.normalize("NFKC", html.unescape(text))))


def wishes(text, articles, *, from_data=False):
    """Return what a text asks for, in order."""
    people = ACCOUNT.findall(text)
    found = []
    for sentence in _sentences(text):
        quotes = QUOTED.findall(sentence)
        bare = QUOTED.sub(" QUOTED ", sentence)
        for clause in SPLIT.split(bare):
            for wish in _of_clause(clause, sentence, quotes, people, articles, from_data):
                if wish not in found:
                    found.append(wish)
    return found


def persuasion(text, *, said_by_person=False):
    """Return the signs in a text that make a model give way, with their strength."""
    low = text.lower()
    found = {name: worth for name, (worth, sign) in SIGNS.items() if re.search(sign, low)}
    if said_by_person:
        if re.search(FORMS, low):
            found["form"] = 1
    elif re.search(ADDRESS, low):
        found["address"] = 2
    if re.search(WARNING, low):
        found["warning"] = 0 if said_by_person else 1
    return found


def _of_clause(clause, sentence, quotes, people, articles, from_data):
    low, here = clause.lower(), ACCOUNT.findall(clause)
    asks_how = re.match(r"\s*(?:how|where|when|who|why|may i|can i|is there|do i)\b", sentence.lower())
    named = [name for name in (*articles, *_called(clause)) if re.search(rf"\b{re.escape(name)}\b", low)]
    for name in dict.fromkeys(named):
        if re.search(READ, low) or from_data or asks_how:
            yield Wish("read_article", name)
    if not from_data:
        for numbers in TICKET.findall(clause):
            yield Wish("look_up_ticket", numbers[0] or numbers[1])
        if re.search(RECITE, low):
            yield Wish("recite")
    if asks_how:
        return
    sends = re.search(SEND, low) and not re.search(WEAK, low)
    resets = re.search(STRONG, low) and (re.search(SECRET, low) or here)
    resets = resets or (re.search(WEAK, low) and re.search(SECRET, low))
    if resets and (not sends or re.search(STRONG, low)) and (here or people):
        yield Wish("reset_password", (here or people)[0])
    elif sends and (here or (from_data and people)):
        yield _sent(clause, quotes, here or people[-1:], named)


def _sent(clause, quotes, here, named):
    to = re.search(rf"\b(?:to|an|for|at)\s+(?:\w+\s+){{0,3}}?({ACCOUNT.pattern[2:-2]})\b", clause)
    target = to[1] if to else here[0]
    if "QUOTED" in clause and quotes:
        return Wish("send_message", target, text=quotes[0])
    after = re.search(r"\bthat (.+)$", clause)
    if after and not LATER.search(clause.lower().partition(" that ")[0]):
        return Wish("send_message", target, text=after[1].strip())
    if LATER.search(clause.lower()) and not named:
        return Wish("send_message", target, about="reset_password")
    return Wish("send_message", target, about="read_article")


def _called(clause):
    return [name for name in SLUG.findall(clause) if re.search(rf"article\s+\W*{name}", clause)]


def _sentences(text):
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def _letters(found):
    word = found[0].lower()
    if ACCOUNT.search(word) or word.isdigit():
        return found[0]
    plain = word.translate(str.maketrans("01345@$7", "oieasast"))
    return plain if re.search(f"{SECRET}|{STRONG}|{SEND}|{READ}|{ADDRESS}|{OVER}", plain) else found[0]


def _decoded(text):
    found = []
    for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        found.append(_bytes(lambda run=run: base64.b64decode(run + "=" * (-len(run) % 4))))
    for run in re.findall(r"\b(?:[0-9a-f]{2} ?){12,}\b", text):
        found.append(_bytes(lambda run=run: bytes.fromhex(run)))
    for line in text.splitlines():
        for other in (codecs.encode(line, "rot13"), line[::-1]):
            if _is_trade(other) and not _is_trade(line):
                found.append(other)
    return [each for each in found if each]


def _bytes(decode):
    try:
        text = decode().decode("utf-8")
    except ValueError:
        return ""
    return text if text.isprintable() and " " in text else ""


def _is_trade(text):
    words = set(re.findall(r"[a-z]+", text.lower()))
    return len(words & {"reset", "password", "send", "read", "article", "ticket", "briefing", "the", "show", "and"}) >= 3


def _english(sentence):
    words = re.findall(r"\w+|\W+", sentence)
    low = [word.lower() for word in words]
    for table in ENGLISH.values():
        known = [word for word in low if word in table and len(word) > 3]
        if len(known) >= 2:
            return "".join(table.get(word.lower(), word) for word in words)
    return sentence
