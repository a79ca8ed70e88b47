"""Writes attempts as one signed file that anybody can verify offline with the public keys."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from django.utils import timezone

from range.accounts.models import User
from range.assessment.evidence import evidence_of, record_of
from range.assessment.models import Evidence, Grade
from range.assessment.provenance import problems_of
from range.exercises.models import Attempt
from range.lib.errors import RangeError
from range.pipeline.log import read_log
from range.pipeline.sets import current
from range.timeline import tombstones
from range.timeline.models import Event
from range.timeline.services import GENESIS, events_of

FORMAT = "muster evidence 1"
SIGNATURE_BYTES = 64
# Talk between a trainee, the tutor and instructors is not an agency's to read. Its digests stay.
TALK = (
    "console.message",
    "exercise.message",
    "hint.answered",
    "hint.asked",
    "hint.given",
    "message.sent",
)
README = """\
Evidence of a cyber range, signed by it.

manifest.json     what is in this file, and for each attempt how many events and records
                  there are and the hash that ends its chain
attempts/         for each attempt its events and its evidence, in order
estimates.json    skill estimates that follow from the evidence, with every constant used

Whether every byte is as it was signed, anybody can tell without this range:

    python3 verify_evidence.py THIS_FILE keys.json

The program is a hundred lines; take it and the public keys from the range itself, never from
the sender of this file. The pages are named /evidence/verify_evidence.py and
/evidence/keys.json there. This is an evidence report, not a certification.
"""


class ExportRefused(RangeError):
    """The range does not sign this; the message says why."""


def evidence_file(
    attempts: Sequence[Attempt], *, person: User, with_talk: bool, with_estimates: bool
) -> bytes:
    """Return the signed file of some attempts of one person.

    Args:
        with_talk: Whether questions, hints and messages are told in words.
        with_estimates: Whether skill estimates from all evidence stand beside it.

    Raises:
        ExportRefused: The evidence does not verify here already, so nobody should be told so.
        KeyringBroken: Nothing can be signed.
    """
    told: dict[str, object] = {}
    files: dict[str, bytes] = {"README.txt": README.encode()}
    for attempt in attempts:
        held = _attempt(attempt, with_talk=with_talk)
        files[f"attempts/{attempt.pk}.json"] = _json(held)
        told[str(attempt.pk)] = {
            "events": len(held["events"]),
            "evidence": len(held["evidence"]),
            "head": held["events"][-1]["hash"] if held["events"] else GENESIS,
        }
    if with_estimates:
        files["estimates.json"] = _json(_estimates(person))
    manifest = {
        "format": FORMAT,
        "person": {"id": str(person.pk), "name": person.shown_name},
        "attempts": told,
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in files.items()},
    }
    return sealed({"manifest.json": _json(manifest), **files})


def sealed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip that ends in a signature over every byte before it."""
    ring = tombstones.keys()
    at = timezone.now().astimezone(UTC).isoformat(timespec="microseconds")
    seal = f"muster-evidence-1 {ring.active.id} {at} ".encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
        # The comment is the end of the file; its length is signed with everything before it.
        archive.comment = seal + bytes(SIGNATURE_BYTES)
    data = written.getvalue()[:-SIGNATURE_BYTES]
    return data + ring.sign(data)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _attempt(attempt: Attempt, *, with_talk: bool) -> dict[str, list[dict[str, object]]]:
    if problems := problems_of(attempt):
        raise ExportRefused(
            f"The evidence of attempt {attempt.pk} does not verify: {problems[0]}. The range "
            "signs only what it can vouch for; ask whoever runs it.",
            reason="export-unverified",
            status=409,
        )
    rows = list(evidence_of(attempt).select_related("attempt__exercise__version", "content"))
    if any(not row.content_sha256 for row in rows):
        raise ExportRefused(
            f"Attempt {attempt.pk} was recorded before evidence could be handed on.",
            reason="export-too-old",
            status=409,
        )
    version = attempt.exercise.version
    about: dict[str, object] = {
        "scenario": version.scenario.slug,
        "title": version.scenario.title,
        "version": version.version,
        "digest": version.digest,
        "mode": attempt.exercise.policy,
        "started_at": _moment(attempt.started_at),
        "finished_at": _moment(attempt.finished_at),
    }
    return {
        "about": [about],
        "events": [_event(event, with_talk=with_talk) for event in events_of(attempt.pk)],
        "evidence": [_evidence(row) for row in rows],
        "grades": [_grade(row) for row in Grade.objects.filter(attempt=attempt).order_by("at")],
    }


def _event(event: Event, *, with_talk: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "seq": event.seq,
        "at": _moment(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "payload_sha256": event.payload_sha256,
        "hash": event.hash,
    }
    if event.content.erased_at is not None:
        return told | {"payload": {}, "tombstone": event.content.tombstone}
    if event.kind in TALK and not with_talk:
        return told
    return told | {"payload": event.payload}


def _evidence(row: Evidence) -> dict[str, object]:
    told: dict[str, object] = {"record": record_of(row), "sha256": row.sha256}
    if row.content.erased_at is not None:
        return told | {"content": {}, "tombstone": row.content.tombstone}
    return told | {"content": {"detail": row.detail, "excerpt": row.excerpt}}


def _grade(row: Grade) -> dict[str, object]:
    return {
        "at": _moment(row.at),
        "share": row.share,
        "passed": row.passed,
        "provisional": row.provisional,
        "grader_version": row.grader_version,
    }


def _estimates(person: User) -> dict[str, object]:
    as_of = timezone.now()
    log = read_log(person)
    estimate = log.estimate(as_of=as_of)
    return {
        "as_of": _moment(as_of),
        "parameters": asdict(current()),
        "digest": estimate.digest(),
        "skills": [
            {
                "skill": each.skill,
                "mean": each.mean,
                "sd": each.sd,
                "low80": each.low,
                "high80": each.high,
                "checks": each.tally.checks,
                "scenarios": each.tally.scenarios,
                "with_hints": each.tally.hinted,
            }
            for each in log.standings(as_of=as_of)
        ],
        "observations": list(_observations(log.observations)),
    }


def _observations(observations: Iterable[object]) -> Iterable[dict[str, object]]:
    for each in observations:
        fields = asdict(each)  # type: ignore[call-overload]
        yield fields | {"at": _moment(fields["at"])}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
