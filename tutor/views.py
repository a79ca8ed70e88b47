"""The tutor's panel, a question, the stream of its answer, a rating, a citation, the account."""

import uuid
from collections.abc import AsyncIterator
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from range.accounts.models import User
from range.exercises.models import Attempt
from range.exercises.services import attempt_of
from range.lib.errors import RangeError
from tutor import presenting
from tutor.access import (
    HintMissing,
    may_ask,
    may_read_hints,
    own_hint,
    readable_attempt,
    readable_hint,
)
from tutor.answering import in_thread
from tutor.models import Hint
from tutor.policy import LadderRefused, Unlock
from tutor.services import Part, ask, rate, stream

PAGE = "tutor/panel.html"


class RatingUnknown(RangeError):
    """A hint is rated with a word that no button has."""

    def __init__(self) -> None:
        super().__init__(
            "A hint was helpful or it was not; choose one of the two.", reason="rating-unknown"
        )


@require_safe
def tutor_panel(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show the ladder, the question box and the hints so far."""
    attempt = readable_attempt(request.user, attempt_id)
    panel = presenting.panel(
        attempt,
        may_ask=may_ask(request.user, attempt),
        may_read=may_read_hints(request.user, attempt),
        objective=request.GET.get("objective", ""),
    )
    return _panel(request, panel)


@require_POST
def ask_hint(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Take a question or an unlock, and show the panel with the new hint."""
    attempt = attempt_of(request.user, attempt_id)
    objective, notice, status = request.POST.get("objective", ""), "", 200
    typed = _typed(request)
    try:
        _ask(request, attempt, typed)
    except RangeError as error:
        if error.status == 404:
            raise
        notice, status = error.message, error.status
    draft = typed if notice else presenting.NOTHING_TYPED
    panel = presenting.panel(attempt, may_ask=True, objective=objective, notice=notice, draft=draft)
    return _panel(request, panel, status=status)


def _typed(request: HttpRequest) -> presenting.Draft:
    return presenting.Draft(
        question=request.POST.get("question", ""), marked=request.POST.get("marked", "")
    )


def _ask(request: HttpRequest, attempt: Attempt, typed: presenting.Draft) -> None:
    ask(
        attempt,
        person=cast(User, request.user),
        objective=request.POST.get("objective", ""),
        question=typed.question,
        marked=typed.marked,
        unlock=_unlock(request.POST.get("unlock", "")),
    )


@require_safe
def tutor_offer(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show what is offered now; the page looks again from time to time."""
    attempt = attempt_of(request.user, attempt_id)
    following = presenting.offer_view(attempt, request.GET.get("objective", ""))
    return render(request, f"{PAGE}#tutor-offer", {"next": following})


@require_POST
def hint_rating(request: HttpRequest, attempt_id: uuid.UUID, hint_id: uuid.UUID) -> HttpResponse:
    """Take whether a hint helped."""
    hint = own_hint(request.user, attempt_id, hint_id)
    rating = _rating(request.POST.get("rating", ""))
    hint = rate(hint, person=cast(User, request.user), rating=rating)
    if not _is_htmx(request):
        return redirect("tutor-panel", attempt_id)
    view = presenting.hint_view(hint, may_rate=True)
    return render(request, f"{PAGE}#hint-rating", {"hint": view})


def _rating(value: str) -> Hint.Rating:
    """Read what a button says.

    Raises:
        RatingUnknown: It is none of the two.
    """
    try:
        return Hint.Rating(value)
    except ValueError:
        raise RatingUnknown from None


def _panel(request: HttpRequest, panel: presenting.PanelView, *, status: int = 200) -> HttpResponse:
    """Render the fragment for htmx, a whole page for browsers without script."""
    template = f"{PAGE}#tutor-panel" if _is_htmx(request) else PAGE
    return render(request, template, {"panel": panel}, status=status)


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _unlock(value: str) -> Unlock:
    """Read what the form says about the ladder.

    Raises:
        LadderRefused: It is none of the three values.
    """
    try:
        return Unlock(value)
    except ValueError:
        raise LadderRefused(
            "A request can take the next rung only; choose it on the ladder.",
            reason="unlock-unknown",
            status=400,
        ) from None


@require_safe
async def hint_stream(
    request: HttpRequest, attempt_id: uuid.UUID, hint_id: uuid.UUID
) -> HttpResponseBase:
    """Stream the sentences of an answer, then the finished hint."""
    person = cast(User, await request.auser())
    hint = await in_thread(readable_hint, person, attempt_id, hint_id)
    return StreamingHttpResponse(
        _events(hint, person),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(hint: Hint, person: User) -> AsyncIterator[bytes]:
    async for part in stream(hint.pk, who=str(person.pk)):
        yield _as_event(hint, part)
    yield _event("answered", await in_thread(_finished, hint, person))


def _as_event(hint: Hint, part: Part) -> bytes:
    if part.place:
        return _event("place", f"Your place in the queue: {part.place}")
    return _event("sentence", f"<span>{presenting.sentence_html(hint, part.sentence)} </span>")


def _finished(hint: Hint, person: User) -> str:
    finished = Hint.objects.get(pk=hint.pk)
    view = presenting.hint_view(finished, may_rate=may_ask(person, hint.attempt))
    return render_to_string(f"{PAGE}#hint", {"hint": view})


def _event(name: str, html: str) -> bytes:
    data = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\n{data}\n".encode()


@require_safe
def citation(
    request: HttpRequest, attempt_id: uuid.UUID, hint_id: uuid.UUID, number: int
) -> HttpResponse:
    """Show the passage behind a number, with the quoted span marked."""
    hint = readable_hint(request.user, attempt_id, hint_id)
    view = presenting.citation_view(hint, number)
    if view is None:
        raise HintMissing
    template = f"{PAGE}#citation" if _is_htmx(request) else "tutor/citation.html"
    return render(request, template, {"citation": view, "attempt_id": attempt_id})


@require_safe
def debrief_account(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show the account of a finished attempt."""
    attempt = readable_attempt(request.user, attempt_id)
    context = {"account": presenting.debrief_view(attempt), "attempt_id": attempt_id}
    return render(request, "tutor/debrief.html#debrief-account", context)
