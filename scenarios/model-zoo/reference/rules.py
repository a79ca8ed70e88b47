"""The rules of the gate: what is named is compared with lists, and nothing is run."""

import io
import json
import pickle
import re
import zipfile
from pathlib import Path

ALLOWED_IMPORTS = set(Path("/srv/gate/allowed-imports.txt").read_text().split())
RELEASES = json.loads(Path("/srv/zoo/publisher.json").read_text())["releases"]


class NotAllowed(Exception):
    pass


class Inert:
    """Stands where a class would: it takes everything and does nothing."""

    def __init__(self, *values, **named):
        pass

    def __call__(self, *values, **named):
        return Inert()

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, value):
        pass

    def extend(self, values):
        pass


class Reader(pickle.Unpickler):
    """Reads a pickle as the real reader does, and imports nothing."""

    def find_class(self, module, name):
        if "." in name or f"{module}.{name}" not in ALLOWED_IMPORTS:
            raise NotAllowed(f"it names {module}.{name}")
        return Inert

    def persistent_load(self, number):
        return Inert()


def read_all(data):
    """Return why a run of pickles must not be loaded."""
    stream = io.BytesIO(data)
    if not data:
        return ["it is empty"]
    try:
        while stream.tell() < len(data):
            Reader(stream).load()
    except NotAllowed as error:
        return [str(error)]
    except Exception as error:
        return [f"it cannot be read: {error}"]
    return []


def model(name, data):
    """Judge a model by its bytes, whatever it is called."""
    if not data.startswith(b"PK\x03\x04"):
        return read_all(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.namelist() if each.endswith(".pkl")]
        return [why for each in members for why in read_all(archive.read(each))]


def release(name, sha256):
    """Judge a digest by what was published under this very name."""
    published = {each["sha256"].lower() for each in RELEASES if each["name"] == name}
    return [] if str(sha256).lower() in published else ["this was not published under this name"]


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


APPROVED = {plain(each) for each in Path("/srv/gate/approved-packages.txt").read_text().split()}


def libraries(part):
    for each in part.get("components", []):
        if each.get("type") == "library":
            yield each.get("name") or ""
        yield from libraries(each)


def sbom(document):
    """Judge a bill of materials by every library in it, however deep."""
    if not document.get("components"):
        return ["it lists nothing"]
    return [
        f"{name or 'a nameless library'}: not approved"
        for name in libraries(document)
        if plain(name) not in APPROVED
    ]
