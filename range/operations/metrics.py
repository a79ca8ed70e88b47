"""The range's figures as Prometheus metrics, read from rows whenever somebody asks."""

import ipaddress
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import Error
from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.lib.logs import get_logger
from range.operations import launches, load, reasons, room, status
from range.sandboxes.recent_troubles import MACHINE_KINDS, refusal_tallies
from range.timeline.models import Event

log = get_logger(__name__)

# Around what is promised: 0.3 s for a machine made ahead, 1 s for one, 4 s for three.
LAUNCH_BOUNDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 60.0, 120.0)
# What a proxy says of whom it speaks for; with any of them loopback is only the proxy's address.
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
MEBIBYTE = 1024 * 1024
HINT_ASKED, HINT_ANSWERED = "hint.asked", "hint.answered"


class MetricsRefused(RangeError):
    """Whoever asks neither is on this machine nor holds the token."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="metrics-refused", status=403)


def refuse_strangers(request: HttpRequest) -> None:
    """Let through who holds the token; without one set, programs of this machine alone.

    Raises:
        MetricsRefused: It is neither.
    """
    token = settings.RANGE_METRICS_TOKEN
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not constant_time_compare(given.strip(), token):
            raise MetricsRefused("Metrics are read with the token that RANGE_METRICS_TOKEN holds.")
    elif not _is_of_this_machine(request):
        raise MetricsRefused(
            "Metrics are for programs of this machine. To read them from elsewhere or through a "
            "proxy, set RANGE_METRICS_TOKEN and send it as a bearer token."
        )


def exposition(accept: str) -> tuple[bytes, str]:
    """Return every metric as text, and its content type.

    Args:
        accept: What the asker reads; OpenMetrics where it says so, else Prometheus's own form.
    """
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(RangeCollector())
    return encode(registry), content_type


class RangeCollector(Collector):
    """Reads every figure anew for each request, so that several processes tell the same."""

    def collect(self) -> Iterable[Metric]:
        """Return the machine's figures, and those of rows while the database answers."""
        found = [*_machine(), *_roles()]
        answers = GaugeMetricFamily("muster_database_up", "Whether the database answers.", value=1)
        try:
            found += [*_sandboxes(), *_launches(), *_machines(), *_attempts(), *_hints()]
        except Error as error:
            log.warning("metrics.database.failed", detail=type(error).__name__)
            answers = GaugeMetricFamily(answers.name, answers.documentation, value=0)
        return [*found, answers]

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not read rows."""
        return ()


def _is_of_this_machine(request: HttpRequest) -> bool:
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _sandboxes() -> Iterator[Metric]:
    present = load.load()
    states = GaugeMetricFamily(
        "muster_sandboxes", "Sandboxes that hold or will hold machines.", labels=["state"]
    )
    for state, number in present.by_state.items():
        states.add_metric([state.lower()], number)
    yield states
    yield GaugeMetricFamily(
        "muster_queue_length", "Sandboxes that wait to be started.", value=present.queued
    )
    yield GaugeMetricFamily(
        "muster_queue_oldest_seconds",
        "How long the one has waited that has waited longest.",
        value=present.longest_wait.total_seconds(),
    )
    yield GaugeMetricFamily(
        "muster_sandboxes_paused", "Running sandboxes that nobody is at.", value=present.paused
    )
    yield GaugeMetricFamily(
        "muster_spares", "Sandboxes made ahead of a launch.", value=present.spares
    )
    for name, text, megabytes in (
        ("reserved", "Memory that everything with machines may take.", present.reserved_mb),
        ("promised", "Memory that launches under way will take.", present.promised_mb),
    ):
        yield GaugeMetricFamily(f"muster_memory_{name}_bytes", text, value=megabytes * MEBIBYTE)


def _launches() -> Iterator[Metric]:
    counted = CounterMetricFamily(
        "muster_launches", "Launches that ended well or badly.", labels=["outcome", "reason"]
    )
    lost = CounterMetricFamily(
        "muster_sandboxes_lost", "Sandboxes that failed after they had run.", labels=["reason"]
    )
    # A known reason begins at zero: a first failure must be an increase, not a new series.
    failed = dict.fromkeys(reasons.MEANINGS.keys() - reasons.AFTER_A_START, 0)
    gone = dict.fromkeys(reasons.AFTER_A_START, 0)
    for failure in launches.failures():
        (gone if failure.had_started else failed)[failure.reason] = failure.number
    counted.add_metric(["started", ""], launches.started())
    for reason, number in sorted(failed.items()):
        counted.add_metric(["failed", reason], number)
    for reason, number in sorted(gone.items()):
        lost.add_metric([reason], number)
    refused = CounterMetricFamily(
        "muster_launches_refused", "Launches that were refused.", labels=["reason"]
    )
    known = dict.fromkeys(reasons.REFUSALS, 0)
    known |= {tally.reason: tally.number for tally in refusal_tallies()}
    for reason, number in sorted(known.items()):
        refused.add_metric([reason], number)
    yield from (counted, lost, refused)
    took = launches.histogram(LAUNCH_BOUNDS)
    buckets = [(str(bound), float(number)) for bound, number in took.counts.items()]
    yield HistogramMetricFamily(
        "muster_launch_seconds",
        "What the engine took from the first step to machines that answer.",
        buckets=[*buckets, ("+Inf", float(took.number))],
        sum_value=took.seconds,
    )


def _machines() -> Iterator[Metric]:
    family = CounterMetricFamily(
        "muster_machine_troubles", "What befell machines of sandboxes.", labels=["kind"]
    )
    told = Event.objects.filter(kind__in=MACHINE_KINDS).order_by().values_list("kind")
    numbers = dict(told.annotate(number=Count("pk")))
    for kind in MACHINE_KINDS:
        family.add_metric([kind.removeprefix("sandbox.")], numbers.get(kind, 0))
    yield family


def _attempts() -> Iterator[Metric]:
    family = GaugeMetricFamily("muster_attempts", "Attempts by state.", labels=["state"])
    numbers = dict(Attempt.objects.order_by().values_list("state").annotate(number=Count("pk")))
    for state in Attempt.State:
        family.add_metric([state.lower()], numbers.get(state, 0))
    yield family


def _hints() -> Iterator[Metric]:
    """Count hints as the timeline tells of them: range/ knows no tutor, only its events."""
    asked = CounterMetricFamily("muster_hints_asked", "Hints that trainees asked for.")
    answered = CounterMetricFamily(
        "muster_hints_answered", "Hints answered, by whose words they are.", labels=["mode"]
    )
    groups = (
        Event.objects.filter(kind__in=(HINT_ASKED, HINT_ANSWERED))
        .values("kind", mode=KeyTextTransform("mode", "content__body"))
        .annotate(number=Count("pk"))
        .order_by("kind", "mode")
    )
    total = 0
    for group in groups:
        if group["kind"] == HINT_ANSWERED:
            answered.add_metric([group["mode"] or "unknown"], group["number"])
        else:
            total += group["number"]
    asked.add_metric([], total)
    yield from (asked, answered)


def _machine() -> Iterator[Metric]:
    memory = room.memory()
    for name, text, megabytes in (
        ("total", "Memory of this machine.", memory.total_mb),
        ("available", "Memory that programs can take without swapping.", memory.available_mb),
        ("kept", "Memory that launches leave to the host.", memory.kept_mb),
    ):
        if megabytes is not None:
            yield GaugeMetricFamily(f"muster_memory_{name}_bytes", text, value=megabytes * MEBIBYTE)
    free = GaugeMetricFamily("muster_disk_free_bytes", "Disk that is free.", labels=["place"])
    used = GaugeMetricFamily("muster_disk_used_bytes", "Disk in use.", labels=["place"])
    for disk in room.disks():
        if disk.known:
            free.add_metric([disk.place], disk.free_bytes)
            used.add_metric([disk.place], disk.used_bytes)
    yield from (free, used)


def _roles() -> Iterator[Metric]:
    known = status.read(settings.RANGE_STATE_DIR)
    yield GaugeMetricFamily(
        "muster_supervisor_up", "Whether a supervisor watches the roles.", value=known.supervised
    )
    up = GaugeMetricFamily("muster_role_up", "Whether a role does its work.", labels=["role"])
    restarts = CounterMetricFamily(
        "muster_role_restarts", "How often a role ended by itself.", labels=["role"]
    )
    for role in known.roles:
        up.add_metric([role.name], known.supervised and role.healthy)
        restarts.add_metric([role.name], role.restarts)
    yield from (up, restarts)
