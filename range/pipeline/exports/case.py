"""Our observable skills and their alignments as a CASE package, for other systems' catalogues."""

import uuid
from collections.abc import Iterable

from django.conf import settings

from range.competencies.models import Alignment, ObservableSkill

# CASE dates every part; ours change with a release, so one date stands for all.
CHANGED_AT = "2026-11-26T00:00:00+00:00"
_RELATIONS = {
    Alignment.Relation.EXACT: "exactMatchOf",
    Alignment.Relation.PART_OF: "isPartOf",
    Alignment.Relation.RELATED: "isRelatedTo",
}


def package() -> dict[str, object]:
    """Return the CFPackage: one document, an item a skill, an association an alignment."""
    skills = list(ObservableSkill.objects.order_by("key"))
    standing = Alignment.objects.standing().select_related("skill")
    alignments = standing.order_by("skill__key", "framework", "code")
    return {
        "CFDocument": _document(),
        "CFItems": [_item(skill) for skill in skills],
        "CFAssociations": list(_associations(alignments)),
    }


def _document() -> dict[str, object]:
    return {
        **_named("document"),
        "creator": settings.RANGE_NAME,
        "title": "Observable skills",
        "description": "What checks of this range can see of a person. The alignments are the "
        "project's own; each says whether a person reviewed it.",
        "lastChangeDateTime": CHANGED_AT,
        "language": "en",
        "adoptionStatus": "Implemented",
        "CFPackageURI": _link("package", "Observable skills"),
    }


def _item(skill: ObservableSkill) -> dict[str, object]:
    return {
        **_named(f"skill/{skill.key}"),
        "CFDocumentURI": _link("document", "Observable skills"),
        "fullStatement": skill.description,
        "abbreviatedStatement": skill.name[:60],
        "humanCodingScheme": skill.key,
        "CFItemType": "Observable skill",
        "language": "en",
        "notes": "\n".join(f"{each['level']}: {each['text']}" for each in skill.rubric),
        "lastChangeDateTime": CHANGED_AT,
    }


def _associations(alignments: Iterable[Alignment]) -> Iterable[dict[str, object]]:
    for each in alignments:
        code = f"{each.framework}/{each.framework_version}/{each.code}"
        yield {
            **_named(f"alignment/{each.skill.key}/{code}"),
            "associationType": _RELATIONS[Alignment.Relation(each.relation)],
            "CFDocumentURI": _link("document", "Observable skills"),
            "originNodeURI": _link(f"skill/{each.skill.key}", each.skill.name),
            "destinationNodeURI": _link(f"framework/{code}", f"{each.qualified_code}"),
            "notes": f"{each.framework} {each.framework_version}, by {each.author}, "
            f"{each.aligned_on:%Y-%m-%d}, {each.review}",
            "lastChangeDateTime": CHANGED_AT,
        }


def _named(name: str) -> dict[str, object]:
    link = _link(name, "")
    return {"identifier": link["identifier"], "uri": link["uri"]}


def _link(name: str, title: str) -> dict[str, str]:
    base = f"{str(settings.RANGE_PUBLIC_ORIGIN).rstrip('/')}/case/{name}"
    return {"title": title, "identifier": str(uuid.uuid5(uuid.NAMESPACE_URL, base)), "uri": base}
