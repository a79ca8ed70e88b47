"""What readiness for a work role asks: changed as a whole, with a reason, every change kept."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from range.competencies.models import Framework, ObservableSkill, RoleRequirement, WorkRole
from range.lib.errors import RangeError
from range.timeline.models import Event
from range.timeline.services import events_of, record

# The cuts there are, by the level that a person above them holds, in logits.
CUTS: Mapping[str, float] = {"assisted": -0.8, "independent": 0.4, "new-conditions": 1.4}
CHANGED = "requirements.changed"
FRAMEWORK = "nice"
SKILLS_AT_MOST = 20
REASON_AT_LEAST = 10
REASON_AT_MOST = 1000


class RequirementsRefused(RangeError):
    """The requirements were left as they are; the message says why."""


@dataclass(frozen=True, kw_only=True)
class RequirementsChange:
    """One change of what a role asks.

    Args:
        before: Level asked of each skill until then, by the skill's key.
        after: And from then on.
    """

    event: Event
    before: Mapping[str, str]
    after: Mapping[str, str]
    reason: str


def subject_of(role_code: str) -> uuid.UUID:
    """Return the subject under which a role's changes are chained, the same in every edition."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"muster:requirements:{FRAMEWORK}:{role_code}")


def levels_asked(role_code: str) -> dict[str, str]:
    """Return the level that a role asks of each skill, by the skill's key.

    A cut between two levels, as an earlier release may have left, counts as the nearer one.
    """
    rows = RoleRequirement.objects.filter(framework=FRAMEWORK, role_code=role_code)
    found = rows.order_by("skill__name").values_list("skill__key", "cut_logits")
    return {key: min(CUTS, key=lambda level: abs(CUTS[level] - cut)) for key, cut in found}


def changes_of(role_code: str) -> list[RequirementsChange]:
    """Return every change, the newest first."""
    return [
        RequirementsChange(
            event=event,
            before=_levels(event, "before"),
            after=_levels(event, "after"),
            reason=str(event.payload.get("reason", "")),
        )
        for event in events_of(subject_of(role_code), kinds=[CHANGED]).order_by("-seq")
    ]


def _levels(event: Event, name: str) -> dict[str, str]:
    told = event.payload.get(name)
    return {key: str(level) for key, level in told.items()} if isinstance(told, dict) else {}


@transaction.atomic
def set_requirements(
    role_code: str, wanted: Mapping[str, str], *, author: str, actor: str, reason: str
) -> None:
    """Make a role ask exactly these skills, each at a level; readiness follows at once.

    Args:
        wanted: Level by the skill's key; a skill left out is no longer asked for.
        actor: As the timeline names who acts.

    Raises:
        RequirementsRefused: A role, skill or level is unknown, nothing would change, there are
            too many or none, or the reason says too little.
    """
    words = reason.strip()
    if not REASON_AT_LEAST <= len(words) <= REASON_AT_MOST:
        raise RequirementsRefused(
            f"Give the reason in {REASON_AT_LEAST} to {REASON_AT_MOST:,} characters; it had "
            f"{len(words):,}. Whoever is held against the role may read it.",
            reason="reason-missing",
        )
    _refuse_unknown_role(role_code)
    skills = _skills(wanted)
    # One change at a time: whoever waits then compares with what the first one left.
    list(RoleRequirement.objects.select_for_update().filter(role_code=role_code))
    before = levels_asked(role_code)
    if before == dict(wanted):
        raise RequirementsRefused("The role asks exactly this already.", reason="nothing-changes")
    rows = RoleRequirement.objects.filter(framework=FRAMEWORK, role_code=role_code)
    rows.exclude(skill__key__in=wanted).delete()
    for key, level in wanted.items():
        if before.get(key) != level:
            rows.update_or_create(
                framework=FRAMEWORK,
                role_code=role_code,
                skill=skills[key],
                defaults={
                    "cut_logits": CUTS[level],
                    "author": author[:120],
                    "reason": words,
                    "set_at": timezone.now(),
                },
            )
    record(
        subject_of(role_code),
        kind=CHANGED,
        actor=actor,
        payload={"role": role_code, "before": before, "after": dict(wanted), "reason": words},
    )


def _refuse_unknown_role(role_code: str) -> None:
    framework = Framework.objects.current(FRAMEWORK)
    if not WorkRole.objects.filter(framework=framework, code=role_code).exists():
        raise RequirementsRefused(
            f"{framework or 'No edition of the framework'} has no work role {role_code[:24]!r}.",
            reason="role-unknown",
            status=404,
        )


def _skills(wanted: Mapping[str, str]) -> dict[str, ObservableSkill]:
    if not 1 <= len(wanted) <= SKILLS_AT_MOST:
        raise RequirementsRefused(
            f"A role asks for 1 to {SKILLS_AT_MOST} skills; these were {len(wanted)}.",
            reason="how-many",
        )
    skills = {each.key: each for each in ObservableSkill.objects.filter(key__in=wanted)}
    for key, level in wanted.items():
        if key not in skills:
            raise RequirementsRefused(f"There is no skill {key[:64]!r}.", reason="skill-unknown")
        if level not in CUTS:
            raise RequirementsRefused(
                f"The level must be one of {', '.join(CUTS)}; for {key} it was {level[:24]!r}.",
                reason="level-unknown",
            )
    return skills


def unchanged_roles(role_codes: Sequence[str]) -> set[str]:
    """Return the roles about which nobody decided, so that the starter slice still speaks."""
    subjects = {subject_of(code): code for code in role_codes}
    decided = Event.objects.filter(attempt_id__in=subjects, kind=CHANGED)
    return set(role_codes) - {
        subjects[each] for each in decided.values_list("attempt_id", flat=True)
    }
