"""The hint ladder: which rung a request may have, decided without a database or a model."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

from range.lib.errors import RangeError

# Long enough to try something, short enough that nobody leaves. Instructors change it per exercise.
DEFAULT_WAIT = timedelta(minutes=3)
OFFER_AT_STUCK = 0.6
# Below this somebody gets on, and a question says more than a hint.
GETTING_ON_BELOW = 0.3
TUTOR_OFF = "The tutor is off here."


class Rung(IntEnum):
    """How direct a hint is."""

    MIRROR = 0
    ORIENT = 1
    CONCEPT = 2
    TECHNIQUE = 3
    ANSWER = 4


class Unlock(StrEnum):
    """What a request says about the ladder; the value is what the form sends."""

    STAY = ""
    NEXT = "next"
    NOW = "now"


class Trigger(StrEnum):
    """Why a rung was granted."""

    STAY = "stay"
    TRIED = "tried"
    WAITED = "waited"
    EXPLICIT = "explicit"


class LadderRefused(RangeError):
    """A request that the ladder does not allow; the message says what would be allowed."""

    def __init__(self, message: str, *, reason: str, status: int = 409) -> None:
        super().__init__(message, reason=reason, status=status)


class Style(StrEnum):
    """How a hint of one rung is put; it never changes what the rung may say."""

    OPEN = "open"
    GUIDING = "guiding"
    DIRECT = "direct"


def style_for(stuck: float) -> Style:
    """Return how to speak to somebody who seems this stuck: the more, the plainer."""
    if stuck >= OFFER_AT_STUCK:
        return Style.DIRECT
    return Style.OPEN if stuck < GETTING_ON_BELOW else Style.GUIDING


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the scenario and the exercise allow.

    Args:
        enabled: False where the tutor is off.
        why_off: Says so, in a sentence.
        is_counted: Whatever is asked is listed beside the grade.
        offers: Whether help is offered to whoever seems stuck.
        wait: After this long without help the next rung opens by itself.
    """

    enabled: bool = True
    why_off: str = ""
    is_counted: bool = False
    max_rung: int = Rung.TECHNIQUE
    hints_per_hour: int = 60
    offers: bool = True
    wait: timedelta = DEFAULT_WAIT


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Where a trainee stands on one objective.

    Args:
        tries: Commands and submissions since the last hint on the objective.
        waited: Time since that hint, or since the attempt began when there was none.
    """

    unlocked: int = Rung.MIRROR
    hints: int = 0
    tries: int = 0
    waited: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The rung a hint is given at, and why."""

    rung: int
    trigger: Trigger
    raised: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The next rung, shown with its effect before anybody takes it.

    Args:
        ready: It may be taken at once; otherwise only by explicit unlock.
    """

    rung: int
    ready: bool
    trigger: Trigger
    opens_in: timedelta


def decide(ladder: Ladder, limits: Limits, *, unlock: Unlock) -> Grant:
    """Grant the present rung, or the one above it and never more.

    Raises:
        LadderRefused: The tutor is off, the ladder ends here, or nothing was tried yet.
    """
    if not limits.enabled:
        raise LadderRefused(limits.why_off or TUTOR_OFF, reason="tutor-off", status=403)
    present = min(ladder.unlocked, limits.max_rung)
    if unlock is Unlock.STAY:
        return Grant(rung=present, trigger=Trigger.STAY, raised=False)
    return _raise_by_one(ladder, limits, explicit=unlock is Unlock.NOW)


def offer(ladder: Ladder, limits: Limits) -> Offer | None:
    """Return the next rung, or None where the ladder ends or the tutor is off."""
    if not limits.enabled or ladder.unlocked >= limits.max_rung:
        return None
    trigger = _opened_by(ladder, limits)
    return Offer(
        rung=ladder.unlocked + 1,
        ready=trigger is not None,
        trigger=trigger or Trigger.EXPLICIT,
        opens_in=max(timedelta(0), limits.wait - ladder.waited),
    )


def _raise_by_one(ladder: Ladder, limits: Limits, *, explicit: bool) -> Grant:
    proposal = offer(ladder, limits)
    if proposal is None:
        raise LadderRefused(
            "This is the highest rung here. Ask about what you see, or about an idea behind it.",
            reason="ladder-ends",
        )
    if not proposal.ready and not explicit:
        raise LadderRefused(
            "The next rung opens after a new try. Try something first, or unlock it now.",
            reason="rung-not-yet",
        )
    return Grant(rung=proposal.rung, trigger=proposal.trigger, raised=True)


def _opened_by(ladder: Ladder, limits: Limits) -> Trigger | None:
    if ladder.tries > 0:
        return Trigger.TRIED
    return Trigger.WAITED if ladder.waited >= limits.wait else None


_DEFINITION = re.compile(
    r"^\s*(?:please\s+)?(?:"
    r"what(?:'s|\u2019s| is| are| does)\b"
    r"(?!.*\b(?:flag|password|solution|next step|answer|command)\b)"
    r"|define\b|explain (?:what|the (?:term|idea|concept))\b"
    r"|(?:what is )?the meaning of\b|what do you mean by\b)"
    r"(?P<rest>.{2,80})$",
    re.IGNORECASE | re.DOTALL,
)
# Words that point at the trainee's own situation: then it is not a definition.
_SITUATION = re.compile(r"\b(?:i|my|me|here|this|that|these|wrong|now|should|do next|it)\b", re.I)


def is_definition(question: str) -> bool:
    """Tell whether a question asks what a term means, which is answered at any rung."""
    found = _DEFINITION.match(question.strip())
    return bool(found) and not _SITUATION.search(found["rest"] if found else "")
