"""Verifies an evidence file offline, with nothing but Python: verify_evidence.py FILE KEYS."""
import base64
import hashlib
import io
import json
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
def insist(holds: object, wrong: str) -> None:
    if not holds:
        raise ValueError(wrong)
def point(octets: bytes) -> Any:  # Ed25519 as in RFC 8032; unfit for signing: its times differ
    sign, y = octets[31] >> 7, int.from_bytes(octets, "little") % 2**255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * ROOT % P
    insist(y < P and (x * x - square) % P == 0 and (x or not sign), "a key is no point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P
def add(p: Any, q: Any) -> Any:
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(number: int, p: Any, total: Any = (0, 1, 1, 0)) -> Any:
    while number:
        total, p, number = add(total, p) if number & 1 else total, add(p, p), number >> 1
    return total

def check_signature(keys: Any, name: str, signature: bytes, message: bytes, dated: str) -> None:
    insist(name in keys, f"key {name} is not among the keys you trust")
    key, moment = base64.b64decode(keys[name]["public"]), datetime.fromisoformat
    made, retired = moment(keys[name]["made_at"]), moment(keys[name]["retired_at"] or dated)
    insist(made <= moment(dated) <= retired, f"key {name} was not in use on {dated}")
    s = int.from_bytes(signature[32:], "little")
    number = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little")
    right = add(point(signature[:32]), times(number % ORDER, point(key)))
    left = times(s, point((4 * pow(5, -1, P) % P).to_bytes(32, "little")))
    same = all((left[at] * right[2] - right[at] * left[2]) % P == 0 for at in (0, 1))
    insist(len(key) == 32 and len(signature) == 64 and s < ORDER and same, "a signature is wrong")

def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

def check_carried(carried: Any, subject: Any, sha256: str, stone: Any, keys: Any) -> None:
    if stone is None:
        return insist(digest(carried) == sha256, f"what is carried was not recorded: {subject}")
    said = {name: stone[name] for name in stone if name != "signature"}
    insist({**said, **subject} == said and not carried, f"a tombstone is not for {subject}")
    signature, at = base64.b64decode(stone["signature"]), said["erased_at"]
    message = b"muster tombstone 1\n" + digest(said).encode()
    return check_signature(keys, said["key"], signature, message, at)

def check_attempt(name: str, held: Any, told: Any, keys: Any) -> None:
    head, chained = "0" * 64, []
    for number, event in enumerate(held["events"], start=1):
        sha256 = event["payload_sha256"]
        head = digest([head, name, number, event["at"], event["kind"], event["actor"], sha256])
        insist((number, head) == (event["seq"], event["hash"]), f"{name}: broken at event {number}")
        subject = {"attempt": name, "seq": number, "hash": head, "payload_sha256": sha256}
        if "payload" in event:
            check_carried(event["payload"], subject, sha256, event.get("tombstone"), keys)
        if event["kind"] == "evidence.recorded":
            chained.append([event["payload"]["evidence"], event["payload"]["sha256"]])
    recorded = sorted([row["record"]["id"], row["sha256"]] for row in held["evidence"])
    insist(recorded == sorted(chained), f"{name}: evidence is not what its events recorded")
    counts = {"events": len(held["events"]), "evidence": len(recorded), "head": head}
    insist(counts == told, f"{name}: the manifest tells of other events or evidence")
    for row in held["evidence"]:
        seen, subject = row["record"]["content_sha256"], {"evidence": row["record"]["id"]}
        insist(digest(row["record"]) == row["sha256"], f"a record was changed: {subject}")
        subject |= {"attempt": name, "sha256": row["sha256"], "content_sha256": seen}
        check_carried(row["content"], subject, seen, row.get("tombstone"), keys)

def verify(data: bytes, keyring: Any) -> Any:
    insist(data[-132:-114] == b"muster-evidence-1 ", "it does not end with a signature")
    name, at = data[-114:-98].decode(), data[-97:-65].decode()
    keys = {key["id"]: key for key in keyring["keys"]}
    check_signature(keys, name, data[-64:], data[:-64], at)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (_, manifest), *files = [(each.filename, archive.read(each)) for each in archive.infolist()]
    told, found = json.loads(manifest), {each: hashlib.sha256(body) for each, body in files}
    same = {each: sha256.hexdigest() for each, sha256 in found.items()} == told["files"]
    insist(same and len(found) == len(files), "the manifest names other files")
    for attempt, counts in told["attempts"].items():
        check_attempt(attempt, json.loads(dict(files)[f"attempts/{attempt}.json"]), counts, keys)
    return {**told, "key": name, "signed_at": at}

if __name__ == "__main__":
    try:
        told = verify(Path(sys.argv[1]).read_bytes(), json.loads(Path(sys.argv[2]).read_text()))
    except Exception as error:
        sys.exit(f"NOT VERIFIED: {error or type(error).__name__}")
    print("VERIFIED: signed with key", told["key"], "at", told["signed_at"], told["attempts"])
