"""What each reason of a failure, trouble or refusal means to an operator, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A reason in words.

    Args:
        advice: What to do, in one sentence.
    """

    what: str
    advice: str


_LOG = "The reconciler's log, var/log/reconciler.log, has the details."

MEANINGS = {
    "capacity": Meaning(
        what="No network address, memory or disk was left for another sandbox.",
        advice="Wait for sandboxes to end, free some disk, or widen RANGE_NETWORK_POOL.",
    ),
    "image-missing": Meaning(
        what="The image of a machine is not in the engine any more.",
        advice="Build it again: manage.py run_builder --once and the scenario's name.",
    ),
    "images-not-ready": Meaning(
        what="The scenario's images were still being built.",
        advice="See whether the builder runs, and var/log/builder.log.",
    ),
    "setup-failed": Meaning(
        what="A set-up command of a machine ended with an error.",
        advice="Verify the scenario: manage.py verify_scenarios and its name.",
    ),
    "exited": Meaning(
        what="A machine's start command ended at once.",
        advice="Verify the scenario: manage.py verify_scenarios and its name.",
    ),
    "unhealthy": Meaning(
        what="A machine started, and did not serve in time.",
        advice="Verify the scenario; if all are affected, the machine is too busy.",
    ),
    "deadline": Meaning(
        what="The launch as a whole took longer than RANGE_LAUNCH_DEADLINE_SECONDS.",
        advice="The machine is too busy: start fewer at a time with RANGE_LAUNCH_CONCURRENCY.",
    ),
    "engine-down": Meaning(
        what="The container engine did not answer.",
        advice="Start the engine, then ask manage.py doctor.",
    ),
    "engine": Meaning(what="The container engine refused the launch.", advice=_LOG),
    "runtime-missing": Meaning(
        what="The engine does not know the runtime that RANGE_STRONGER_RUNTIME names.",
        advice="Name it in the engine's settings, or leave the setting empty; then ask the doctor.",
    ),
    "unsafe-topology": Meaning(
        what="The scenario asks for rights that no sandbox gets.",
        advice="Its author finds what it is with manage.py check_scenarios.",
    ),
    "scenario-broken": Meaning(
        what="The published version lacks a file or an image.",
        advice="Publish the scenario again: manage.py publish_scenarios.",
    ),
    "template": Meaning(
        what="A text of the scenario could not be filled in.",
        advice="Its author finds the place with manage.py check_scenarios.",
    ),
    "unprotected": Meaning(
        what="This machine would not be closed to sandboxes: a filter or a probe says so.",
        advice="manage.py doctor says what is missing, with --probe what is open.",
    ),
    "firewall": Meaning(
        what="The host's packet filter could not be set.",
        advice="manage.py doctor says what is missing.",
    ),
    "internal": Meaning(what="A fault in the range itself; it has been logged.", advice=_LOG),
    "lost": Meaning(
        what="Machines that ran are gone: the engine was restarted, or somebody removed them.",
        advice="See the engine's own log; live-restore keeps machines over its restart.",
    ),
}
REFUSALS = {
    "capacity": Meaning(
        what="There was not enough memory for another sandbox.",
        advice="Wait for sandboxes to end, let fewer be open at a time, or add memory.",
    ),
    "quota": Meaning(
        what="The trainee had as many sandboxes as RANGE_SANDBOXES_PER_TRAINEE allows.",
        advice="Nothing, unless trainees need more at a time.",
    ),
    "image-pending": Meaning(
        what="The scenario was still being prepared.",
        advice="See whether the builder runs, and var/log/builder.log.",
    ),
    "image-failed": Meaning(
        what="The scenario's machines could not be prepared.",
        advice="See var/log/builder.log, then build again: manage.py run_builder --once and the "
        "scenario's name.",
    ),
}
# By the event's kind, and where it tells one by its reason.
TROUBLES = {
    "sandbox.machine_died": Meaning(
        what="A machine ended by itself, or somebody inside ended it.",
        advice="Its trainee can reset it. If many do, verify the scenario.",
    ),
    "sandbox.machine_died out-of-memory": Meaning(
        what="A machine ended because it ran out of memory.",
        advice="Its trainee can reset it. If many do, its author raises memory_mb.",
    ),
    "sandbox.out_of_memory": Meaning(
        what="A machine reached its limit of memory, and programs in it were ended.",
        advice="If it happens to many, the scenario's author raises memory_mb.",
    ),
    "sandbox.disk_low": Meaning(
        what="A machine has written four fifths of what it may.",
        advice="Its trainee was told. If many get there, the scenario's author raises disk_mb.",
    ),
    "sandbox.disk_full": Meaning(
        what="A machine wrote all it may, and was stopped.",
        advice="Its trainee can reset it. If many get there, the scenario's author raises disk_mb.",
    ),
    "sandbox.machine_reset_failed": Meaning(
        what="A machine could not be replaced by a fresh one.",
        advice=_LOG,
    ),
}
# Of machines that had run; every other reason is one of machines that never came up.
AFTER_A_START = frozenset({"lost"})
UNKNOWN = Meaning(what="A reason this page has no words for.", advice=_LOG)


def meaning(reason: str) -> Meaning:
    """Return what a reason means; an unknown one leads to the log."""
    return MEANINGS.get(reason, UNKNOWN)


def of_refusal(reason: str) -> Meaning:
    """Return what a refused launch means."""
    return REFUSALS.get(reason, UNKNOWN)


def of_machine(kind: str, reason: str) -> Meaning:
    """Return what an event of a machine means."""
    return TROUBLES.get(f"{kind} {reason}") or TROUBLES.get(kind, UNKNOWN)
