"""Puts events of the timeline into words for people who replay an attempt."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from range.timeline.models import Event

_LABELS = {
    "alignment.approved": "Alignment approved",
    "alignment.proposed": "Alignment proposed",
    "alignment.rejected": "Alignment rejected",
    "alignment.undone": "Decision on an alignment undone",
    "attempt.begun": "Attempt begun",
    "attempt.finished": "Attempt finished",
    "attempt.graded": "Graded",
    "console.closed": "Terminal closed",
    "console.handed_back": "The keys were given back",
    "console.looked_at": "Somebody looked at the screen",
    "console.message": "A message from an instructor",
    "console.opened": "Terminal opened",
    "console.taken_over": "Somebody took over the terminal",
    "console.typed_along": "Somebody began to type along",
    "cohort.archived": "Cohort archived",
    "cohort.imported": "People added from a file",
    "cohort.invitation_revoked": "Invitation link withdrawn",
    "cohort.invited": "Invitation link made",
    "cohort.joined": "Joined the cohort",
    "cohort.left": "Left the cohort",
    "cohort.made": "Cohort made",
    "cohort.renamed": "Cohort renamed",
    "cohort.restored": "Cohort restored",
    "draft.archived": "Draft archived",
    "draft.made": "Draft begun",
    "draft.published": "Draft published",
    "draft.restored": "Earlier revision restored",
    "draft.not_verified": "Verification showed something else than it should",
    "draft.taken_up": "Draft taken up again",
    "draft.tried": "Draft tried in a sandbox",
    "draft.verification_asked": "Verification asked for",
    "draft.verified": "Draft verified",
    "evidence.overruled": "An instructor overruled a check",
    "exercise.assigned": "Exercise assigned",
    "exercise.broadcast": "Message to everybody",
    "exercise.changed": "Exercise changed before it opened",
    "exercise.closed": "Exercise closed",
    "exercise.extended": "End of the exercise moved",
    "exercise.extended_for": "End of the exercise moved for one trainee",
    "exercise.message": "Message to one trainee",
    "hint.answered": "Hint answered",
    "hint.asked": "Hint asked for",
    "hint.given": "Hint given",
    "hint.noted": "An instructor looked into a hint",
    "hint.rated": "Hint judged",
    "hint.unlocked": "Rung of help unlocked",
    "impact.empty": "A report was tried: no two groups could be compared",
    "impact.made": "An adverse-impact report was made",
    "impact.off": "Adverse-impact reports were switched off",
    "impact.on": "Adverse-impact reports were switched on",
    "impact.read": "A report was read",
    "impact.taken": "A report was taken along",
    "integrity.foreign_flag": "A flag of another attempt was handed in",
    "knowledge.added": "Text given to the tutor",
    "knowledge.replaced": "Text of the tutor replaced",
    "knowledge.withdrawn": "Text of the tutor withdrawn",
    "message.sent": "Your instructor wrote",
    "payloads.erased": "What the record carried was erased",
    "person.deactivated": "Account closed",
    "person.password_reset": "One-time password given",
    "person.reactivated": "Account opened again",
    "review.corrected": "An instructor corrected a decision",
    "requirements.changed": "What a work role asks was changed",
    "review.decided": "An instructor decided",
    "appeal.raised": "Evidence was contested",
    "appeal.answered": "An instructor answered what was contested",
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
    "sandbox.refused": "A launch was refused",
    "sandbox.requested": "Sandbox asked for",
    "sandbox.reset": "Machines reset",
    "sandbox.resumed": "Machines resumed",
    "sandbox.running": "Sandbox ready",
    "sandbox.stop": "Stop asked for",
    "sandbox.stopped": "Sandbox stopped",
    "scenario.not_verified": "Verification showed something else than it should",
    "scenario.offered_again": "Scenario offered again",
    "scenario.published": "Scenario published",
    "scenario.retired": "Scenario retired",
    "scenario.verification_asked": "Verification asked for",
    "scenario.verified": "Scenario verified",
    "submission.accepted": "Answer accepted",
    "submission.refused": "Answer not accepted",
    "tutor.settings_changed": "The tutor's settings changed",
    "view.opened": "Web page opened",
}
# What a step of a sandbox's life came of; where the label says it all, nothing is added.
_REASONS = {
    "asked": "",
    "by-instructor": "by the instructor",
    "capacity": "no room was left",
    "deadline": "it took too long",
    "disk-full": "its disk is full",
    "disk-low": "",
    "ended": "",
    "engine": "the engine refused it",
    "engine-down": "the engine did not answer",
    "exited": "a machine's start command ended at once",
    "finished": "the attempt was finished",
    "firewall": "the host could not be closed to it",
    "fresh-machines": "fresh machines",
    "healthy": "every machine answers",
    "idle": "nobody was there",
    "image-failed": "the scenario's machines could not be prepared",
    "image-missing": "the image of a machine was gone",
    "image-pending": "the scenario was still being prepared",
    "images-not-ready": "the scenario was still being prepared",
    "internal": "a fault of the range",
    "launch": "first machines",
    "lost": "its machines were gone",
    "memory-limit": "programs in it were ended",
    "out-of-memory": "it ran out of memory",
    "quota": "too many sandboxes at a time",
    "reset": "fresh machines follow",
    "scenario-broken": "a file or image of the scenario was missing",
    "setup-failed": "a set-up command of a machine failed",
    "somebody-came": "somebody came back",
    "stopped": "as asked",
    "template": "a text of the scenario could not be filled in",
    "time-nearly-over": "",
    "time-over": "the time was over",
    "unhealthy": "a machine did not answer in time",
    "unprotected": "the host was not closed to it",
    "runtime-missing": "the engine does not know the stronger runtime that the range names",
    "unsafe-topology": "the scenario asks for rights that no sandbox gets",
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
        return ", ".join((*_place(event.payload), *_facts(event.payload, titles)))
    code = event.payload.get("exit")
    ended = "exit code unknown" if code is None else f"exit code {code}"
    typed_by = "".join(f", typed with {name}" for name in _names(event.payload.get("typed_by")))
    return f"{event.payload.get('machine', '')}, {'succeeded' if code == 0 else ended}{typed_by}"


def details(event: Event) -> str:
    """Return what belongs to an event of a sandbox but for the machine."""
    return ", ".join(_facts(event.payload, {}))


def _place(payload: Mapping[str, object]) -> Iterator[str]:
    if machine := payload.get("machine"):
        # The replay is the trainee's too: it must not tell what the scenario hides.
        beside = str(payload.get("console") or "main")
        name = f"{machine} {beside}" if beside != "main" else str(machine)
        yield "a part of the scenario" if payload.get("hidden") else name


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _facts(payload: Mapping[str, object], titles: Mapping[str, str]) -> Iterator[str]:
    if payload.get("wall"):
        yield "small on a wall"
    if person := payload.get("person"):
        yield str(person)
    if "person" in payload and (text := payload.get("text")):
        yield f"“{text}”"
    # What an instructor wrote to one trainee or to all of them, and how a cohort is called.
    if ("to" in payload or "people" in payload) and (text := payload.get("text")):
        yield f"“{text}”"
    if changed := _names(payload.get("settings")):
        yield ", ".join(name.replace("_", " ") for name in changed)
    if name := payload.get("name"):
        yield f"“{name}”"
    if (code := payload.get("exit_code")) is not None:
        yield f"exit code {code}"
    if (rung := payload.get("rung")) is not None:
        yield f"rung {rung}"
    if rating := payload.get("rating"):
        yield str(rating).replace("_", " ")
    if check := payload.get("check"):
        yield str(check).replace("-", " ").replace("_", " ")
    if key := payload.get("objective"):
        yield titles.get(str(key), str(key))
    reason = str(payload.get("reason") or "")
    # That something was met is what the label says already.
    if reason and "outcome" not in payload and (words := reason_words(reason)):
        yield words
    yield from _measures(payload)


def reason_words(reason: str) -> str:
    """Return what a step came of; empty where its label says it all."""
    return _REASONS.get(reason, reason.replace("-", " ").replace("_", " "))


def _measures(payload: Mapping[str, object]) -> Iterator[str]:
    """Yield until when, how long and how much, where an event tells."""
    until, minutes, took = (payload.get(key) for key in ("until", "minutes", "milliseconds"))
    if isinstance(until, str) and (moment := _moment(until)):
        yield f"until {moment:%H:%M} UTC"
    if isinstance(minutes, int):
        yield f"for {minutes} min"
    if isinstance(took, int):
        yield f"after {took / 1000:.1f} s"
    used, limit = payload.get("disk_bytes"), payload.get("limit_bytes")
    if isinstance(used, int) and isinstance(limit, int):
        yield f"{used >> 20} of {limit >> 20} MB written"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
