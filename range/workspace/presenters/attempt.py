"""The workspace's frame: title, brief, policy, and what the viewer may do."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from range.assessment.evidence import current_epoch
from range.catalog.services import attempt_spec, brief_for
from range.exercises.models import Attempt
from range.workspace.presenters import specs

_OVER = {
    Attempt.State.FINISHING: "Every objective is being checked one last time; the debrief follows.",
    Attempt.State.COLLECTED: "The evidence is collected and being graded; the debrief follows.",
    Attempt.State.GRADED: "It is graded. Its evidence and replay stay in the debrief.",
}


@dataclass(frozen=True, kw_only=True)
class WorkspacePage:
    """What frames the panels of one attempt.

    Args:
        machines: Those a trainee may know of, and so reset one by one.
    """

    id: uuid.UUID
    slug: str
    title: str
    policy: str
    story: SafeString
    active: bool
    may_work: bool
    machines: Sequence[str]
    over: str
    tutor_url: str


def workspace_page(attempt: Attempt, *, may_work: bool = True) -> WorkspacePage:
    """Gather the frame of an attempt's workspace."""
    version, epoch = attempt.version, current_epoch(attempt)
    spec = attempt_spec(version, attempt.pk, epoch)
    return WorkspacePage(
        id=attempt.pk,
        slug=version.scenario.slug,
        title=spec.title,
        policy=attempt.exercise.policy.lower(),
        story=specs.safe(brief_for(version, attempt.pk, epoch)),
        active=attempt.state == Attempt.State.ACTIVE,
        may_work=may_work,
        machines=tuple(machine.name for machine in specs.visible_machines(spec)),
        over=_OVER.get(Attempt.State(attempt.state), ""),
        tutor_url=url_or_nothing("tutor-panel", attempt.pk),
    )


def url_or_nothing(name: str, *arguments: object) -> str:
    """Return the address of a page that another app may bring, empty where it is not there."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
