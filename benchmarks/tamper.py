"""Checks that survive root: every tamper is tried on real machines, and none may count as work.

A trainee with root who does not do what was asked tries to make a check say MET. Each tamper is
first proved to deceive a person; then the check is judged as in an attempt. `false_met` counts
the tampers that counted as work done, `false_unmet` the honest work that did not.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks._tampers import CASES
from benchmarks._tampers.arena import ROUNDS, Arena, Blunt, Tried, arena
from benchmarks._tampers.case import Case, Tamper

# Sandboxes at once: what is waited for is mostly the engine.
AT_ONCE = 2
type Work = Callable[[Arena], list[Tried]]


def deceit(case: Case, each: Tamper, *, rounds: int = ROUNDS) -> Work:
    """Return the work of trying one tamper."""
    return lambda place: [place.tried(case, each, rounds=rounds)]


def honesty(case: Case) -> Work:
    """Return the work of judging a case before and after it is solved."""
    return lambda place: list(place.honest(case))


def chosen(text: str) -> tuple[Case, ...]:
    """Return the cases whose kind or name is, or holds, a text."""
    exact = tuple(each for each in CASES if text == each.kind)
    return exact or tuple(each for each in CASES if text in each.name)


def done(works: Sequence[Work], *, at_once: int = AT_ONCE) -> tuple[list[Tried], list[str]]:
    """Do it all in as many sandboxes; return what was tried, and what was no tamper at all."""
    waiting: SimpleQueue[Work] = SimpleQueue()
    for each in works:
        waiting.put(each)
    tried: list[Tried] = []
    blunt: list[str] = []

    def some() -> None:
        with arena() as place:
            while True:
                try:
                    work = waiting.get_nowait()
                except Empty:
                    return
                try:
                    tried.extend(work(place))
                except Blunt as error:
                    blunt.append(str(error))

    with ThreadPoolExecutor(at_once) as pool:
        for future in [pool.submit(some) for _ in range(min(at_once, len(works)))]:
            future.result()
    return tried, blunt


def report(tried: Sequence[Tried], blunt: Sequence[str], seconds: float) -> dict[str, Any]:
    """Return the figures, and what was tried of each kind."""
    deceits = [each for each in tried if each.tamper]
    after = [each for each in tried if not each.tamper and each.is_work]
    before = [each for each in tried if not each.tamper and not each.is_work]
    missed = [each for each in after if set(each.outcomes) != {"MET"}]
    false = [each for each in (*deceits, *before) if each.is_false]
    kinds = sorted({each.kind for each in deceits})
    return {
        "tried": len(deceits),
        "false_met": len(false),
        "false_unmet": len(missed),
        "blunt": len(blunt),
        "seconds": round(seconds, 1),
        "kinds": dict(Counter(each.kind for each in deceits)),
        "false": [f"{each.case}/{each.tamper or 'untouched'}" for each in false],
        "missed": [f"{each.case}: {', '.join(each.reasons)}" for each in missed],
        "deceive_nobody": list(blunt),
        "inconclusive": [
            f"{each.case}/{each.tamper}" for each in deceits if "INCONCLUSIVE" in each.outcomes
        ],
        "list": {
            kind: [f"{each.case}/{each.tamper}" for each in deceits if each.kind == kind]
            for kind in kinds
        },
    }


def table(result: dict[str, Any]) -> str:
    """Return what people read."""
    lines = [
        f"{name:<16}{result[name]:>8}"
        for name in ("tried", "false_met", "false_unmet", "blunt", "seconds")
    ]
    for kind, names in result["list"].items():
        lines += ["", kind, *(f"  {each}" for each in sorted(names))]
    for title in ("false", "missed", "deceive_nobody"):
        lines += ["", title, *(f"  {each}" for each in result[title])] if result[title] else []
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Try everything and print a table, or one JSON object with `--json`."""
    parser = argparse.ArgumentParser(prog="tamper", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", default="", help="one kind, or cases whose name holds this")
    options = parser.parse_args(argv)
    cases = chosen(options.only)
    began = time.monotonic()
    works = [deceit(case, each) for case in cases for each in case.tampers]
    tried, blunt = done([*works, *(honesty(case) for case in cases)])
    result = report(tried, blunt, time.monotonic() - began)
    print(json.dumps(result) if options.json else table(result))
    return 1 if result["false_met"] or result["false_unmet"] or result["blunt"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
