"""Our observable skills as JSON-LD, in terms of SKOS and schema.org, with their context inline."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from range.competencies.models import Alignment, ObservableSkill
from range.standards.skills import AlignmentLine, alignment_lines, levels_of

MEDIA_TYPE = "application/ld+json"
# Inline, so that nobody has to fetch anything to read it.
CONTEXT = {
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "https://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "id": "@id",
    "type": "@type",
    "name": {"@id": "skos:prefLabel", "@language": "en"},
    "description": {"@id": "skos:definition", "@language": "en"},
    "notation": "skos:notation",
    "inScheme": {"@id": "skos:inScheme", "@type": "@id"},
    "hasTopConcept": {"@id": "skos:hasTopConcept", "@type": "@id"},
    "exactMatch": {"@id": "skos:exactMatch", "@type": "@id"},
    "broadMatch": {"@id": "skos:broadMatch", "@type": "@id"},
    "relatedMatch": {"@id": "skos:relatedMatch", "@type": "@id"},
    "levels": {"@id": "schema:hasDefinedTerm", "@container": "@list"},
    "levelName": "schema:name",
    "shows": "schema:description",
    "termCode": "schema:termCode",
    "alignments": {"@id": "schema:educationalAlignment", "@container": "@set"},
    "relation": "schema:alignmentType",
    "framework": "schema:educationalFramework",
    "release": "schema:version",
    "code": "schema:identifier",
    "target": {"@id": "schema:targetUrl", "@type": "@id"},
    "wording": "schema:targetDescription",
    "author": "schema:author",
    "date": {"@id": "schema:dateCreated", "@type": "xsd:date"},
    "status": "schema:creativeWorkStatus",
    "reviewed": {"@id": "schema:lastReviewed", "@type": "xsd:date"},
}
# An alignment is asserted as a match only once a person reviewed it.
_MATCHES = {
    Alignment.Relation.EXACT: "exactMatch",
    Alignment.Relation.PART_OF: "broadMatch",
    Alignment.Relation.RELATED: "relatedMatch",
}
_RELATIONS = {
    Alignment.Relation.EXACT: "exact",
    Alignment.Relation.PART_OF: "part-of",
    Alignment.Relation.RELATED: "related",
}


def uri_of(skill: ObservableSkill) -> str:
    """Return the address that names a skill for good."""
    return absolute(reverse("observable-skill", args=[skill.key]))


def absolute(path: str) -> str:
    """Return an address of this range as others reach it."""
    return f"{str(settings.RANGE_PUBLIC_ORIGIN).rstrip('/')}{path}"


def skill_document(skill: ObservableSkill) -> dict[str, object]:
    """Return one skill."""
    return {"@context": CONTEXT, **_skill(skill, _lines([skill]))}


def scheme_document(skills: Sequence[ObservableSkill]) -> dict[str, object]:
    """Return all skills as one scheme."""
    lines = _lines(skills)
    scheme: dict[str, object] = {
        "id": _scheme(),
        "type": "skos:ConceptScheme",
        "name": "Observable skills",
        "description": "What checks of this range can see of a person. Alignments are this "
        "project's own; each says whether a person reviewed it.",
        "hasTopConcept": [uri_of(skill) for skill in skills],
    }
    return {"@context": CONTEXT, "@graph": [scheme, *(_skill(skill, lines) for skill in skills)]}


def _scheme() -> str:
    return absolute(reverse("observable-skills"))


def _lines(skills: Sequence[ObservableSkill]) -> list[AlignmentLine]:
    rows = Alignment.objects.standing().filter(skill__in=skills)
    rows = rows.select_related("skill", "reviewed_by")
    return alignment_lines(rows.order_by("skill__key", "framework", "framework_version", "code"))


def _skill(skill: ObservableSkill, lines: Iterable[AlignmentLine]) -> dict[str, object]:
    mine = [line for line in lines if line.row.skill_id == skill.pk]
    return {
        "id": uri_of(skill),
        "type": "skos:Concept",
        "inScheme": _scheme(),
        "notation": skill.key,
        "name": skill.name,
        "description": skill.description,
        "levels": [
            {
                "type": "schema:DefinedTerm",
                "levelName": level.word,
                "shows": level.text,
                "termCode": str(number),
            }
            for number, level in enumerate(levels_of(skill), start=1)
        ],
        **_matches(mine),
        "alignments": [_alignment(line) for line in mine],
    }


def _matches(lines: Iterable[AlignmentLine]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.row.reviewed_by_id:
            found.setdefault(_MATCHES[Alignment.Relation(line.row.relation)], []).append(
                _target(line.row)
            )
    return found


def _alignment(line: AlignmentLine) -> dict[str, object]:
    row = line.row
    told: dict[str, object] = {
        "type": "schema:AlignmentObject",
        "relation": _RELATIONS[Alignment.Relation(row.relation)],
        "framework": row.framework,
        "release": row.framework_version,
        "code": row.code,
        "target": _target(row),
        "wording": line.text,
        "author": row.author,
        "date": row.aligned_on.isoformat(),
        "status": row.review,
    }
    if row.reviewed_by and row.reviewed_at:
        # Who reviewed is shown to people who sign in; others learn that somebody did, and when.
        told["reviewed"] = row.reviewed_at.date().isoformat()
    return told


def _target(row: Alignment) -> str:
    release = quote(row.framework_version, safe="")
    return absolute(f"/frameworks/{row.framework}/{release}/{quote(row.code, safe='')}/")
