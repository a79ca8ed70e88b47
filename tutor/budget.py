"""What models used and cost, one row a request, and who may still ask the hosted one."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from range.exercises.models import Attempt
from tutor.context import approximate_tokens
from tutor.models import Hint, LedgerEntry, TutorSettings
from tutor.providers import registry
from tutor.providers.chat import ChatModel, Message, Usage
from tutor.providers.registry import Choice
from tutor.steering import settings_of

DAY = timedelta(days=1)
MILLION = 1_000_000
NO_MODEL = "Your instructor chose the author's hints and the sources."
LOCAL_ONLY = "Your instructor lets only a model on this range answer."
ATTEMPT_SPENT = "This attempt has used what it may of the hosted model."
ORGANISATION_SPENT = "Your organisation has used what it may of the hosted model today."


def choice_for(attempt: Attempt, *, spent: str = "") -> Choice:
    """Return what may be asked next: as the exercise says, within budgets, and healthy.

    Args:
        spent: Why the hosted model is not to be asked, where that is known already.
    """
    allowed = settings_of(attempt.exercise).model
    if allowed == TutorSettings.Model.NONE:
        return registry.no_model(NO_MODEL)
    if allowed == TutorSettings.Model.LOCAL:
        spent = spent or LOCAL_ONLY
    elif registry.asks_hosted():
        spent = spent or why_spent(attempt)
    return registry.choose(spent=spent)


def why_spent(attempt: Attempt) -> str:
    """Return which budget is used up, in a sentence; empty where there is something left."""
    hosted = LedgerEntry.objects.filter(mode=Hint.Mode.HOSTED)
    mine = hosted.filter(attempt=attempt)
    if _is_over(mine, settings.TUTOR_ATTEMPT_TOKENS):
        return ATTEMPT_SPENT
    today = hosted.filter(
        organisation=attempt.exercise.organisation_id, at__gt=timezone.now() - DAY
    )
    return ORGANISATION_SPENT if _is_over(today, settings.TUTOR_ORGANISATION_TOKENS) else ""


def _is_over(entries: QuerySet[LedgerEntry], limit: int) -> bool:
    """Tell whether as many tokens were used as may be; no limit is 0."""
    if not limit:
        return False
    used = entries.aggregate(used=Sum(F("tokens_in") + F("tokens_out")))["used"]
    return (used or 0) >= limit


def write(
    attempt: Attempt,
    model: ChatModel,
    messages: Sequence[Message],
    *,
    said: int,
    usage: Usage | None = None,
    hint: Hint | None = None,
) -> None:
    """Write down what one answer used, whatever became of it.

    Args:
        said: Our estimate of the answer's tokens, for where the provider told nothing.
        hint: None where the model judged written work.
    """
    tokens_in = usage.tokens_in if usage else sum(approximate_tokens(m.text) for m in messages)
    tokens_out = usage.tokens_out if usage else said
    hosted = model.mode == "hosted"
    LedgerEntry.objects.create(
        attempt=attempt,
        organisation_id=attempt.exercise.organisation_id,
        hint=hint,
        mode=model.mode,
        model_name=model.name,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        counted=usage is not None,
        cost=cost_of(tokens_in, tokens_out) if hosted else Decimal(0),
    )


def cost_of(tokens_in: int, tokens_out: int) -> Decimal:
    """Return the cost in the operator's currency, by the prices in the settings."""
    price_in = Decimal(str(settings.TUTOR_PRICE_IN))
    price_out = Decimal(str(settings.TUTOR_PRICE_OUT))
    return (price_in * tokens_in + price_out * tokens_out) / MILLION


def summed(since: timedelta) -> list[dict[str, Any]]:
    """Return what was used by organisation, mode and model, the dearest first."""
    rows = (
        LedgerEntry.objects.filter(at__gt=timezone.now() - since)
        .values("organisation__slug", "mode", "model_name")
        .annotate(
            requests=Count("pk"),
            used_in=Sum("tokens_in"),
            used_out=Sum("tokens_out"),
            estimated=Sum("tokens_in", filter=Q(counted=False)),
            spent=Sum("cost"),
        )
        .order_by("-spent", "organisation__slug", "mode", "model_name")
    )
    return [dict(row) for row in rows]
