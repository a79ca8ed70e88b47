"""What lies in an image, layer by layer: also what a later layer has deleted."""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from range.runtime.engine_client import Engine
from range.runtime.images import default_engine, exported

FILE_LIMIT_BYTES = 8 << 20
# What an image may hold beyond its base before it is not read further.
IMAGE_LIMIT_BYTES = 2 << 30


class ImageTooLarge(Exception):
    """An image holds more than is read."""


@dataclass(frozen=True, kw_only=True)
class LayerFile:
    """A regular file of one layer.

    Args:
        layer: Its number, counted from 1 above the base; 0 for the image's own description.
        data: At most FILE_LIMIT_BYTES from its beginning.
    """

    layer: int
    path: str
    data: bytes


def files_of(tag: str, *, base: str | None, engine: Engine | None = None) -> Iterator[LayerFile]:
    """Yield every file of an image's layers above those of its base, and how it was made.

    Args:
        base: None for all of its layers.

    Raises:
        EngineDown: The engine does not answer.
        ImageTooLarge: It holds more than is read.
    """
    chosen = engine or default_engine()
    with chosen.client() as client, tempfile.TemporaryFile() as whole:
        below = 0
        if base is not None:
            told = client.inspect_image(base)  # type: ignore[no-untyped-call]
            below = len(told["RootFS"]["Layers"])
        size = 0
        for chunk in exported(client, [tag]):
            size += len(chunk)
            if size > IMAGE_LIMIT_BYTES:
                raise ImageTooLarge(tag)
            whole.write(chunk)
        whole.seek(0)
        yield from _read(whole, below)


def _read(whole: IO[bytes], below: int) -> Iterator[LayerFile]:
    with tarfile.open(fileobj=whole, mode="r:") as archive:
        manifest = _json(archive, "manifest.json")[0]
        config = _json(archive, manifest["Config"])
        told = json.dumps({"history": config.get("history"), "config": config.get("config")})
        yield LayerFile(layer=0, path="history", data=told.encode())
        for number, name in enumerate(manifest["Layers"][below:], start=1):
            packed = archive.extractfile(name)
            if packed is None:
                continue
            with tarfile.open(fileobj=packed, mode="r|*", errors="surrogateescape") as layer:
                for entry in layer:
                    content = layer.extractfile(entry) if entry.isreg() else None
                    if content is not None:
                        data = content.read(FILE_LIMIT_BYTES)
                        path = "/" + entry.name.encode("utf-8", "surrogateescape").decode(
                            "utf-8", "backslashreplace"
                        )
                        yield LayerFile(layer=number, path=path, data=data)
                    # Archives remember every entry; nothing here needs them again.
                    layer.members = []  # type: ignore[attr-defined]


def _json(archive: tarfile.TarFile, name: str) -> Any:
    content = archive.extractfile(name)
    return json.load(content) if content is not None else None
