"""Short ways to write a judgement, so that every kind words and cuts it alike."""

from range.checks.base import Judgement, Outcome

EXCERPT_LIMIT = 4096


def met(reason: str = "met", *, excerpt: str = "", score: float = 1.0) -> Judgement:
    """Return a judgement that the check holds."""
    return Judgement(outcome=Outcome.MET, score=score, reason=reason, excerpt=cut(excerpt))


def unmet(reason: str, *, excerpt: str = "", score: float = 0.0) -> Judgement:
    """Return a judgement that the check does not hold."""
    return Judgement(outcome=Outcome.UNMET, score=score, reason=reason, excerpt=cut(excerpt))


def inconclusive(reason: str, *, excerpt: str = "") -> Judgement:
    """Return that the check could not be made, or waits for a person."""
    return Judgement(outcome=Outcome.INCONCLUSIVE, score=0.0, reason=reason, excerpt=cut(excerpt))


def cut(text: str) -> str:
    """Return at most 4 KB of a text, without control characters other than line breaks."""
    clean = "".join(c if c == "\n" or c == "\t" or c.isprintable() else "\ufffd" for c in text)
    data = clean.encode()[:EXCERPT_LIMIT]
    return data.decode(errors="ignore")
