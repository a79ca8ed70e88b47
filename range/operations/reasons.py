"""What each reason of a failed sandbox means to an operator, and what to do about it."""

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
# Of machines that had run; every other reason is one of machines that never came up.
AFTER_A_START = frozenset({"lost"})
UNKNOWN = Meaning(what="A reason this page has no words for.", advice=_LOG)


def meaning(reason: str) -> Meaning:
    """Return what a reason means; an unknown one leads to the log."""
    return MEANINGS.get(reason, UNKNOWN)
