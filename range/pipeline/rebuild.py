"""Rebuilds every stored estimate from the log each night, and tells where a bit differed."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from operator import itemgetter

from django.utils import timezone

from range.accounts.models import User
from range.assessment.evidence import RECORDED
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.pipeline.log import COUNTED_STATES, read_log
from range.pipeline.models import EstimateRebuild, SkillEstimate
from range.pipeline.services import refresh
from range.pipeline.sets import ParameterSetMissing, named
from range.timeline.models import Event

log = get_logger(__name__)

# By the range's own clock, UTC: when few people work.
HOUR = time(hour=3)
DIFFERENCES_KEPT = 50
PEOPLE_AT_ONCE = 20


def is_due(now: datetime) -> bool:
    """Tell whether no rebuild happened since the last time the hour struck."""
    struck = now.replace(hour=HOUR.hour, minute=0, second=0, microsecond=0)
    if struck > now:
        struck -= timedelta(days=1)
    return not EstimateRebuild.objects.filter(at__gte=struck).exists()


def rebuild_all(between: Callable[[], None] | None = None) -> EstimateRebuild:
    """Compare every person's stored estimates with a replay, store them anew, and report.

    Args:
        between: Called now and then, so that nobody's grade waits for the night's work.
    """
    people = User.objects.filter(skill_estimates__isnull=False).distinct().order_by("pk")
    count, rows, found = 0, 0, list[str]()
    for person in people.iterator():
        count += 1
        rows += person.skill_estimates.count()
        found += differences(person)
        refresh(person)
        if between is not None and count % PEOPLE_AT_ONCE == 0:
            between()
    done = EstimateRebuild.objects.create(
        people=count, rows=rows, differing=len(found), detail=found[:DIFFERENCES_KEPT]
    )
    tell = log.error if found else log.info
    tell("pipeline.rebuilt", people=count, rows=rows, differing=len(found))
    return done


def differences(person: User) -> list[str]:
    """Return where a person's stored estimates are not, to the bit, what their log gives.

    A person whose log grew since is about to be refreshed, and has none.
    """
    stored = list(SkillEstimate.objects.filter(trainee=person).select_related("skill"))
    found: list[str] = []
    groups: dict[tuple[datetime, str, bool], list[SkillEstimate]] = {}
    for row in stored:
        made = (row.updated_at, row.parameter_set, row.assessed_only)
        groups.setdefault(made, []).append(row)
    for (moment, name, assessed_only), rows in sorted(groups.items(), key=itemgetter(0)):
        if not _grew(person, since=moment):
            found += _differing(person, rows, name=name, moment=moment, assessed_only=assessed_only)
    return found


def _grew(person: User, *, since: datetime) -> bool:
    attempts = Attempt.objects.filter(trainee=person, state__in=COUNTED_STATES)
    if attempts.filter(state=Attempt.State.COLLECTED).exists():
        return True
    # By when records were made: a correction keeps the moment of what it corrects.
    made = Event.objects.filter(attempt_id__in=attempts.values("pk"), kind=RECORDED)
    return made.filter(at__gt=since).exists()


def _differing(
    person: User,
    rows: Iterable[SkillEstimate],
    *,
    name: str,
    moment: datetime,
    assessed_only: bool,
) -> list[str]:
    try:
        parameters = named(name)
    except ParameterSetMissing as error:
        return [f"{person.pk}: {error.message}"]
    log_then = read_log(person, assessed_only=assessed_only, parameters=parameters)
    known = {each.skill: each for each in log_then.standings(as_of=moment, parameters=parameters)}
    found = []
    for row in rows:
        again = known.get(row.skill.key)
        same = again is not None and (again.mean.hex(), again.sd.hex()) == (
            row.mean.hex(),
            row.sd.hex(),
        )
        if not same:
            found.append(f"{person.pk} {row.skill.key}: stored {row.mean.hex()} {row.sd.hex()}")
    return found


def last_rebuild() -> EstimateRebuild | None:
    """Return the newest report, if there is one."""
    return EstimateRebuild.objects.order_by("-at").first()


def rebuild_if_due(between: Callable[[], None] | None = None) -> bool:
    """Rebuild once a night, and tell whether that was now; the worker calls it on each round."""
    if not is_due(timezone.now()):
        return False
    rebuild_all(between)
    return True
