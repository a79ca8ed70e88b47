"""Reads the Common Weakness Enumeration from its official XML, or the zip that it comes in."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from tutor.importers.reading import COLLECTION_LIMIT_BYTES, Entry, ImportRefused, bytes_of

LICENSE = "CWE Terms of Use, © The MITRE Corporation"
ADDRESS = "https://cwe.mitre.org/data/definitions/{}.html"
_GONE = {"Deprecated", "Obsolete"}


def entries(path: Path) -> Iterator[Entry]:
    """Yield the weaknesses that are in force.

    Raises:
        ImportRefused: It is not the catalogue's XML.
    """
    root = _root(path)
    space = root.tag.removesuffix("Weakness_Catalog")
    version, found = root.get("Version", ""), False
    for each in root.iterfind(f"{space}Weaknesses/{space}Weakness"):
        number = each.get("ID", "")
        if each.get("Status") in _GONE or not number.isdigit():
            continue
        found = True
        yield Entry(
            name=f"cwe-{number}",
            title=f"CWE-{number} {each.get('Name', '')}",
            body=_body(each, space),
            version=version,
            license=LICENSE,
            url=ADDRESS.format(number),
        )
    if not found:
        raise ImportRefused(f"{path} holds no weakness.")


def _root(path: Path) -> ElementTree.Element:
    data = _unzipped(path, bytes_of(path, limit=COLLECTION_LIMIT_BYTES))
    _refuse_definitions(path, data)
    root = ElementTree.fromstring(data)  # noqa: S314  # definitions were refused above
    if not root.tag.endswith("Weakness_Catalog"):
        raise ImportRefused(f"{path} is not the catalogue of weaknesses: take cwec_latest.xml.zip.")
    return root


def _unzipped(path: Path, data: bytes) -> bytes:
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = next(each for each in archive.namelist() if each.endswith(".xml"))
            with archive.open(name) as member:
                data = member.read(COLLECTION_LIMIT_BYTES + 1)
    except (StopIteration, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(f"{path} is no zip with an XML file in it.") from error
    if len(data) > COLLECTION_LIMIT_BYTES:
        raise ImportRefused(f"{path} unpacks to more than {COLLECTION_LIMIT_BYTES >> 20} MiB.")
    return data


def _refuse_definitions(path: Path, data: bytes) -> None:
    """Refuse a document that defines entities, which can grow without end or name files."""

    def refuse(*_: object) -> None:
        raise ImportRefused(f"{path} defines a document type, which the catalogue never does.")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ImportRefused(f"{path} is not XML.") from error


def _body(each: ElementTree.Element, space: str) -> str:
    parts = [f"## What it is\n\n{_said(each, f'{space}Description')}"]
    if more := _said(each, f"{space}Extended_Description"):
        parts[0] += f"\n\n{more}"
    for heading, where in (
        ("Consequences", f"{space}Common_Consequences/{space}Consequence"),
        ("Mitigations", f"{space}Potential_Mitigations/{space}Mitigation"),
        ("Detection", f"{space}Detection_Methods/{space}Detection_Method"),
    ):
        lines = [line for found in each.iterfind(where) if (line := _line(found))]
        if lines:
            parts.append(f"## {heading}\n\n" + "\n\n".join(lines))
    return "\n\n".join(parts)


def _said(each: ElementTree.Element, where: str) -> str:
    found = each.find(where)
    return _words(found) if found is not None else ""


def _line(each: ElementTree.Element) -> str:
    words = _words(each)
    return f"- {words}" if words else ""


def _words(each: ElementTree.Element) -> str:
    return " ".join(" ".join(each.itertext()).split())
