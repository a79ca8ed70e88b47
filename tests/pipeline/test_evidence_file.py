"""Evidence that leaves the range verifies anywhere, and nothing tampered with ever does."""

import base64
import collections
import io
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.urls import reverse

from range.accounts.models import AccessRecord, Consent
from range.assessment.provenance import erase_payloads
from range.lib import signing
from range.pipeline.exports import verify_evidence
from range.pipeline.exports.evidence_file import evidence_file, sealed
from range.pipeline.exports.verify_evidence import verify
from range.pipeline.log import read_log
from range.timeline import tombstones
from range.timeline.services import record
from tests.pipeline import tampering

pytestmark = pytest.mark.django_db
SAMPLE, ALL = 400, 10_000


@pytest.fixture
def two_attempts(publish, finished, judged, trainee, starter, state_dir):
    """Two graded attempts with help, typed commands, misses and an excerpt that is not ASCII."""
    made = []
    for number in range(2):
        attempt = finished(trainee, publish(f"yard-{number}"))
        record(attempt.pk, kind="attempt.begun", actor="range", payload={"épreuve": 1})
        record(attempt.pk, kind="console.command", actor="trainee:1", payload={"text": "id"})
        record(attempt.pk, kind="hint.asked", actor="trainee:1", payload={"question": "How?"})
        judged(attempt, "gain", "flag", kind="flag", excerpt="found ✓ <b>", detail={"tries": 2})
        judged(attempt, "mend", "gone", outcome="UNMET", hint_rung=2)
        judged(attempt, "mend", "kept")
        made.append(attempt)
    return made


def export(attempts, trainee, **options):
    known = {"person": trainee, "with_talk": True, "with_estimates": True}
    return evidence_file(attempts, **(known | options))


def keys():
    return tombstones.keys().listed()


def test_what_the_range_signs_verifies(two_attempts, trainee):
    data = export(two_attempts, trainee)
    told = verify(data, keys())
    assert set(told["attempts"]) == {str(each.pk) for each in two_attempts}
    assert {each["evidence"] for each in told["attempts"].values()} == {3}
    assert told["person"]["name"] == trainee.shown_name


def test_it_verifies_alone_with_nothing_but_python(two_attempts, trainee, tmp_path):
    program = tmp_path / "alone" / "verify_evidence.py"
    program.parent.mkdir()
    program.write_bytes(Path(verify_evidence.__file__).read_bytes())
    assert len(program.read_text().splitlines()) <= 100
    (tmp_path / "keys.json").write_text(json.dumps(keys()))
    (tmp_path / "file.zip").write_bytes(export(two_attempts, trainee))
    argv = [sys.executable, "-I", "-S", str(program), "file.zip", "keys.json"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in done.stdout
    (tmp_path / "file.zip").write_bytes(export(two_attempts, trainee)[:-1])
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "NOT VERIFIED" in done.stderr


def test_ten_thousand_tampers_and_none_passes(two_attempts, trainee):
    """A seeded sample by default; MUSTER_TEST_FULL tries all ten thousand."""
    state = tombstones.keys().folder.parent
    retired = tombstones.keys().private_key()
    old_id = tombstones.keys().active.id
    signing.rotate(state)
    stranger = Ed25519PrivateKey.generate()
    stranger_id = signing.key_id(stranger.public_key().public_bytes_raw())
    data, other = (export(each, trainee) for each in (two_attempts, two_attempts[:1]))
    trusted = keys()
    verify(data, trusted)
    verify(other, trusted)
    tamperer = tampering.Tamperer(
        data,
        other,
        key_id=tombstones.keys().active.id,
        sign_as_stranger=lambda message: (stranger_id, stranger.sign(message)),
        sign_as_retired=lambda message: (old_id, retired.sign(message)),
    )
    drawn = random.Random(20261126)
    tried, passed = collections.Counter(), []
    for _ in range(ALL if os.environ.get("MUSTER_TEST_FULL") else SAMPLE):
        kind, made = tamperer.draw(drawn)
        tried[kind] += 1
        try:
            verify(made, trusted)
        except Exception:
            continue
        passed.append(kind)
    print(f"\n{sum(tried.values())} tampers of {len(tried)} kinds: {len(passed)} passed")
    assert passed == []
    assert len(tried) == len(tamperer.kinds)


def resigned(data, change):
    """A file in which something was changed and which the range itself signed all the same."""
    files = tampering.files_of(data)
    path = next(name for name in files if name.startswith("attempts/"))
    held = json.loads(files[path])
    change(held)
    files[path] = json.dumps(held).encode()
    return sealed(tampering.with_manifest(files))


@pytest.mark.parametrize(("change", "says"), [
    (lambda held: held["events"][1].update(actor="range"), "broken at event 2"),
    (lambda held: held["events"].pop(1), "broken at event 2"),
    (lambda held: held["events"].reverse(), "broken at event 1"),
    (lambda held: held["events"].insert(1, held["events"][0]), "broken at event 2"),
    (lambda held: held["events"][0].update(payload={}), "was not recorded"),
    (lambda held: held["events"].pop(), "not what its events recorded"),
    (lambda held: held["evidence"].pop(), "not what its events recorded"),
    (lambda held: held["evidence"].append(held["evidence"][0]), "not what its events recorded"),
    (lambda held: held["evidence"][1]["record"].update(outcome="MET"), "record was changed"),
    (lambda held: held["evidence"][0]["content"].update(excerpt="x"), "was not recorded"),
    (lambda held: held["evidence"][0].update(tombstone={}), "tombstone"),
])  # fmt: skip
def test_even_a_careless_signer_is_found_out(two_attempts, trainee, change, says):
    with pytest.raises(ValueError, match=says):
        verify(resigned(export(two_attempts, trainee), change), keys())


def test_a_manifest_that_counts_wrongly_is_found_out(two_attempts, trainee):
    files = tampering.files_of(export(two_attempts, trainee))
    manifest = json.loads(files["manifest.json"])
    manifest["attempts"][str(two_attempts[0].pk)]["events"] += 1
    files["manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(ValueError, match="tells of other events"):
        verify(sealed(files), keys())


def test_files_from_before_a_rotation_still_verify_and_unknown_keys_never_do(
    two_attempts, trainee, tmp_path
):
    data = export(two_attempts, trainee)
    signing.rotate(tombstones.keys().folder.parent)
    verify(data, keys())
    verify(export(two_attempts, trainee), keys())
    with pytest.raises(ValueError, match="not among the keys you trust"):
        verify(data, signing.keyring(tmp_path / "another").listed())
    distrusted = {"keys": keys()["keys"][1:]}
    with pytest.raises(ValueError, match="not among the keys you trust"):
        verify(data, distrusted)


def test_the_programs_arithmetic_agrees_with_that_of_a_library():
    drawn = random.Random(7)
    for length in (0, 1, 64, 1000):
        private = Ed25519PrivateKey.from_private_bytes(drawn.randbytes(32))
        message, now = drawn.randbytes(length), datetime.now(UTC).isoformat()
        public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        ring = {"k": {"public": public, "made_at": now, "retired_at": None}}
        good = private.sign(message)
        verify_evidence.check_signature(ring, "k", good, message, now)
        s = int.from_bytes(good[32:], "little") + verify_evidence.ORDER
        for bad in (
            good[:32] + s.to_bytes(32, "little"),  # the same number, one turn further
            bytes(32) + good[32:],
            good[:32] + bytes(32),
            good[:-1],
            good + b"\0",
            b"",
        ):
            with pytest.raises((ValueError, IndexError)):
                verify_evidence.check_signature(ring, "k", bad, message, now)


def test_what_was_erased_stays_verifiable_and_gone(two_attempts, trainee):
    erase_payloads(two_attempts[0], reason="over", actor="range")
    data = export(two_attempts, trainee)
    verify(data, keys())
    held = json.loads(tampering.files_of(data)[f"attempts/{two_attempts[0].pk}.json"])
    assert [row["content"] for row in held["evidence"]] == [{}, {}, {}]

    def swapped(held):
        rows = [row for row in held["evidence"] if "tombstone" in row]
        rows[0]["tombstone"], rows[1]["tombstone"] = rows[1]["tombstone"], rows[0]["tombstone"]

    with pytest.raises(ValueError, match="tombstone is not for"):
        verify(resigned(data, swapped), keys())


def test_the_range_signs_nothing_that_does_not_verify(two_attempts, trainee, judged):
    from range.assessment.models import Evidence
    from range.pipeline.exports.evidence_file import ExportRefused

    smuggled = Evidence.objects.get(attempt=two_attempts[0], check_id="gone")
    smuggled.pk, smuggled.outcome = None, "MET"
    smuggled._state.adding = True
    smuggled.save(force_insert=True)
    with pytest.raises(ExportRefused, match="does not verify"):
        export(two_attempts, trainee)


def test_estimates_in_the_file_follow_from_its_observations(two_attempts, trainee):
    from range.pipeline.estimate import Judge, Mode, Observation, replay
    from range.pipeline.parameters import ParameterSet

    told = json.loads(tampering.files_of(export(two_attempts, trainee))["estimates.json"])
    steps = tuple(told["parameters"].pop("difficulty_steps"))
    observations = [
        Observation(**{**each, "at": datetime.fromisoformat(each["at"]),
                       "skills": tuple(map(tuple, each["skills"])),
                       "judge": Judge(each["judge"]), "mode": Mode(each["mode"])})
        for each in told["observations"]
    ]  # fmt: skip
    again = replay(
        observations,
        parameters=ParameterSet(**told["parameters"], difficulty_steps=steps),
        as_of=datetime.fromisoformat(told["as_of"]),
    )
    assert again.digest() == told["digest"]
    assert [each["mean"] for each in told["skills"]] == list(again.mean)
    assert len(observations) == len(read_log(trainee).observations)


def fetch(client, viewer, name, *arguments):
    client.force_login(viewer)
    return client.get(reverse(name, args=arguments))


def test_the_owner_and_staff_take_it_along_and_the_owner_sees_who_did(
    client, two_attempts, trainee, instructor
):
    mine = fetch(client, trainee, "evidence-file", trainee.pk)
    assert mine["Content-Disposition"] == 'attachment; filename="evidence-tia.zip"'
    assert "no-store" in mine["Cache-Control"]
    assert len(verify(mine.content, keys())["attempts"]) == 2
    assert not AccessRecord.objects.exists()
    one = fetch(client, instructor, "attempt-file", two_attempts[0].pk)
    assert len(verify(one.content, keys())["attempts"]) == 1
    assert "took along" in AccessRecord.objects.get(viewer=instructor, subject=trainee).what


def test_an_agency_gets_it_with_consent_and_without_the_talk(
    client, two_attempts, trainee, assessor, agency
):
    assert fetch(client, assessor, "evidence-file", trainee.pk).status_code == 404
    assert fetch(client, assessor, "attempt-file", two_attempts[0].pk).status_code == 404
    assert not AccessRecord.objects.exists()
    consent = Consent.objects.create(trainee=trainee, agency=agency)
    data = fetch(client, assessor, "evidence-file", trainee.pk).content
    verify(data, keys())
    held = json.loads(tampering.files_of(data)[f"attempts/{two_attempts[0].pk}.json"])
    carried = {event["kind"]: "payload" in event for event in held["events"]}
    assert carried["hint.asked"] is False
    assert carried["console.command"] is True
    assert AccessRecord.objects.get().viewer == assessor
    consent.delete()
    assert fetch(client, assessor, "evidence-file", trainee.pk).status_code == 404


def test_an_attempt_under_way_and_nothing_at_all_are_not_handed_out(
    client, trainee, publish, finished, state_dir
):
    open_one = finished(trainee, publish(), state="ACTIVE")
    assert fetch(client, trainee, "attempt-file", open_one.pk).status_code == 404
    assert fetch(client, trainee, "evidence-file", trainee.pk).status_code == 404


def test_keys_and_program_are_there_for_everybody(client, state_dir):
    served = client.get(reverse("evidence-keys")).json()
    assert served == keys()
    assert "private" not in str(served)
    assert client.get(reverse("verify-program")).content.startswith(b'"""Verifies')


def test_the_commands_verify_and_rotate(two_attempts, trainee, tmp_path):
    out, path = io.StringIO(), tmp_path / "file.zip"
    path.write_bytes(export(two_attempts, trainee))
    call_command("verify_evidence", str(path), stdout=out)
    assert "VERIFIED: 2 attempts of tia" in out.getvalue()
    call_command("evidence_keys", rotate=True, stdout=(listed := io.StringIO()))
    assert json.loads(listed.getvalue()) == keys()
    (tmp_path / "keys.json").write_text(listed.getvalue())
    call_command("verify_evidence", str(path), keys=tmp_path / "keys.json", stdout=out)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CommandError, match="NOT VERIFIED"):
        call_command("verify_evidence", str(path))
    with pytest.raises(CommandError, match="NOT VERIFIED"):
        call_command("verify_evidence", str(tmp_path / "none.zip"))
    call_command("verify_evidence", stdout=out)
    assert "VERIFIED: 2 attempts." in out.getvalue()
