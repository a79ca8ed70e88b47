"""The tutor's evaluation: leaks, citations, help, injections, refusals, retrieval, grading.

Tries the product's own services on a database of its own, in each mode that is there: without a
model, with the local one, and with a hosted one where TUTOR_CHAT or TUTOR_BASE_URL names it.
`--sample`, the default, tries everything without a model and a seeded sample with one; `--full`
tries everything with each. Outcomes are kept as they come, below var/evaluation: a run that was
ended goes on where it was. What was not measured is null, and the table says why.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks._own_range import BASE, local_model, own_range

if TYPE_CHECKING:
    from tutor.evaluation.running import Plan

MODES = ("none", "local", "hosted")
ONCE = (
    "ndcg10",
    "recall5",
    "lexical_ndcg10",
    "lexical_recall5",
    "retrieval_p95_ms_50k",
    "rubric_qwk",
    "rubric_coverage",
)
SAMPLE_MINUTES = 25.0
KEPT = BASE / "var" / "evaluation"


@dataclass
class Report:
    """What a run found out, and in words what it did not."""

    modes: dict[str, Mapping[str, float | int | None]] = field(default_factory=dict)
    once: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(ONCE))
    words: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the figures alone."""
        return {**self.modes, **self.once}


def main(argv: Sequence[str]) -> int:
    """Run what was asked for and print it."""
    options = _options(argv)
    report = Report()
    with own_range(), ExitStack() as stack:
        from tutor.evaluation.running import Plan

        _ingest(report)
        plan = Plan(
            seed=options.seed,
            full=options.full,
            until=time.monotonic() + 60 * options.minutes,
            fresh=options.fresh,
        )
        for mode in options.modes:
            why = stack.enter_context(local_model()) if mode == "local" else ""
            _mode(mode, plan, report, why)
        if options.retrieval:
            _retrieval(report)
        if options.large:
            _large(report, options.chunks)
    _print(report, as_json=options.json)
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench tutor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--sample", dest="full", action="store_false", help="at most half an hour")
    size.add_argument("--full", action="store_true", help="everything; goes on where it was ended")
    parser.set_defaults(full=False)
    parser.add_argument("--modes", type=_modes, default=MODES, help="none,local,hosted")
    parser.add_argument("--minutes", type=float, help="stop trying after so long; go on later")
    parser.add_argument("--seed", type=int, default=1, help="of the order and of the sample")
    parser.add_argument("--fresh", action="store_true", help="forget what was tried before")
    parser.add_argument("--no-retrieval", dest="retrieval", action="store_false")
    parser.add_argument("--no-large", dest="large", action="store_false")
    parser.add_argument("--chunks", type=int, default=50_000, help="of the large index")
    options = parser.parse_args(argv)
    if options.minutes is None:
        options.minutes = 7 * 24 * 60.0 if options.full else SAMPLE_MINUTES
    return options


def _modes(text: str) -> tuple[str, ...]:
    wanted = tuple(part for part in text.split(",") if part)
    if unknown := set(wanted) - set(MODES):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return wanted


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _ingest(report: Report) -> None:
    """Bring the library's knowledge in, embedded by the real model where it is."""
    from django.conf import settings

    from tutor.ingest import documents, ingest
    from tutor.providers import registry

    tally = ingest(documents(settings.RANGE_SCENARIOS_DIR), registry.embedding())
    report.words.append(f"{tally.chunks} passages of {tally.sources} sources")
    if tally.waiting:
        report.words.append(f"{tally.waiting} passages have no vector: words alone are measured")


def _mode(mode: str, plan: "Plan", report: Report, why: str) -> None:
    from tutor.evaluation import running
    from tutor.evaluation.figures import of_mode
    from tutor.evaluation.store import Store
    from tutor.providers import registry

    registry.forget_health()
    if reason := why or running.why_not(mode):
        report.words.append(f"{mode}: not measured, {reason}")
        return
    about = running.about(mode, plan, _model_of(mode))
    store = Store(KEPT / f"{mode}-{about['size']}.jsonl", about, fresh=plan.fresh)
    done, wanted = running.run(mode, plan, store, say=_say)
    report.modes[mode] = of_mode(store.done)
    part = "" if done == wanted else ", the rest is not tried yet"
    report.words.append(f"{mode} ({about['model'] or 'no model'}): {done} of {wanted} cases{part}")


def _model_of(mode: str) -> str:
    from django.conf import settings

    from tutor.providers.weights import CHAT_MODEL

    named = str(settings.TUTOR_CHAT or settings.TUTOR_BASE_URL)
    return {"none": "", "local": f"{CHAT_MODEL.filename} {CHAT_MODEL.sha256[:12]}"}.get(mode, named)


def _retrieval(report: Report) -> None:
    from tutor.evaluation import agreement
    from tutor.evaluation.retrieval import held_out, measure
    from tutor.providers import registry

    both, words = measure(held_out(), registry.embedding()), measure(held_out(), None)
    report.once |= {
        "ndcg10": round(both.ndcg10, 4),
        "recall5": round(both.recall5, 4),
        "lexical_ndcg10": round(words.ndcg10, 4),
        "lexical_recall5": round(words.recall5, 4),
    }
    report.words.append(f"retrieval: {both.questions} questions that nothing was tuned on")
    if why := agreement.why_not(registry.choose().model):
        report.words.append(f"rubric_qwk, rubric_coverage: not measured, {why}")
        return
    from tutor.evaluation.stage import Stage

    found = agreement.measure(Stage(seed=1))
    report.once |= {"rubric_qwk": found.qwk, "rubric_coverage": found.coverage}


def _large(report: Report, chunks: int) -> None:
    from tutor.evaluation import large
    from tutor.evaluation.large import CHUNKS
    from tutor.providers import registry

    _say(f"Filling an index with {chunks:,} passages …")
    built = large.fill(registry.embedding(), chunks=chunks)
    found = large.measure(registry.embedding(), built=built)
    if chunks == CHUNKS:
        report.once["retrieval_p95_ms_50k"] = found.p95_ms
    report.words.append(
        f"among {chunks:,} passages half of the searches take {found.p50_ms} ms, 95 of 100 at "
        f"most {found.p95_ms} ms; embedding a question takes {found.embedding_ms} ms, apart"
    )
    report.words.append(
        f"their index takes {found.index_mib} MiB and {found.build_seconds} s to make, and finds "
        f"{found.recall:.1%} of the nearest"
    )


def _print(report: Report, *, as_json: bool) -> None:
    """Print the object on standard output, or the table; the words go where people read."""
    out = sys.stderr if as_json else sys.stdout
    for mode, figures in report.modes.items():
        print(f"\n{mode}", file=out)
        for key, value in figures.items():
            print(f"  {key:<24} {_shown(value)}", file=out)
    print("", file=out)
    for key, once in report.once.items():
        print(f"{key:<26} {_shown(once)}", file=out)
    print("", *report.words, sep="\n", file=out)
    print("hint progress: not measured, there are no real attempts to take it from", file=out)
    if as_json:
        print(json.dumps(report.as_json()))


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
