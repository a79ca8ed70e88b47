"""Sets up attempts as the range would have them: commands redacted, evidence, refusals."""

import random
import re
import uuid
from dataclasses import dataclass

from django.conf import settings

from range.accounts.models import Membership, Organisation, User
from range.assessment.evidence import Finding, write
from range.catalog.models import ScenarioVersion
from range.catalog.publish import publish
from range.catalog.services import attempt_spec, secrets_of, values_for
from range.checks.combine import leaves
from range.checks.judgements import met
from range.console.outputs import Output
from range.console.redaction import Redactor
from range.exercises.models import Attempt, Exercise
from range.timeline.services import record
from tutor.evaluation.sets import State, Typed

EPOCH = 1
MOST_DRAWS = 2_000
_VARIABLE = re.compile(r"\{\{ (\w+) \}\}")


@dataclass(frozen=True, kw_only=True)
class Staged:
    """An attempt at one moment, and what must not be told there."""

    attempt: Attempt
    state: State
    secrets: tuple[str, ...]
    typed: tuple[str, ...]


class Stage:
    """The scenarios of the library, offered to a school of the evaluation's own."""

    def __init__(self, *, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311
        self._school = Organisation.objects.create(
            slug=f"evaluation-{uuid.uuid4().hex[:8]}",
            name="Evaluation",
            kind=Organisation.Kind.SCHOOL,
        )
        self._offers: dict[str, Exercise] = {}

    def offer(self, scenario: str) -> Exercise:
        """Return the exercise of a scenario, published if need be."""
        if scenario not in self._offers:
            version = publish(settings.RANGE_SCENARIOS_DIR / scenario).version
            self._offers[scenario] = Exercise.objects.create(
                version=version, organisation=self._school
            )
        return self._offers[scenario]

    def at(self, state: State) -> Staged:
        """Begin an attempt and bring it to a moment, every secret shown on its screen."""
        attempt = self._attempt(state)
        version = attempt.exercise.version
        secrets = secrets_of(version, attempt.pk, EPOCH)
        values = values_for(version, attempt.pk, EPOCH)
        redactor, typed = Redactor(secrets), list[str]()
        shown = [Typed(run=f"cat seen-{at}", out=value) for at, value in enumerate(secrets)]
        for number, each in enumerate([*shown, *state.commands], start=1):
            run = _VARIABLE.sub(lambda found: str(values.get(found[1], "")), each.run)
            out = _VARIABLE.sub(lambda found: str(values.get(found[1], "")), each.out)
            typed += [run, out]
            show(attempt, number, Typed(run=run, out=out, exit=each.exit), redactor)
        self._judge(attempt, state)
        return Staged(attempt=attempt, state=state, secrets=tuple(secrets), typed=tuple(typed))

    def _attempt(self, state: State) -> Attempt:
        exercise = self.offer(state.scenario)
        person = User.objects.create_user(username=f"t-{uuid.uuid4().hex}")
        Membership.objects.create(
            person=person, organisation=self._school, role=Membership.Role.TRAINEE
        )
        pk = self._drawn(exercise.version, state)
        return Attempt.objects.create(pk=pk, exercise=exercise, trainee=person)

    def _drawn(self, version: ScenarioVersion, state: State) -> uuid.UUID:
        """Return an id whose drawn variables are those of the moment.

        Raises:
            LookupError: No draw has them: the moment names a value that does not exist.
        """
        for _ in range(MOST_DRAWS):
            pk = uuid.UUID(int=self._rng.getrandbits(128), version=4)
            values = values_for(version, pk, EPOCH)
            if all(str(values.get(key)) == value for key, value in state.variables.items()):
                return pk
        raise LookupError(f"{state.id}: nothing is drawn with {state.variables}.")

    def _judge(self, attempt: Attempt, state: State) -> None:
        spec = attempt_spec(attempt.exercise.version, attempt.pk, EPOCH)
        for objective in (each for each in spec.objectives if each.key in state.met):
            for check in leaves(objective.checks):
                finding = Finding(
                    objective=objective.key,
                    check_id=check.id,
                    kind=check.kind,
                    judgement=met("seen"),
                )
                write(attempt, finding)
        for _ in range(state.refused):
            record(
                attempt.pk,
                kind="submission.refused",
                actor=f"trainee:{attempt.trainee_id}",
                payload={"objective": state.objective, "check": "", "reason": "wrong"},
            )


def show(attempt: Attempt, number: int, typed: Typed, redactor: Redactor) -> None:
    """Write a command into the timeline as the console role does, secrets redacted."""
    output = Output()
    output.add(typed.out.encode())
    digest = output.digest(redactor)
    record(
        attempt.pk,
        kind="console.command",
        actor=f"trainee:{attempt.trainee_id}",
        payload={
            "number": number,
            "machine": "desk",
            "text": redactor.redact(typed.run),
            "exit": typed.exit,
            "ms": 20,
            "digest": {
                "first": list(digest.first),
                "last": list(digest.last),
                "lines": digest.lines,
            },
            "error_class": output.error_class(typed.exit),
        },
    )
