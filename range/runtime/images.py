"""Images of machines: named by the digest of their inputs, built once, carried where needed."""

import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError

from range.lib.errors import RangeError
from range.runtime import build_context, options
from range.runtime.build_context import BadBuildContext as BadBuildContext
from range.runtime.engine_client import Engine, explanation

BASE_IMAGE = "range/base:bookworm"
DEBIAN_IMAGE = "range/debian:bookworm"
BASE_CONTEXT = Path(__file__).parent / "base_image"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DIGEST_LENGTH = 16
_LAST_LINES = 12
_CHUNK_BYTES = 1 << 20

type Report = Callable[[str], None]


class ImageBuildFailed(RangeError):
    """An image could not be built; the last lines of output tell why.

    Args:
        lines: The end of what the build printed.
    """

    def __init__(self, name: str, detail: str, *, lines: Sequence[str] = ()) -> None:
        output = "".join(f"\n  {line}" for line in lines)
        super().__init__(
            f"The image {name} could not be built: {detail}{output}",
            reason="image-build",
            status=500,
            retryable=True,
        )
        self.lines = tuple(lines)


def image_tag(context: Path, *, name: str, base: str = BASE_IMAGE) -> str:
    """Return the tag an image of this context has: a function of files alone.

    Args:
        name: Which machine it is for, such as `clinic-portal-web`.

    Raises:
        BadBuildContext: The folder cannot be built from, or the name cannot name an image.
    """
    if not _NAME.fullmatch(name):
        raise BadBuildContext(f"{name!r} cannot name an image: use a-z, 0-9 and -.")
    inputs = base_tag() if base == BASE_IMAGE else base
    return f"range/{name}:{build_context.digest(context, base=inputs)[:_DIGEST_LENGTH]}"


@cache
def base_tag() -> str:
    """Return the base image's tag by the digest of its own inputs."""
    digest = build_context.digest(BASE_CONTEXT, base="debian:bookworm")
    return f"range/base:{digest[:_DIGEST_LENGTH]}"


def image_exists(tag: str, *, engine: Engine | None = None) -> bool:
    """Tell whether the engine has an image.

    Raises:
        EngineDown: The engine does not answer.
    """
    return image_id(tag, engine=engine) is not None


def image_id(tag: str, *, engine: Engine | None = None) -> str | None:
    """Return the engine's id of an image, None if it has none of that tag.

    Raises:
        EngineDown: The engine does not answer.
    """
    with (engine or default_engine()).client() as client:
        try:
            return str(client.inspect_image(tag)["Id"])  # type: ignore[no-untyped-call]
        except APIError as error:
            if error.status_code == 404:
                return None
            raise


def image_size(tag: str, *, engine: Engine | None = None) -> int:
    """Return how many bytes an image takes, with everything it is built on.

    Raises:
        EngineDown: The engine does not answer.
        ImageBuildFailed: There is no such image.
    """
    with (engine or default_engine()).client() as client:
        try:
            return int(client.inspect_image(tag)["Size"])  # type: ignore[no-untyped-call]
        except APIError as error:
            raise ImageBuildFailed(tag, explanation(error)) from error


def build_image(
    context: Path,
    *,
    name: str,
    base: str = BASE_IMAGE,
    progress: Report | None = None,
    engine: Engine | None = None,
) -> str:
    """Build a context unless its image exists; return the tag.

    Raises:
        ImageBuildFailed: With the last lines of the build's output.
        BadBuildContext: The folder cannot be built from.
        EngineDown: The engine does not answer.
    """
    tag = image_tag(context, name=name, base=base)
    if not image_exists(tag, engine=engine):
        arguments = {"BASE": base}
        run_build(context, tag, arguments=arguments, progress=progress, engine=engine)
    return tag


def run_build(
    context: Path,
    tag: str,
    *,
    arguments: Mapping[str, str],
    progress: Report | None = None,
    engine: Engine | None = None,
) -> None:
    """Build a context under a tag, whatever exists.

    Raises:
        ImageBuildFailed: With the last lines of the build's output.
        EngineDown: The engine does not answer.
    """
    with tempfile.TemporaryFile() as archive, (engine or default_engine()).client() as client:
        build_context.pack(context, archive)
        archive.seek(0)
        try:
            output = client.build(
                fileobj=archive,
                custom_context=True,
                tag=tag,
                buildargs=dict(arguments),
                rm=True,
                forcerm=True,
                decode=True,
            )
            follow(output, tag, progress)
        except APIError as error:
            raise ImageBuildFailed(tag, explanation(error)) from error


def follow(output: Iterable[Any], tag: str, progress: Report | None) -> None:
    """Pass a build's output on, line by line.

    Raises:
        ImageBuildFailed: The output ends in an error.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    error = ""
    # Read to the end whatever comes: only then is the connection free for the next call.
    for message in output:
        error = error or str(message.get("error", "")).strip()
        for line in str(message.get("stream", "")).splitlines():
            if text := line.strip():
                last.append(text)
                (progress or _silent)(text)
    if error:
        raise ImageBuildFailed(tag, error, lines=list(last))


def tag_image(source: str, target: str, *, engine: Engine | None = None) -> None:
    """Give an image a further tag.

    Raises:
        EngineDown: The engine does not answer.
    """
    repository, _, tag = target.rpartition(":")
    with (engine or default_engine()).client() as client:
        client.tag(source, repository, tag, force=True)


def save_bundle(tags: Sequence[str], path: Path, *, engine: Engine | None = None) -> None:
    """Write images to a file that `load_bundle` reads on a machine without a network.

    Raises:
        EngineDown: The engine does not answer.
        ImageBuildFailed: One of the images does not exist.
    """
    for tag in tags:
        if not image_exists(tag, engine=engine):
            raise ImageBuildFailed(tag, "there is no such image to save. Build it first.")
    with (engine or default_engine()).client() as client, path.open("wb") as target:
        # The library's call takes one image; layers that images share should be saved once.
        for chunk in exported(client, tags):
            target.write(chunk)


def load_bundle(path: Path, *, engine: Engine | None = None) -> None:
    """Load what `save_bundle` wrote.

    Raises:
        EngineDown: The engine does not answer.
        ImageBuildFailed: The file is no bundle.
    """
    with (engine or default_engine()).client() as client, path.open("rb") as source:
        try:
            follow(client.load_image(source), path.name, None)  # type: ignore[no-untyped-call]
        except APIError as error:
            raise ImageBuildFailed(path.name, explanation(error)) from error


def default_engine() -> Engine:
    """Return the engine of this process's options."""
    return _engine(options.current().engine_url)


@cache
def _engine(url: str) -> Engine:
    return Engine(url)


def exported(client: APIClient, tags: Sequence[str]) -> Iterable[bytes]:
    """Yield an archive of images, as the engine saves them."""
    url = f"{client.base_url}/v{client.api_version}/images/get"
    answer = client.get(url, params={"names": list(tags)}, stream=True, timeout=None)
    answer.raise_for_status()
    try:
        yield from answer.iter_content(_CHUNK_BYTES)
    finally:
        answer.close()


def _silent(line: str) -> None:
    """Report to nobody."""
