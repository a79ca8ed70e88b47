"""Writes the rungs of an objective's ladder of help for one attempt."""

from collections.abc import Iterable, Iterator

from range.catalog.schema import ScenarioSpec
from range.catalog.schema_solutions import PutStep, RunStep, Step, SubmitStep, WaitStep


def hint_text(spec: ScenarioSpec, objective: str, rung: int) -> str | None:
    """Return a rung as Markdown, or None when the author wrote none.

    Args:
        spec: The attempt's scenario, filled in.
        rung: 1 to 4; 4 is the answer.
    """
    for hint in spec.objective(objective).hints:
        if hint.rung == rung:
            return hint.text if hint.text is not None else _from_reference(spec, objective)
    return None


def reference_lines(spec: ScenarioSpec) -> list[str]:
    """Return the commands of every reference step, which must stay out of prompts and replies."""
    found: list[str] = []
    for steps in spec.reference.values():
        for step in steps:
            if isinstance(step, RunStep) and step.run is not None:
                found += [line.strip() for line in step.run.splitlines() if line.strip()]
    return found


def _from_reference(spec: ScenarioSpec, objective: str) -> str:
    return "\n\n".join(_described(spec.reference.get(objective, ())))


def _described(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if step.say:
            yield step.say
        if isinstance(step, RunStep):
            who = f" as `{step.account}`" if step.account else ""
            if step.run is not None:
                yield f"On `{step.on}`{who}:\n\n{_fenced(step.run)}"
        elif isinstance(step, PutStep) and not step.say:
            yield f"Change `{step.to}` on `{step.on}`."
        elif isinstance(step, SubmitStep) and not step.say:
            yield "Hand in what you found."
        elif isinstance(step, WaitStep) and not step.say:
            yield f"Wait about {step.wait_seconds:.0f} seconds."


def _fenced(text: str) -> str:
    # A fence longer than any run of backticks inside cannot be closed by the text.
    fence = "`" * (max((len(run) for run in _runs_of_backticks(text)), default=0) + 3)
    return f"{fence}sh\n{text.strip()}\n{fence}"


def _runs_of_backticks(text: str) -> Iterator[str]:
    run = ""
    for character in text + " ":
        if character == "`":
            run += character
        elif run:
            yield run
            run = ""
