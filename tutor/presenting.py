"""Shapes the tutor's panel and its hints for templates."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from range.assessment.status import ObjectiveStatus
from range.exercises.models import Attempt
from tutor import budget
from tutor.markup import inline, quoted, render
from tutor.models import Debrief, Hint
from tutor.policy import OFFER_AT_STUCK, Ladder, Limits, Offer, offer
from tutor.rungs import RUNGS, RungText, describe
from tutor.situation import Situation, gather

HINTS_SHOWN = 30
NOT_YOURS = "What the tutor said here is for the staff of the exercise's own school."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A question that is not asked yet."""

    question: str = ""
    marked: str = ""


NOTHING_TYPED = Draft()


@dataclass(frozen=True, kw_only=True)
class RungView:
    """One rung of the ladder: open, next, or still closed."""

    text: RungText
    standing: str


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """A source below an answer."""

    number: int
    title: str
    heading: str
    url: str


@dataclass(frozen=True, kw_only=True)
class HintView:
    """One hint as the panel shows it.

    Args:
        authored: The author's words; they stand at once.
        answer: The model's words, empty while it writes or where it gave none.
        note: A sentence where the answer is not what was hoped for.
    """

    id: uuid.UUID
    rung: RungText
    definition: bool
    question: str
    marked: str
    authored: SafeString
    answer: SafeString
    is_open: bool
    mode: str
    note: str
    stream_url: str
    sources: Sequence[SourceView]
    asked_at: datetime
    rating: str
    may_rate: bool
    rate_url: str


@dataclass(frozen=True, kw_only=True)
class OfferView:
    """The next rung as it is offered, never taken by itself.

    Args:
        url: Where the offer is looked at again; empty where nothing can change any more.
        offer: None where the ladder ends.
    """

    attempt_id: uuid.UUID
    objective: str
    url: str
    offer: Offer | None
    offered: RungText | None
    wait_minutes: int
    is_stuck: bool

    @property
    def shows(self) -> str:
        """Return what an offer says: one that says the same need not be drawn again."""
        ready = self.offer.ready if self.offer else ""
        rung = self.offer.rung if self.offer else ""
        return f"{self.objective} {rung} {ready} {self.is_stuck} {self.wait_minutes}"


@dataclass(frozen=True, kw_only=True)
class PanelView:
    """Everything the tutor's panel shows.

    Args:
        draft: What was typed and could not be taken, to be sent again.
    """

    attempt_id: uuid.UUID
    may_ask: bool
    off: str
    is_counted: bool
    mode: str
    why: str
    objectives: Sequence[ObjectiveStatus]
    objective: str
    rungs: Sequence[RungView]
    present: RungText
    next: OfferView
    hints: Sequence[HintView]
    notice: str
    draft: Draft

    @property
    def newest(self) -> Sequence[HintView]:
        """Return what was asked for last, while more can be asked for."""
        return self.hints[:1] if self.may_ask else ()

    @property
    def earlier(self) -> Sequence[HintView]:
        """Return the other hints, newest first."""
        return self.hints[1:] if self.may_ask else self.hints


def panel(
    attempt: Attempt,
    *,
    may_ask: bool,
    may_read: bool = True,
    objective: str = "",
    notice: str = "",
    draft: Draft = NOTHING_TYPED,
) -> PanelView:
    """Gather the panel of one attempt.

    Args:
        may_ask: False for staff, who only read.
        may_read: False for staff of other schools than the exercise's.

    Raises:
        ObjectiveUnknown: The scenario has no such objective.
    """
    situation = gather(attempt, objective)
    choice = budget.choice_for(attempt)
    following = offer(situation.ladder, situation.limits)
    hints = Hint.objects.filter(attempt=attempt).order_by("-asked_at") if may_read else ()
    active = attempt.state == Attempt.State.ACTIVE
    return PanelView(
        attempt_id=attempt.pk,
        may_ask=may_ask and active and situation.limits.enabled,
        off=_off(situation.limits, active=active, may_ask=may_ask) if may_read else NOT_YOURS,
        is_counted=situation.limits.is_counted and active,
        mode=choice.label,
        why=choice.why,
        objectives=situation.objectives,
        objective=situation.state.objective.key,
        rungs=_rungs(situation.ladder, situation.limits, following),
        present=describe(min(situation.ladder.unlocked, situation.limits.max_rung)),
        next=_offer_view(attempt, situation, following),
        hints=[hint_view(hint, may_rate=may_ask) for hint in hints[:HINTS_SHOWN]],
        notice=notice,
        draft=draft,
    )


def offer_view(attempt: Attempt, objective: str) -> OfferView:
    """Gather what is offered on one objective now.

    Raises:
        ObjectiveUnknown: The scenario has no such objective.
    """
    situation = gather(attempt, objective)
    active = attempt.state == Attempt.State.ACTIVE
    following = offer(situation.ladder, situation.limits) if active else None
    return _offer_view(attempt, situation, following)


def _offer_view(attempt: Attempt, situation: Situation, following: Offer | None) -> OfferView:
    key = situation.state.objective.key
    address = f"{reverse('tutor-offer', args=[attempt.pk])}?{urlencode({'objective': key})}"
    return OfferView(
        attempt_id=attempt.pk,
        objective=key,
        url=address if following else "",
        offer=following,
        offered=describe(following.rung) if following else None,
        wait_minutes=_minutes_up(following),
        is_stuck=situation.limits.offers and situation.state.stuck >= OFFER_AT_STUCK,
    )


def _minutes_up(following: Offer | None) -> int:
    return -int(-following.opens_in.total_seconds() // 60) if following else 0


def _off(limits: Limits, *, active: bool, may_ask: bool) -> str:
    if not limits.enabled:
        return limits.why_off
    if not active:
        return "This attempt is over. Its hints stay here to read."
    return "" if may_ask else "You may read these hints; only the trainee asks."


def _rungs(ladder: Ladder, limits: Limits, following: Offer | None) -> list[RungView]:
    return [
        RungView(text=text, standing=_standing(text.rung, ladder, following))
        for text in RUNGS
        if text.rung <= limits.max_rung
    ]


def _standing(rung: int, ladder: Ladder, following: Offer | None) -> str:
    if rung <= ladder.unlocked:
        return "open"
    return "next" if following and rung == following.rung else "closed"


def hint_view(hint: Hint, *, may_rate: bool = False) -> HintView:
    """Shape one hint, its citations as links that open in place.

    Args:
        may_rate: Whether the viewer is the trainee who asked.
    """
    return HintView(
        id=hint.pk,
        rung=describe(hint.rung),
        definition=hint.definition,
        question=hint.question,
        marked=hint.marked,
        authored=render(hint.authored, lambda number: cite(hint, number)),
        answer=render(hint.text, lambda number: cite(hint, number)),
        is_open=hint.state == Hint.State.OPEN,
        mode=str(Hint.Mode(hint.mode).label),
        note=_note(hint),
        stream_url=reverse("hint-stream", args=[hint.attempt_id, hint.pk]),
        sources=[_source(hint, each) for each in hint.citations],
        asked_at=hint.asked_at,
        rating=hint.rating,
        may_rate=may_rate and hint.state != Hint.State.OPEN,
        rate_url=reverse("hint-rating", args=[hint.attempt_id, hint.pk]),
    )


_WHY_NOT = {
    "address": "The model's address is not one that the range may ask.",
    "": "The model said nothing.",
    "broken": "The model could not be asked.",
    "garbage": "The model's answer could not be read.",
    "no-model": "No model could be had.",
    "queue": "Too many were waiting for the model.",
    "refused": "The model refused to answer.",
    "slow": "The model did not answer in time.",
    "unreachable": "The model could not be reached.",
}


def _note(hint: Hint) -> str:
    if hint.state != Hint.State.FAILED:
        return ""
    reason = str(hint.guard.get("reason") or "")
    if not reason and hint.guard.get("dropped"):
        why = "The sources do not bear out what the model said, so it is not shown."
    else:
        why = _WHY_NOT.get(reason, "The model's answer was not fit to show.")
    return f"{why} These are the author's words and the sources."


def _source(hint: Hint, citation: dict[str, object]) -> SourceView:
    number = int(str(citation["number"]))
    return SourceView(
        number=number,
        title=str(citation["title"]),
        heading=str(citation["heading"]),
        url=citation_url(hint, number),
    )


def citation_url(hint: Hint, number: int) -> str:
    """Return where one citation of a hint opens."""
    return reverse("citation", args=[hint.attempt_id, hint.pk, number])


def cite(hint: Hint, number: int) -> SafeString | str:
    """Return a citation as a link that opens in place; nothing where it does not resolve."""
    found = next((each for each in hint.citations if each["number"] == number), None)
    if found is None:
        return ""
    return format_html(
        '<a class="citation" href="{}" hx-get="{}" hx-target="#passage-{}" hx-swap="innerHTML" '
        'aria-label="Source {}: {}">{}</a>',
        *(citation_url(hint, number), citation_url(hint, number), hint.pk),
        *(number, found["title"], number),
    )


def sentence_html(hint: Hint, sentence: str) -> SafeString:
    """Return one streamed sentence with its citations."""
    return inline(sentence, lambda number: cite(hint, number))


@dataclass(frozen=True, kw_only=True)
class CitationView:
    """One passage with the quoted span marked."""

    hint_id: uuid.UUID
    number: int
    title: str
    heading: str
    version: str
    license: str
    url: str
    before: SafeString
    quote: SafeString
    after: SafeString


def citation_view(hint: Hint, number: int) -> CitationView | None:
    """Return a citation's passage in three parts around the quoted span."""
    found = next((each for each in hint.citations if each["number"] == number), None)
    if found is None:
        return None
    text, start, end = found["text"], found["start"], found["end"]
    return CitationView(
        hint_id=hint.pk,
        number=number,
        title=found["title"],
        heading=found["heading"],
        version=found["version"],
        license=found["license"],
        url=found["url"],
        before=quoted(text[:start]),
        quote=quoted(text[start:end]),
        after=quoted(text[end:]),
    )


@dataclass(frozen=True, kw_only=True)
class DebriefLine:
    """One sentence of the account, with the moment it is about."""

    html: SafeString
    moment_url: str


@dataclass(frozen=True, kw_only=True)
class DebriefView:
    """The account of an attempt."""

    opening: SafeString
    sections: Sequence[tuple[str, Sequence[DebriefLine]]]


def debrief_view(attempt: Attempt) -> DebriefView | None:
    """Return the account of an attempt, None before it is written."""
    written = Debrief.objects.filter(attempt=attempt).first()
    if written is None:
        return None
    sections = [
        (
            section["title"],
            [
                DebriefLine(html=inline(line["text"]), moment_url=line["moment_url"])
                for line in section["lines"]
            ],
        )
        for section in written.sections
    ]
    return DebriefView(opening=inline(written.text), sections=sections)
