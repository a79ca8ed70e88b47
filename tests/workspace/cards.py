"""Cards of scenarios as the catalogue would make them, out of no rows."""

from range.catalog.outline import Outline
from range.pipeline.difficulty import calibrate
from range.pipeline.parameters import CURRENT
from range.workspace.presenters.catalogue import Card

OUTLINE = {
    "summary": "Rules that grew.",
    "sector": "bank",
    "modes": ("attack", "fix"),
    "tags": (),
    "minutes": 25,
}


def card(
    slug="one",
    *,
    title="Sudo says",
    difficulty=2,
    skills=("abuse-sudo-rules",),
    roles=(),
    state="new",
    image_state="READY",
    settled=True,
    **outline,
) -> Card:
    written = Outline(
        **(OUTLINE | outline),
        title=title,
        difficulty=difficulty,
        skills=tuple(skills),
        work_roles=tuple(roles),
        observed=tuple(((key, 1.0),) for key in skills),
    )
    return Card(
        slug=slug,
        title=title,
        summary=written.summary,
        outline=written,
        difficulty=calibrate(difficulty, (), parameters=CURRENT),
        skills=tuple(key.replace("-", " ").capitalize() for key in skills),
        roles={code: f"Role {code}" for code in roles},
        image_state=image_state,
        settled=settled,
        verified_at=None,
        state=state,
    )
