"""The lines that candidates may have reached: stages of the pipeline, and readiness for roles."""

import uuid
from collections.abc import Iterator

from django.db.models import QuerySet

from range.accounts.models import Organisation, User
from range.pipeline.agency.asked import Asked
from range.pipeline.agency.grid import frame_for
from range.pipeline.agency.ranking import candidates_of, ranked
from range.pipeline.impact.withholding import Cut, People
from range.pipeline.models import Candidacy
from range.pipeline.readiness import Word

STAGES = "Stages"
_WORDS = (
    (Word.MEETS, "meets"),
    (Word.LIKELY, "likely or better"),
    (Word.UNCLEAR, "enough evidence to tell"),
)


def everybody(agency: Organisation) -> People:
    """Return the people who let an agency look at this moment."""
    return _ids(candidates_of(agency))


def cuts_of(agency: Organisation) -> Iterator[Cut]:
    """Return every line, the ones that decide most first."""
    yield from _stages(agency)
    for role in frame_for(agency, Asked()).roles:
        frame = frame_for(agency, Asked(role=role.code))
        reached: People = frozenset()
        for word, name in _WORDS:
            asked = Asked(role=role.code, word=word.value)
            reached |= _ids(ranked(agency, asked, frame.held))
            yield Cut(part=f"{role.title} ({role.codes})", name=name, people=reached)


def _stages(agency: Organisation) -> Iterator[Cut]:
    rows = Candidacy.objects.filter(agency=agency)
    placed = dict(rows.values_list("trainee", "stage"))
    reached: set[uuid.UUID] = set()
    for stage in reversed(Candidacy.Stage):
        reached |= {person for person, held in placed.items() if held == stage}
        further = "" if stage == Candidacy.Stage.HIRED else " or further"
        yield Cut(part=STAGES, name=f"{stage.label}{further}", people=frozenset(reached))


def _ids(people: QuerySet[User]) -> People:
    return frozenset(people.order_by().values_list("pk", flat=True))
