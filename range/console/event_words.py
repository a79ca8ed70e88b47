"""Puts events of the timeline into words for people who replay an attempt."""

from collections.abc import Iterator, Mapping

from range.timeline.models import Event

_LABELS = {
    "attempt.begun": "Attempt begun",
    "attempt.finished": "Attempt finished",
    "attempt.graded": "Graded",
    "hint.answered": "Hint answered",
    "hint.asked": "Hint asked for",
    "hint.given": "Hint given",
    "hint.unlocked": "Rung of help unlocked",
    "integrity.foreign_flag": "A flag of another attempt was handed in",
    "review.decided": "An instructor decided",
    "sandbox.disk_full": "A machine was stopped",
    "sandbox.disk_low": "A machine's disk is nearly full",
    "sandbox.expiring": "Time runs out soon",
    "sandbox.extended": "Time extended",
    "sandbox.failed": "The sandbox did not start",
    "sandbox.lost": "The sandbox was lost",
    "sandbox.machine_died": "A machine ended unexpectedly",
    "sandbox.machine_reset": "A machine was reset",
    "sandbox.machine_reset_asked": "Reset of a machine asked for",
    "sandbox.machine_reset_failed": "A machine could not be reset",
    "sandbox.out_of_memory": "A machine ran out of memory",
    "sandbox.paused": "Machines paused",
    "sandbox.requested": "Sandbox asked for",
    "sandbox.reset": "Machines reset",
    "sandbox.resumed": "Machines resumed",
    "sandbox.running": "Sandbox ready",
    "sandbox.stop": "Stop asked for",
    "sandbox.stopped": "Sandbox stopped",
    "submission.accepted": "Answer accepted",
    "submission.refused": "Answer not accepted",
}
_OUTCOMES = {
    "MET": "Check met",
    "UNMET": "Check not met",
    "INCONCLUSIVE": "Check could not be judged",
}


def label(event: Event) -> str:
    """Return what happened; for a command, what was typed."""
    kind, payload = event.kind, event.payload
    if kind == "console.command":
        return str(payload.get("text", "A command whose text was erased"))
    if kind == "evidence.recorded":
        return _OUTCOMES.get(str(payload.get("outcome")), "Check judged")
    return _LABELS.get(kind) or kind.replace(".", " ").replace("_", " ").capitalize()


def note(event: Event, titles: Mapping[str, str]) -> str:
    """Return what belongs to it: the machine and how it ended, or the objective, check and rung.

    Args:
        titles: Titles of objectives by their key.
    """
    if event.kind != "console.command":
        return ", ".join(_facts(event.payload, titles))
    code = event.payload.get("exit")
    ended = "exit code unknown" if code is None else f"exit code {code}"
    return f"{event.payload.get('machine', '')}, {'succeeded' if code == 0 else ended}"


def _facts(payload: Mapping[str, object], titles: Mapping[str, str]) -> Iterator[str]:
    if machine := payload.get("machine"):
        # The replay is the trainee's too: it must not tell what the scenario hides.
        yield "a part of the scenario" if payload.get("hidden") else str(machine)
    if (code := payload.get("exit_code")) is not None:
        yield f"exit code {code}"
    if (rung := payload.get("rung")) is not None:
        yield f"rung {rung}"
    if check := payload.get("check"):
        yield str(check).replace("-", " ").replace("_", " ")
    if key := payload.get("objective"):
        yield titles.get(str(key), str(key))
    reason = str(payload.get("reason") or "")
    # That something was met is what the label says already.
    if reason and "outcome" not in payload:
        yield reason.replace("-", " ").replace("_", " ")
