"""Reads the NICE Framework's official component JSON, of any release in that form."""

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from range.competencies.readers.content import (
    NAME_LENGTH,
    Entry,
    FrameworkContent,
    StatementEntry,
    UnreadableFramework,
    checked_version,
    too_long,
)

_STATEMENTS = {"task": "TASK", "knowledge": "KNOWLEDGE", "skill": "SKILL"}
_PLACES = {"work_role", "competency_area", "category"}
# Numbers that order the publisher's own pages and codes of another office: nothing to keep.
_IGNORED = {"sort", "opm_code"}

# The release repeats another category's text under IN; the words here are ours.
_IN_PUBLISHED = "intelligence on foreign actors"
_IN_CORRECTED = (
    "Investigates cybersecurity incidents and cybercrime at national level, and collects, "
    "manages and analyses the digital evidence."
)


class _Element(BaseModel):
    model_config = ConfigDict(frozen=True)

    element_type: str
    element_identifier: str
    title: str = ""
    text: str = ""


class _Relation(BaseModel):
    model_config = ConfigDict(frozen=True)

    source_element_identifier: str
    dest_element_identifier: str


class _Document(BaseModel):
    doc_identifier: str
    name: str = "NICE Framework"
    version: str


class _Body(BaseModel):
    documents: list[_Document]
    elements: list[_Element]
    relationships: list[_Relation] = []


class _Response(BaseModel):
    elements: _Body


class _File(BaseModel):
    response: _Response


def read(data: bytes) -> FrameworkContent:
    """Read the official JSON; what cannot be used is reported, never fatal.

    Raises:
        UnreadableFramework: The bytes are not this form at all, or hold no work role.
    """
    body = _parse(data)
    version = checked_version(body.documents[0].version)
    _refuse_what_cannot_be_kept(body)
    elements, repeated = _first_of_each(body.elements)
    roles = _entries(elements.values(), "work_role")
    if not roles:
        raise UnreadableFramework(
            "The file has the official form but no work role. Is it the components file?"
        )
    statements = _statements(elements.values())
    links, dangling = _links(body.relationships, roles, statements)
    categories, errata = _correct(_entries(elements.values(), "category"))
    return FrameworkContent(
        name="nice",
        version=version,
        title=body.documents[0].name[:NAME_LENGTH],
        roles=roles,
        areas=_entries(elements.values(), "competency_area"),
        categories=categories,
        statements=statements,
        role_statements=links,
        errata=errata,
        problems=(*repeated, *dangling, *_unknown_kinds(elements.values())),
    )


def _parse(data: bytes) -> _Body:
    try:
        body = _File.model_validate_json(data).response.elements
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UnreadableFramework(
            "Expected the official component JSON of the NICE Framework; "
            f"{place}: {first['msg']}. {_advice(data, first['msg'])}"
        ) from error
    if not body.documents:
        raise UnreadableFramework("The file names no document, so its release is unknown.")
    return body


def _advice(data: bytes, said: str) -> str:
    """Say what to do about a file that is not the one expected."""
    if not data.strip():
        return "The file is empty: download it once more."
    if data.startswith(b"PK"):
        return "This is a spreadsheet or an archive: download the JSON form."
    if data.lstrip()[:1] == b"<":
        return "This is a web page: download the file that the page links to."
    if "EOF while parsing" in said:
        return "The file ends too early: download it once more."
    return "Download the components as JSON from the publisher's page."


def _refuse_what_cannot_be_kept(body: _Body) -> None:
    kept = [each for each in body.elements if each.element_type in _STATEMENTS.keys() | _PLACES]
    places = [(each.element_identifier, each.title) for each in kept]
    if problem := too_long(places):
        raise UnreadableFramework(f"The file cannot be kept: {problem}")
    if any("\0" in each.text for each in kept):
        raise UnreadableFramework("The file cannot be kept: a text holds a NUL character.")


def _first_of_each(elements: Iterable[_Element]) -> tuple[dict[str, _Element], list[str]]:
    first: dict[str, _Element] = {}
    problems = []
    for element in elements:
        kept = first.setdefault(element.element_identifier, element)
        if kept != element:
            code = element.element_identifier
            problems.append(f"{code} stands twice with different words; the first is kept.")
    return first, problems


def _entries(elements: Iterable[_Element], kind: str) -> tuple[Entry, ...]:
    found = (
        Entry(code=each.element_identifier, title=each.title, description=each.text)
        for each in elements
        if each.element_type == kind
    )
    return tuple(sorted(found, key=lambda entry: entry.code))


def _statements(elements: Iterable[_Element]) -> tuple[StatementEntry, ...]:
    found = (
        StatementEntry(
            code=each.element_identifier, kind=_STATEMENTS[each.element_type], text=each.text
        )
        for each in elements
        if each.element_type in _STATEMENTS
    )
    return tuple(sorted(found, key=lambda entry: entry.code))


def _links(
    relations: Iterable[_Relation], roles: Iterable[Entry], statements: Iterable[StatementEntry]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    known = {entry.code for entry in statements}
    links: dict[str, set[str]] = {entry.code: set() for entry in roles}
    problems = []
    for relation in relations:
        role, code = relation.source_element_identifier, relation.dest_element_identifier
        if role in links and code in known:
            links[role].add(code)
        elif role in links and code[:1] in "TKS" and code[1:].isdigit():
            problems.append(f"{role} lists {code}, which the release does not define.")
    return {role: tuple(sorted(codes)) for role, codes in links.items()}, problems


def _correct(
    categories: tuple[Entry, ...],
) -> tuple[tuple[Entry, ...], tuple[dict[str, str], ...]]:
    kept, errata = [], []
    for entry in categories:
        if entry.code == "IN" and _IN_PUBLISHED in entry.description:
            errata.append(
                {
                    "code": entry.code,
                    "field": "description",
                    "published": entry.description,
                    "instead": _IN_CORRECTED,
                }
            )
            entry = Entry(code=entry.code, title=entry.title, description=_IN_CORRECTED)
        kept.append(entry)
    return tuple(kept), tuple(errata)


def _unknown_kinds(elements: Iterable[_Element]) -> list[str]:
    known = _STATEMENTS.keys() | _PLACES | _IGNORED
    counted = Counter(each.element_type for each in elements if each.element_type not in known)
    return [f"{count} elements of kind {kind!r} were left out." for kind, count in counted.items()]
