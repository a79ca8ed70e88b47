"""What instructors answer for: rubric criteria that wait for them, and grades check by check."""

import uuid
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from range.accounts.access import record_access
from range.accounts.models import User
from range.assessment import appeals, review
from range.assessment import grade_review as apart
from range.assessment.grading import ReviewRefused, decide
from range.assessment.models import ReviewItem
from range.assessment.overruling import REASON_AT_MOST, overrule
from range.exercises.models import Attempt

ITEM = "assessment/review_item.html"
GRADE = "assessment/grade_review.html"
BAD_REQUEST = 400
LEVEL_DIGITS = 3


@require_GET
def review_queue(request: HttpRequest) -> HttpResponse:
    """Show what waits for a person, oldest first, and what was decided lately."""
    person = cast(User, request.user)
    return render(request, "assessment/review_queue.html", review.queue(person))


@require_GET
def review_agreement(request: HttpRequest) -> HttpResponse:
    """Show how far models agree with people, by criterion, and what follows from it."""
    person = cast(User, request.user)
    return render(request, "assessment/review_agreement.html", review.agreement(person))


@require_http_methods(["GET", "POST"])
def review_item(request: HttpRequest, item_id: uuid.UUID) -> HttpResponse:
    """Show one criterion with the report beside it, or take the decision on it."""
    person = cast(User, request.user)
    item = review.item_for(person, item_id)
    if request.method == "POST":
        return _decided(request, person, item)
    record_access(person, subject_id=item.attempt.trainee_id, what=f"report for {item.criterion}")
    return render(request, ITEM, review.shown(item))


def _decided(request: HttpRequest, person: User, item: ReviewItem) -> HttpResponse:
    level, note = request.POST.get("level", ""), request.POST.get("note", "")
    try:
        if not (level.isdecimal() and len(level) <= LEVEL_DIGITS):
            raise ReviewRefused("Choose one of the levels before you decide.", reason="no-level")
        decide(item, person=person, level=int(level), note=note)
    except ReviewRefused as refusal:
        if refusal.status != BAD_REQUEST:
            raise
        # What was written stays in the form.
        item = review.item_for(person, item.pk)
        context = review.shown(item) | {"problem": refusal.message, "note": note}
        return render(request, ITEM, context, status=refusal.status)
    messages.success(request, f"Decided: {item.attempt.trainee.shown_name}, {item.criterion}.")
    following = review.next_for(person)
    return redirect("review-item", following.pk) if following else redirect("review-queue")


@require_http_methods(["GET", "HEAD", "POST"])
def grade_review(request: HttpRequest, attempt_id: uuid.UUID) -> HttpResponse:
    """Show how an attempt was graded, check by check, or overrule one of them."""
    person = cast(User, request.user)
    attempt = apart.attempt_for(person, attempt_id)
    if request.method == "POST":
        return _overruled(request, person, attempt)
    record_access(person, subject_id=attempt.trainee_id, what=f"grade of attempt {attempt.pk}")
    return render(request, GRADE, _taken_apart(attempt))


def _taken_apart(attempt: Attempt) -> dict[str, Any]:
    return {"review": apart.grade_review(attempt), "reason_at_most": REASON_AT_MOST}


def _overruled(request: HttpRequest, person: User, attempt: Attempt) -> HttpResponse:
    asked = {name: request.POST.get(name, "") for name in ("outcome", "reason")}
    evidence_id = _uuid(request.POST.get("evidence", ""))
    try:
        made = overrule(evidence_id, person=person, **asked)
    except ReviewRefused as refusal:
        if refusal.status != BAD_REQUEST:
            raise
        # What was written stays in the form.
        tried = asked | {"evidence": evidence_id, "problem": refusal.message}
        return render(request, GRADE, _taken_apart(attempt) | {"tried": tried}, status=BAD_REQUEST)
    messages.success(request, f"Overruled: {made.check_id}. The earlier record stays beside it.")
    return redirect("grade-review", attempt.pk)


def _uuid(text: str) -> uuid.UUID:
    """Return the id in a form, or one that names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


@require_POST
def contest_evidence(request: HttpRequest, evidence_id: uuid.UUID) -> HttpResponse:
    """Contest one piece of one's own evidence."""
    person = cast(User, request.user)
    appeals.contest(person, evidence_id=evidence_id, words=request.POST.get("words", ""))
    messages.success(request, "Contested. An instructor answers, and you read the answer here.")
    return redirect("evidence", evidence_id)


@require_POST
def answer_appeal(request: HttpRequest, appeal_id: uuid.UUID) -> HttpResponse:
    """Answer a contested record, then show what is contested next, else the outcome."""
    person = cast(User, request.user)
    answered = appeals.answer(
        person,
        appeal_id=appeal_id,
        choice=request.POST.get("choice", ""),
        words=request.POST.get("words", ""),
    )
    said = f"Answered for {answered.evidence.check_id}: {answered.get_state_display().lower()}."
    following = appeals.open_for(person).first()
    if following is None:
        messages.success(request, said)
        return redirect("evidence", answered.outcome_id)
    messages.success(request, f"{said} Here is what waits next.")
    return redirect("evidence", following.evidence_id)
