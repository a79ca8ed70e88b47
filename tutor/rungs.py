"""What each rung is called, what it gives, and what taking it does to the skill estimate."""

from dataclasses import dataclass

from tutor.policy import Rung


@dataclass(frozen=True, kw_only=True)
class RungText:
    """The words a page shows for one rung, before and after it is taken."""

    rung: int
    name: str
    gives: str
    effect: str


RUNGS: tuple[RungText, ...] = (
    RungText(
        rung=Rung.MIRROR,
        name="Mirror",
        gives="One question back, so that you see what you already know.",
        effect="Free. It does not count as help.",
    ),
    RungText(
        rung=Rung.ORIENT,
        name="Orient",
        gives="Where to look, in two sentences at most.",
        effect="Your grade stays as it is. Success on this objective then says a little less "
        "about your skill.",
    ),
    RungText(
        rung=Rung.CONCEPT,
        name="Concept",
        gives="The idea you need, with its sources.",
        effect="Your grade stays as it is. Success on this objective then says clearly less "
        "about your skill.",
    ),
    RungText(
        rung=Rung.TECHNIQUE,
        name="Technique",
        gives="The family of tools and where it is documented, or an example on another machine.",
        effect="Your grade stays as it is. Success on this objective then says much less "
        "about your skill.",
    ),
    RungText(
        rung=Rung.ANSWER,
        name="Answer",
        gives="The author's own next step.",
        effect="Your grade stays as it is. This objective then counts as shown to you, "
        "not as done by you.",
    ),
)


def describe(rung: int) -> RungText:
    """Return the words for one rung."""
    return RUNGS[rung]
