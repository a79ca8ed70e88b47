"""Forwards statements to the operator's learning record store: off until named, tried again."""

import base64
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from range.assessment.evidence import hold
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.pipeline.exports.xapi import VERSION, Statement, statements_of
from range.pipeline.models import StatementDelivery

log = get_logger(__name__)

# Waits double from one failure to the next, up to a day; nothing is ever given up.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=1)
AT_ONCE = 20
TIMEOUT_SECONDS = 10.0


def is_on() -> bool:
    """Tell whether the operator named a store."""
    return bool(settings.RANGE_LRS_URL)


def forward_due(transport: httpx.BaseTransport | None = None) -> int:
    """Send what is due and return how many attempts were taken; nothing while it is off.

    Args:
        transport: What carries requests; the network without it.
    """
    if not is_on():
        return 0
    _note_new()
    now = timezone.now()
    due = StatementDelivery.objects.filter(sent_at=None, next_at__lte=now).select_related(
        "attempt__exercise__version__scenario", "attempt__trainee"
    )
    sent = 0
    with _client(transport) as client:
        for delivery in due.order_by("next_at", "pk")[:AT_ONCE]:
            as_of, statements = _told_of(delivery.attempt)
            if (wrong := _sent(client, statements)) is None:
                # What was graded while they were on their way is later than this, and goes next.
                StatementDelivery.objects.filter(pk=delivery.pk).update(sent_at=as_of, error="")
                sent += 1
                continue
            _postpone(delivery, now, wrong)
            # A store that does not take one will not take the next just now.
            break
    return sent


def _note_new() -> None:
    """Make a delivery of every attempt that was graded, and once more after a correction."""
    graded = Attempt.objects.filter(state=Attempt.State.GRADED)
    StatementDelivery.objects.bulk_create(
        [StatementDelivery(attempt=each) for each in graded.filter(statement_delivery=None)[:500]],
        ignore_conflicts=True,
    )
    corrected = StatementDelivery.objects.filter(attempt__grades__at__gt=F("sent_at"))
    corrected.update(sent_at=None, next_at=timezone.now(), tries=0)


def _client(transport: httpx.BaseTransport | None) -> httpx.Client:
    words = f"{settings.RANGE_LRS_KEY}:{settings.RANGE_LRS_SECRET}"
    return httpx.Client(
        transport=transport,
        timeout=TIMEOUT_SECONDS,
        # The address is the operator's: no answer sends anybody's results elsewhere.
        follow_redirects=False,
        trust_env=False,
        headers={
            "Authorization": f"Basic {base64.b64encode(words.encode()).decode()}",
            "X-Experience-API-Version": VERSION,
        },
    )


def _told_of(attempt: Attempt) -> tuple[datetime, list[Statement]]:
    """Return an attempt's statements, and as of when they tell; nobody grades meanwhile."""
    with transaction.atomic():
        hold(attempt.pk)
        return timezone.now(), statements_of([attempt])


def _sent(client: httpx.Client, statements: list[Statement]) -> str | None:
    """Send statements; return what went wrong in a few words, or None."""
    if not statements:
        return None
    try:
        if not _is_known(answer := _posted(client, statements)):
            return _wrong(answer)
        # For one that it was sent before, a store refuses all of them: the others may be news.
        for each in statements:
            answer = _posted(client, [each])
            if not _is_known(answer) and (wrong := _wrong(answer)):
                return wrong
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


def _posted(client: httpx.Client, statements: list[Statement]) -> httpx.Response:
    return client.post(f"{settings.RANGE_LRS_URL.rstrip('/')}/statements", json=statements)


def _is_known(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.CONFLICT


def _wrong(answer: httpx.Response) -> str | None:
    return None if answer.is_success else f"the store answered {answer.status_code}"


def _postpone(delivery: StatementDelivery, now: datetime, wrong: str) -> None:
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.tries, 12))
    StatementDelivery.objects.filter(pk=delivery.pk).update(
        tries=delivery.tries + 1, next_at=now + wait, error=wrong
    )
    host = urlsplit(settings.RANGE_LRS_URL).hostname
    log.warning("lrs.refused", attempt=str(delivery.attempt_id), store=host, reason=wrong)
