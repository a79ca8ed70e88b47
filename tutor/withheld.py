"""The one place that reads secrets and the reference: for the guard, never for a prompt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from range.assessment.evidence import current_epoch
from range.catalog.schema import ScenarioSpec
from range.catalog.services import attempt_spec, secrets_of
from range.console.redaction import Redactor
from range.exercises.models import Attempt
from tutor.policy import Rung


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """What must not leave the range; hidden from every repr and log.

    Args:
        secrets: Value to placeholder, of every epoch of the attempt.
        reference: Lines that the reference solution types.
        above: What it says in words, and authored hints of the rungs above the one granted.
    """

    secrets: Mapping[str, str] = field(repr=False)
    reference: tuple[str, ...] = field(repr=False)
    above: tuple[str, ...] = field(repr=False)

    def redact(self, text: str) -> str:
        """Replace every secret in a text that is about to enter a prompt."""
        return Redactor(self.secrets).redact(text)


@dataclass(frozen=True, kw_only=True)
class Authored:
    """What the author wrote for one objective, by rung, secrets already replaced."""

    rungs: Mapping[int, str]

    def at(self, rung: int) -> str:
        """Return the author's words for a rung, empty where there are none."""
        return self.rungs.get(rung, "")

    def up_to(self, rung: int) -> tuple[str, ...]:
        """Return what a trainee with this rung may have read."""
        return tuple(text for at, text in sorted(self.rungs.items()) if at <= rung)


@dataclass(frozen=True, kw_only=True)
class Help:
    """An objective's authored ladder, and what the guard must keep back at one rung."""

    authored: Authored
    withheld: Withheld


def help_for(attempt: Attempt, objective: str, *, rung: int) -> Help:
    """Read an objective's ladder, and split it at the rung that was granted."""
    version, epoch = attempt.exercise.version, current_epoch(attempt)
    spec = attempt_spec(version, attempt.pk, epoch)
    secrets = secrets_of(version, attempt.pk, epoch)
    redactor = Redactor(secrets)
    rungs = {at: redactor.redact(text) for at, text in _ladder(spec, objective)}
    answered = rung >= Rung.ANSWER
    withheld = Withheld(
        secrets=secrets,
        reference=() if answered else tuple(_reference_parts(spec, "run")),
        above=(
            *(text for at, text in sorted(rungs.items()) if at > rung),
            *(() if answered else _reference_parts(spec, "say")),
        ),
    )
    return Help(authored=Authored(rungs=rungs), withheld=withheld)


def _ladder(spec: ScenarioSpec, objective: str) -> Iterator[tuple[int, str]]:
    """Yield rung and text; several texts on one rung become paragraphs."""
    texts: dict[int, list[str]] = {}
    for each in (each for each in spec.objectives if each.key == objective):
        for hint in each.hints:
            text = hint.text or "\n".join(_steps_in_words(spec, objective))
            texts.setdefault(hint.rung, []).append(text.strip())
    for rung, parts in sorted(texts.items()):
        yield rung, "\n\n".join(part for part in parts if part)


def _steps_in_words(spec: ScenarioSpec, objective: str) -> Iterator[str]:
    """Write the reference of one objective as the last rung of its ladder."""
    for step in spec.reference.get(objective, ()):
        if say := getattr(step, "say", ""):
            yield say
        if run := getattr(step, "run", None):
            yield f"```\n{run.strip()}\n```"


def _reference_parts(spec: ScenarioSpec, part: str) -> Iterator[str]:
    """Yield the lines of one part of every objective's reference: later steps are kept back too.

    Args:
        part: `run` for what is typed, `say` for what is said about it.
    """
    for step in (step for steps in spec.reference.values() for step in steps):
        text = getattr(step, part, None) or ""
        yield from (line.strip() for line in text.splitlines() if line.strip())
