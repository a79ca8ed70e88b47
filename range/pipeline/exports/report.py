"""The evidence report as an accessible PDF: what the person's page says, to hand over on paper."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.utils import timezone

from range.assessment.grading import latest_grade
from range.assessment.models import Evidence
from range.exercises.models import Attempt
from range.lib.logs import get_logger
from range.pipeline.evidence_lines import appeal_in_words
from range.pipeline.exports.asking import attempts_of, records_of
from range.pipeline.profile import Profile, SkillLine
from range.timeline import tombstones
from range.timeline.models import Event

log = get_logger(__name__)

TEMPLATE = Path(__file__).with_name("report.typ")
# A report is for reading; everything is in the signed file.
RECORDS_SHOWN = 60
EXCERPT_SHOWN = 900
_WORDS = (
    "A word needs at least 10 checks over 4 scenarios, at least half of them not judged by a "
    "language model alone. “Meets” means that the skill lies above the cut with probability 0.95, "
    "“likely” with 0.9; otherwise it is unclear. Readiness for a role is that of its weakest "
    "required skill, never an average."
)
_REPLAY = (
    "The estimates follow from the evidence alone, with parameter set {parameter_set}; whoever "
    "replays it gets the same figures to the last bit. The mapping from skills to framework "
    "statements is this project's own, and says of each line whether a person reviewed it."
)
_CHAIN = (
    "Every record carries a SHA-256 digest and stands in its attempt's hash chain, of which the "
    "last link is shown beside each attempt. The signed evidence file of the same person holds "
    "every event and record, and verifies offline with the range's public key"
)
_OUTCOMES = {"MET": "met", "UNMET": "not met"}


def report(profile: Profile) -> bytes:
    """Return the report as PDF/UA: tagged, in fonts of the typesetter's own.

    Where those lack a letter of somebody's name, this machine's fonts help out; where these
    lack it too, the report is tagged all the same, but no longer bears the standard's name.
    """
    # Only who asks for a report loads the typesetter.
    import typst

    words = {"told": json.dumps(told(profile))}
    ways: tuple[tuple[bool, list[Literal["ua-1"]]], ...] = (
        (True, ["ua-1"]),
        (False, ["ua-1"]),
        (False, []),
    )
    for own_fonts, standard in ways:
        try:
            made: bytes = typst.compile(
                TEMPLATE,
                root=TEMPLATE.parent,
                ignore_system_fonts=own_fonts,
                sys_inputs=words,
                pdf_standards=[*standard],
                timestamp=profile.as_of.replace(microsecond=0),
            )
        except typst.TypstError as error:
            # The message may quote somebody's text.
            log.warning("report.letter.missing", standard=standard, own_fonts=own_fonts)
            failed = error
            continue
        return made
    raise failed


def told(profile: Profile) -> dict[str, object]:
    """Return what the report says, in words and figures."""
    person, role = profile.person, profile.role
    readiness = profile.readiness
    attempts, evidence = attempts_of(profile)[::-1], records_of(profile)
    return {
        "title": f"Evidence report: {person.shown_name}",
        "range": settings.RANGE_NAME,
        "person": person.shown_name,
        "subtitle": f"{role.title} · {role.codes}" if role else "Observable skills",
        "role": role.title if role else "",
        "about": _about(profile),
        "facts": [
            {"name": "Readiness", "value": readiness.word.value if readiness else "no role chosen"},
            {"name": "Coverage", "value": _coverage(profile)},
            {"name": "Attempts", "value": str(len(attempts))},
            {"name": "As of", "value": _day(profile.as_of)},
        ],
        "required": [_skill(line) for line in profile.required],
        "others": [_skill(line) for line in profile.others],
        "settle": [
            {"title": each.title, "tells_of": each.tells_of} for each in profile.suggestions
        ],
        "attempts": [_attempt(attempt) for attempt in attempts],
        "evidence": [_record(row) for row in evidence[:RECORDS_SHOWN]],
        "left_out": _left_out(len(evidence)),
        "reading": _reading(profile),
        "footer": f"{person.shown_name} · {settings.RANGE_NAME} · {_moment(profile.as_of)} · "
        "an evidence report, not a certification",
    }


def _about(profile: Profile) -> str:
    mode = "assessed attempts only" if profile.assessed_only else "practice and assessed attempts"
    return (
        f"What checks saw {profile.person.shown_name} do on real machines, how sure that makes "
        f"us, and the records that prove it; from {mode}. An interval holds the skill with 80 % "
        "probability; 0 is the reference entry-level trainee, and the upright mark is the cut "
        "that the role asks for."
    )


def _coverage(profile: Profile) -> str:
    known = profile.readiness
    return f"{known.covered} of {known.aligned} statements" if known else "none"


def _skill(line: SkillLine) -> dict[str, object]:
    standing = line.standing
    cut = line.bar.cut is not None
    return {
        "name": line.name,
        "amount": _amount(line),
        "low": standing.low,
        "high": standing.high,
        "mean": standing.mean,
        "interval": line.interval,
        "enough": standing.tally.suffices,
        "cut": _cut(line) if cut else None,
        "cut_words": line.cut,
        "word": line.word.value if line.word else line.level,
        "sure": f"{line.probability:.0%} likely above it" if line.probability is not None else "",
    }


def _cut(line: SkillLine) -> float:
    return float(line.cut.replace("\N{MINUS SIGN}", "-"))


def _amount(line: SkillLine) -> str:
    amount = line.standing.tally
    if not amount.checks:
        return "no evidence yet: the interval is what is assumed of anybody"
    words = f"{_count(amount.checks, 'check')} in {_count(amount.scenarios, 'scenario')}"
    if amount.hinted:
        words += f", {amount.hinted} with hints"
    if line.contested:
        words += f", {line.contested} contested and not answered yet"
    return words + (f", last on {_day(amount.last_at)}" if amount.last_at else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _attempt(attempt: Attempt) -> Mapping[str, str]:
    grade = latest_grade(attempt)
    last = Event.objects.filter(attempt_id=attempt.pk).order_by("-seq").first()
    version = attempt.exercise.version
    return {
        "title": version.scenario.title,
        "version": version.version,
        "mode": attempt.exercise.get_policy_display().lower(),
        "finished": _moment(attempt.finished_at) if attempt.finished_at else "",
        "share": f"{grade.share:.0%}{' so far' if grade.provisional else ''}" if grade else "",
        "head": f"{last.hash[:16]}…" if last else "",
    }


def _record(row: Evidence) -> Mapping[str, str]:
    judge = row.judged_by.shown_name if row.judged_by else row.get_source_display().lower()
    excerpt = row.excerpt
    if len(excerpt) > EXCERPT_SHOWN:
        excerpt = f"{excerpt[:EXCERPT_SHOWN]} …"
    return {
        "objective": row.objective.title,
        "check": row.check_id,
        "scenario": row.attempt.exercise.version.scenario.title,
        "when": _moment(row.observed_at),
        "judge": f"judged by {judge}",
        "help": f"hint on rung {row.hint_rung}" if row.hint_rung else "without help",
        "contested": appeal_in_words(row),
        "outcome": _OUTCOMES.get(row.outcome, "not judged"),
        # The report is made of tagged text: what a terminal would do with it must not matter.
        "excerpt": "".join(each for each in excerpt if each == "\n" or each.isprintable()),
        "sha256": row.sha256,
    }


def _left_out(count: int) -> str:
    if count <= RECORDS_SHOWN:
        return ""
    return f"{count - RECORDS_SHOWN} older records are left out here; the signed file has them all."


def _reading(profile: Profile) -> list[str]:
    ring = tombstones.keys()
    return [
        _WORDS,
        _REPLAY.format(parameter_set=profile.parameter_set),
        f"{_CHAIN} {ring.active.id} ({ring.active.public}).",
    ]


def _day(at: datetime) -> str:
    local = timezone.localtime(at, UTC)
    return f"{local.day} {local:%B %Y}"


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at, UTC):%Y-%m-%d %H:%M} UTC"
