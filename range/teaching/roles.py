"""The page of what a work role asks: a level for each skill, and who decided what, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from range.accounts.models import User
from range.competencies import requirements
from range.competencies.frameworks import Role
from range.competencies.models import ObservableSkill, RoleRequirement
from range.competencies.requirements import REASON_AT_MOST, RequirementsChange

# In the order of the cuts, as the form offers them.
LEVELS = tuple(requirements.CUTS)


@dataclass(frozen=True, kw_only=True)
class SkillChoice:
    """One skill of the form, with the level asked of it; empty where the role does not ask."""

    key: str
    name: str
    description: str
    level: str
    by: str


@dataclass(frozen=True, kw_only=True)
class ChangeLine:
    """One change of the history, in words."""

    change: RequirementsChange
    who: str
    words: Sequence[str]


def role_page(found: Role, levels: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page of one role shows, with the levels as given."""
    rows = RoleRequirement.objects.filter(framework="nice", role_code=found.code)
    by = dict(rows.values_list("skill__key", "author"))
    skills = list(ObservableSkill.objects.order_by("name"))
    choices = [
        SkillChoice(
            key=each.key,
            name=each.name,
            description=each.description,
            level=levels.get(each.key, ""),
            by=by.get(each.key, ""),
        )
        for each in skills
    ]
    return {
        "role": found,
        "levels": LEVELS,
        "asked": [each for each in choices if each.level],
        "further": [each for each in choices if not each.level],
        "reasons": sorted(set(rows.values_list("reason", flat=True))),
        "history": _history(found.code, {each.key: each.name for each in skills}),
        "reason_at_most": REASON_AT_MOST,
        "tab": "roles",
    }


def _history(code: str, names: Mapping[str, str]) -> list[ChangeLine]:
    changes = requirements.changes_of(code)
    people = {change.event.actor.partition(":")[2] for change in changes}
    shown = {str(each.pk): each.shown_name for each in User.objects.filter(pk__in=people)}
    return [
        ChangeLine(
            change=change,
            who=shown.get(change.event.actor.partition(":")[2], "somebody who is gone"),
            words=_words(change, names),
        )
        for change in changes
    ]


def _words(change: requirements.RequirementsChange, names: Mapping[str, str]) -> list[str]:
    lines = []
    for key in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(key), change.after.get(key)
        name = names.get(key, key)
        if before == after:
            continue
        if before is None:
            lines.append(f"{name}: asked for, {after}")
        elif after is None:
            lines.append(f"{name}: no longer asked for (was {before})")
        else:
            lines.append(f"{name}: {after} in place of {before}")
    return lines
