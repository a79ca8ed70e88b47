"""Ways to tamper with a signed evidence file, each drawn with a seed; none may pass."""

import base64
import hashlib
import io
import json
import warnings
import zipfile

from range.timeline.canonical import digest
from range.timeline.services import GENESIS

SEAL, SIGNATURE = 132, 64


def files_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist()}


def packed(files, seal, *, names=None):
    """A zip like the range's own, ending in the seal given."""
    written = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo((names or {}).get(name, name)), body)
        archive.comment = seal
    return written.getvalue()


def with_manifest(files):
    """The files with a manifest that fits them again."""
    manifest = json.loads(files["manifest.json"])
    rest = {name: body for name, body in files.items() if name != "manifest.json"}
    manifest["files"] = {name: hashlib.sha256(body).hexdigest() for name, body in rest.items()}
    for name in list(manifest["attempts"]):
        held = json.loads(rest[f"attempts/{name}.json"])
        manifest["attempts"][name] = {
            "events": len(held["events"]),
            "evidence": len(held["evidence"]),
            "head": held["events"][-1]["hash"] if held["events"] else GENESIS,
        }
    return {"manifest.json": json.dumps(manifest).encode(), **rest}


def rechained(name, held):
    """An attempt with every digest made to fit what it now says."""
    recorded = {row["record"]["id"]: row for row in held["evidence"]}
    for row in held["evidence"]:
        row["record"]["content_sha256"] = digest(row["content"])
        row["sha256"] = digest(row["record"])
    head = GENESIS
    for number, event in enumerate(held["events"], start=1):
        event["seq"] = number
        if event["kind"] == "evidence.recorded":
            event["payload"]["sha256"] = recorded[event["payload"]["evidence"]]["sha256"]
        if "payload" in event:
            event["payload_sha256"] = digest(event["payload"])
        said = [event["at"], event["kind"], event["actor"], event["payload_sha256"]]
        head = event["hash"] = digest([head, name, number, *said])
    return held


class Tamperer:
    """Knows a genuine file, another genuine one, a stranger's key and a retired key of the range.

    Args:
        sign_as_stranger, sign_as_retired: Take a message, return the key's id and a signature.
    """

    def __init__(self, data, other, *, key_id, sign_as_stranger, sign_as_retired):
        self.data, self.other, self.key_id = data, other, key_id
        self.sign_as_stranger, self.sign_as_retired = sign_as_stranger, sign_as_retired
        self.kinds = [
            getattr(self, name) for name in sorted(vars(Tamperer)) if name.startswith("try_")
        ]

    def draw(self, random):
        """One tampered file that is not the genuine one, and what was done to it."""
        while True:
            kind = random.choice(self.kinds)
            if (made := kind(random)) not in (self.data, self.other):
                return kind.__name__, made

    # --- bytes ---

    def try_bit_flip(self, random):
        at, bit = random.randrange(len(self.data)), 1 << random.randrange(8)
        return self.data[:at] + bytes([self.data[at] ^ bit]) + self.data[at + 1 :]

    def try_many_bit_flips(self, random):
        data = bytearray(self.data)
        for _ in range(random.randint(2, 40)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        return bytes(data)

    def try_truncation(self, random):
        return self.data[: random.randrange(len(self.data))]

    def try_truncation_with_the_seal_kept(self, random):
        return self.data[: random.randrange(len(self.data) - SEAL)] + self.data[-SEAL:]

    def try_something_appended(self, random):
        return self.data + random.randbytes(random.randint(1, 300))

    def try_something_before(self, random):
        return random.randbytes(random.randint(1, 300)) + self.data

    def try_a_piece_cut_out(self, random):
        begin = random.randrange(len(self.data) - 1)
        return self.data[:begin] + self.data[begin + random.randint(1, 500) :]

    def try_a_piece_twice(self, random):
        begin = random.randrange(len(self.data) - 1)
        piece = self.data[begin : begin + random.randint(1, 500)]
        return self.data[: begin + len(piece)] + piece + self.data[begin + len(piece) :]

    def try_a_piece_overwritten(self, random):
        begin, length = random.randrange(len(self.data)), random.randint(1, 64)
        noise = random.randbytes(min(length, len(self.data) - begin))
        return self.data[:begin] + noise + self.data[begin + len(noise) :]

    def try_another_files_seal(self, random):
        return self.data[:-SEAL] + self.other[-SEAL:]

    def try_another_files_signature(self, random):
        return self.data[:-SIGNATURE] + self.other[-SIGNATURE:]

    def try_another_moment(self, random):
        at = len(self.data) - SIGNATURE - 2 - random.randrange(20)
        return self.data[:at] + b"%d" % random.randrange(10) + self.data[at + 1 :]

    # --- the archive ---

    def try_a_second_archive_behind(self, random):
        return self.data + self.other

    def try_a_second_archive_before(self, random):
        return self.other + self.data

    def try_another_archive_with_our_end(self, random):
        return self.other[:-SEAL] + self.data[-SEAL:]

    def try_an_entry_twice(self, random):
        files = files_of(self.data)
        name = random.choice(list(files))
        extra = {**files, f"{name}\0": random.randbytes(40)}
        return packed(extra, self.data[-SEAL:], names={f"{name}\0": name})

    def try_a_further_entry(self, random):
        files = files_of(self.data)
        name = random.choice(["attempts/more.json", "../escape", "README.txt.exe", "/root/x"])
        return packed({**files, name: b"{}"}, self.data[-SEAL:])

    def try_an_entry_left_out(self, random):
        files = files_of(self.data)
        del files[random.choice(list(files))]
        return packed(files, self.data[-SEAL:])

    def try_entries_swapped(self, random):
        files = files_of(self.data)
        first, second = random.sample(list(files), 2)
        files[first], files[second] = files[second], files[first]
        return packed(files, self.data[-SEAL:])

    def try_the_same_files_packed_anew(self, random):
        return packed(files_of(self.data), self.data[-SEAL:])

    # --- what it says, with every digest made to fit, and a signature of somebody's ---

    def _forged(self, random):
        files = files_of(self.data)
        path = random.choice([name for name in files if name.startswith("attempts/")])
        name, held = path.removeprefix("attempts/").removesuffix(".json"), json.loads(files[path])
        random.choice(FORGERIES)(random, held)
        files[path] = json.dumps(rechained(name, held)).encode()
        return with_manifest(files)

    def _sealed(self, random, files, sign, *, key_id=None, at=None):
        seal = self.data[-SEAL:-SIGNATURE]
        made_by = sign(b"")[0] if key_id is None else key_id
        moment = self.data[-97:-65].decode() if at is None else at
        seal = f"muster-evidence-1 {made_by} {moment} ".encode()
        whole = packed(files, seal + bytes(SIGNATURE))[:-SIGNATURE]
        return whole + sign(whole)[1]

    def try_rechaining_under_the_old_seal(self, random):
        return packed(self._forged(random), self.data[-SEAL:])

    def try_rechaining_signed_by_a_stranger(self, random):
        return self._sealed(random, self._forged(random), self.sign_as_stranger)

    def try_rechaining_signed_by_a_stranger_in_our_name(self, random):
        files = self._forged(random)
        return self._sealed(random, files, self.sign_as_stranger, key_id=self.key_id)

    def try_rechaining_signed_with_the_retired_key(self, random):
        return self._sealed(random, self._forged(random), self.sign_as_retired)

    def try_our_words_signed_with_the_retired_key(self, random):
        return self._sealed(random, files_of(self.data), self.sign_as_retired)

    def try_rechaining_with_a_signature_of_noise(self, random):
        files = self._forged(random)
        noise = (self.key_id, random.randbytes(SIGNATURE))
        return self._sealed(random, files, lambda message: noise)


def better(random, held):
    for row in held["evidence"]:
        row["record"] |= {"outcome": "MET", "score": 1.0}


def without_help(random, held):
    for row in held["evidence"]:
        row["record"]["hint_rung"] = 0


def earlier(random, held):
    random.choice(held["events"])["at"] = "2026-01-01T00:00:00.000000+00:00"


def somebody_else(random, held):
    random.choice(held["events"])["actor"] = "range"


def shorter(random, held):
    kept = [each for each in held["events"] if each["kind"] == "evidence.recorded"]
    held["events"] = kept + [
        each for each in held["events"] if each not in kept and random.random() < 0.5
    ]


def without_a_failure(random, held):
    gone = random.choice(held["evidence"])["record"]["id"]
    held["evidence"] = [row for row in held["evidence"] if row["record"]["id"] != gone]
    held["events"] = [
        each for each in held["events"] if each.get("payload", {}).get("evidence") != gone
    ]


def other_words(random, held):
    random.choice(held["evidence"])["content"]["excerpt"] = "all is well"


def erased(random, held):
    """A tombstone of one's own making in the place of what was seen."""
    row = random.choice(held["evidence"])
    row["content"] = {}
    row["tombstone"] = {
        "attempt": row["record"]["attempt"],
        "evidence": row["record"]["id"],
        "sha256": row["sha256"],
        "content_sha256": row["record"]["content_sha256"],
        "erased_at": "2026-11-26T00:00:00+00:00",
        "reason": "none",
        "actor": "range",
        "key": "0" * 16,
        "signature": base64.b64encode(random.randbytes(64)).decode(),
    }


FORGERIES = (
    better, without_help, earlier, somebody_else, shorter, without_a_failure, other_words, erased,
)  # fmt: skip
