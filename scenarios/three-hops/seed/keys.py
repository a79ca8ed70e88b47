"""Makes a key for SSH from a number that every machine of the depot was given, then forgets it.

keys.py private FILE    the key itself, for the desk
keys.py public FILE     what a door compares it with
"""

import base64
import hashlib
import struct
import sys
from pathlib import Path

SOURCE = Path("/srv/number.txt")
KIND = "OPENSSH PRIVATE KEY"

# The curve of Ed25519: its prime, a constant, and its base point in homogeneous coordinates.
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def add(p, q):
    """Add two points."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def public_of(seed):
    """Return the public half of a key."""
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    number = number & ((1 << 254) - 8) | 1 << 254
    total, power = (0, 1, 1, 0), BASE
    while number:
        if number & 1:
            total = add(total, power)
        power, number = add(power, power), number >> 1
    inverse = pow(total[2], P - 2, P)
    x, y = total[0] * inverse % P, total[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def text(*parts):
    """Return strings as SSH writes them: each after its length."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


seed = bytes.fromhex(SOURCE.read_text().strip())
SOURCE.unlink()
half = public_of(seed)
blob = text(b"ssh-ed25519", half)
if sys.argv[1] == "public":
    written = f"ssh-ed25519 {base64.b64encode(blob).decode()} carrier\n"
else:
    inner = b"once" * 2 + text(b"ssh-ed25519", half, seed + half, b"carrier")
    inner += bytes(range(1, 1 + -len(inner) % 8))
    outer = b"openssh-key-v1\0" + text(b"none", b"none", b"") + struct.pack(">I", 1)
    body = base64.b64encode(outer + text(blob, inner)).decode()
    lines = "\n".join(body[at : at + 70] for at in range(0, len(body), 70))
    written = f"-----BEGIN {KIND}-----\n{lines}\n-----END {KIND}-----\n"
Path(sys.argv[2]).write_text(written)
