"""The base image: found, pulled from a registry, or made from the host's own apt sources."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from docker.errors import APIError

from range.lib.errors import RangeError
from range.runtime.apt_sources import apt_options, apt_sources
from range.runtime.engine_client import Engine
from range.runtime.images import (
    BASE_CONTEXT,
    BASE_IMAGE,
    DEBIAN_IMAGE,
    ImageBuildFailed,
    Report,
    base_tag,
    default_engine,
    follow,
    image_exists,
    run_build,
    tag_image,
)

_SUITE = "bookworm"
_PUBLISHED = "debian:bookworm-slim"
_PULL_SECONDS = 20
_BOOTSTRAP_SECONDS = 900
# Any fixed moment makes two bootstraps of the same packages the same bytes.
_EPOCH = "1700000000"
_LAST_LINES = 12


def ensure_base_image(
    *, progress: Report | None = None, offline: bool = False, engine: Engine | None = None
) -> str:
    """Make sure the base image exists as it is described here; return its tag by digest.

    Args:
        offline: Never ask a registry.

    Raises:
        ImageBuildFailed: No way to make it worked; the message says what to do.
        EngineDown: The engine does not answer.
    """
    chosen, report = engine or default_engine(), progress or _silent
    if not image_exists(base_tag(), engine=chosen):
        ensure_debian(chosen, report, offline=offline)
        report("Adding the tools of a console")
        arguments = {"DEBIAN": DEBIAN_IMAGE}
        run_build(BASE_CONTEXT, base_tag(), arguments=arguments, progress=report, engine=chosen)
    tag_image(base_tag(), BASE_IMAGE, engine=chosen)
    return base_tag()


def ensure_debian(engine: Engine, report: Report, *, offline: bool) -> None:
    """Make sure there is a bare Debian to build on.

    Raises:
        ImageBuildFailed: No way to make it worked.
    """
    if image_exists(DEBIAN_IMAGE, engine=engine):
        return
    if image_exists(_PUBLISHED, engine=engine) or (not offline and _pulled(engine, report)):
        tag_image(_PUBLISHED, DEBIAN_IMAGE, engine=engine)
        return
    report("Making a bare Debian from this machine's package sources")
    with tempfile.TemporaryDirectory(prefix="range-base-") as folder:
        archive = Path(folder) / "debian.tar"
        bootstrap(archive)
        import_image(engine, archive)


def bootstrap(archive: Path) -> None:
    """Write a bare Debian as an archive, from the host's apt sources.

    Raises:
        ImageBuildFailed: No tool to do it, no sources, or it failed.
    """
    sources = apt_sources(_SUITE)
    if not sources:
        raise _impossible(f"this machine's apt has no sources for Debian {_SUITE}")
    if shutil.which("mmdebstrap"):
        _run([*_mmdebstrap(), str(archive), "-"], sources.text)
    elif shutil.which("debootstrap"):
        _debootstrap(archive, sources.text, sources.mirror)
    else:
        raise _impossible("neither mmdebstrap nor debootstrap is installed")


def import_image(engine: Engine, archive: Path) -> None:
    """Give the engine a file system as the bare Debian.

    Raises:
        EngineDown: The engine does not answer.
    """
    repository, _, tag = DEBIAN_IMAGE.rpartition(":")
    with engine.client() as client:
        client.import_image_from_file(
            str(archive), repository=repository, tag=tag, changes=['CMD ["bash"]']
        )


def _pulled(engine: Engine, report: Report) -> bool:
    report(f"Asking a registry for {_PUBLISHED}")
    repository, _, tag = _PUBLISHED.rpartition(":")
    try:
        with engine.client(timeout=_PULL_SECONDS) as client:
            follow(client.pull(repository, tag, stream=True, decode=True), _PUBLISHED, None)
    except (RangeError, APIError):
        return False
    return image_exists(_PUBLISHED, engine=engine)


def _mmdebstrap() -> list[str]:
    options = [f"--aptopt={option}" for option in apt_options()]
    return ["mmdebstrap", "--variant=minbase", "--format=tar", *options, _SUITE]


def _debootstrap(archive: Path, sources: str, mirror: str) -> None:
    root = archive.parent / "root"
    _run(["debootstrap", "--variant=minbase", _SUITE, str(root), mirror], "")
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(sources, "utf-8")
    settings = "".join(f"{option};\n" for option in apt_options())
    (root / "etc/apt/apt.conf.d/99range").write_text(settings, "utf-8")
    _run(["tar", "-C", str(root), "--one-file-system", "-cf", str(archive), "."], "")


def _run(argv: list[str], given: str) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    try:
        done = subprocess.run(
            argv,
            input=given.encode(),
            capture_output=True,
            timeout=_BOOTSTRAP_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _impossible(f"{argv[0]} did not run: {type(error).__name__}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
        raise ImageBuildFailed(DEBIAN_IMAGE, f"{argv[0]} ended with {done.returncode}", lines=lines)


def _impossible(detail: str) -> ImageBuildFailed:
    advice = (
        "Install mmdebstrap on a Debian machine, let the engine reach a registry, "
        "or load a bundle made elsewhere."
    )
    return ImageBuildFailed(DEBIAN_IMAGE, f"{detail}. {advice}")


def _silent(line: str) -> None:
    """Report to nobody."""
