"""What differs between two editions, and which alignments of ours a release leaves astray."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from range.competencies.models import Alignment, Framework, ObservableSkill, Statement
from range.competencies.successors import Successor, Wordings

ROLE, AREA = "ROLE", "AREA"
KIND_WORDS = {
    ROLE: "work role",
    AREA: "competency area",
    **{kind.value: f"{kind.label.lower()} statement" for kind in Statement.Kind},
}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An id of an edition with its wording; of roles and areas, the title."""

    code: str
    kind: str
    text: str
    more: str = ""

    @property
    def kind_word(self) -> str:
        """Return the kind as pages call it."""
        return KIND_WORDS[self.kind]


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """An id that the later edition has no more, and what of it may have taken its place."""

    was: Listed
    successors: tuple[Successor, ...]
    skills: tuple[ObservableSkill, ...]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What differs between two editions.

    Args:
        reworded: Earlier and later wording of the same id.
        is_partial: One of the two is our starter slice, which holds some ids only, in words of
            its own: then nothing but withdrawn ids is told.
    """

    before: Framework
    after: Framework
    added: tuple[Listed, ...]
    withdrawn: tuple[Withdrawn, ...]
    reworded: tuple[tuple[Listed, Listed], ...]
    is_partial: bool


@dataclass(frozen=True, kw_only=True)
class Astray:
    """An id that skills of ours are aligned with and that the edition in use does not have."""

    code: str
    text: str
    skills: tuple[ObservableSkill, ...]
    successors: tuple[Successor, ...]


def listed(framework: Framework) -> dict[str, Listed]:
    """Return everything an edition numbers, by code."""
    found: dict[str, Listed] = {}
    for code, kind, text in framework.statements.values_list("code", "kind", "text"):
        found[code] = Listed(code=code, kind=kind, text=text)
    places = ("code", "title", "description")
    for code, title, more in framework.work_roles.values_list(*places):
        found[code] = Listed(code=code, kind=ROLE, text=title, more=more)
    for code, title, more in framework.competency_areas.values_list(*places):
        found[code] = Listed(code=code, kind=AREA, text=title, more=more)
    return dict(sorted(found.items()))


def changes_between(before: Framework, after: Framework) -> Changes:
    """Compare two editions of one framework by their ids."""
    old, new = listed(before), listed(after)
    is_partial = before.is_starter or after.is_starter
    gone = [old[code] for code in old if code not in new]
    suggest, aligned = _suggesting(new), _aligned_skills(after.name)
    kept = [] if is_partial else [(old[code], new[code]) for code in old if code in new]
    return Changes(
        before=before,
        after=after,
        added=() if is_partial else tuple(new[code] for code in new if code not in old),
        withdrawn=tuple(
            Withdrawn(
                was=each,
                successors=suggest(each.kind, each.text),
                skills=tuple(aligned.get(each.code, ())),
            )
            for each in gone
        ),
        reworded=tuple(pair for pair in kept if _words(pair[0]) != _words(pair[1])),
        is_partial=is_partial,
    )


def astray(framework: Framework) -> tuple[Astray, ...]:
    """Return what our alignments name and an edition lacks, with suggestions."""
    aligned, new = _aligned_skills(framework.name), listed(framework)
    missing = sorted(set(aligned) - set(new))
    words = last_words(framework.name, missing)
    suggest = _suggesting(new)
    return tuple(
        Astray(
            code=code,
            text=words[code].text if code in words else "",
            skills=tuple(aligned[code]),
            successors=suggest(words[code].kind, words[code].text) if code in words else (),
        )
        for code in missing
    )


def last_words(name: str, codes: Iterable[str]) -> dict[str, Listed]:
    """Return the newest wording of codes in any edition; an official one before our slice."""
    wanted, found = set(codes), dict[str, Listed]()
    rows = Statement.objects.filter(framework__name=name, code__in=wanted)
    rows = rows.exclude(framework__sealed_at=None)
    # STARTER sorts after OFFICIAL: backwards, what is official is written last and stays.
    for each in rows.order_by("-framework__edition", "framework__sealed_at", "framework"):
        found[each.code] = Listed(code=each.code, kind=each.kind, text=each.text)
    return found


def _words(each: Listed) -> tuple[str, str]:
    return " ".join(each.text.split()), " ".join(each.more.split())


def _aligned_skills(name: str) -> dict[str, list[ObservableSkill]]:
    rows = Alignment.objects.standing().filter(framework=name).select_related("skill")
    found: dict[str, list[ObservableSkill]] = {}
    for row in rows.order_by("skill__name"):
        if row.skill not in found.setdefault(row.code, []):
            found[row.code].append(row.skill)
    return found


def _suggesting(new: Mapping[str, Listed]) -> Callable[[str, str], tuple[Successor, ...]]:
    """Return what suggests successors for a kind and a wording; each kind is read but once."""

    @cache
    def wordings(kind: str) -> Wordings:
        return Wordings({each.code: each.text for each in new.values() if each.kind == kind})

    return lambda kind, text: wordings(kind).nearest(text)
