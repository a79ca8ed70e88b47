"""Writes what verification showed: for people, as JSON, and as JUnit."""

import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from range.authoring.verification import RunResult, Verification


def as_text(verification: Verification) -> str:
    """Return a few lines for people: one a run, and what differed under it."""
    if verification.error:
        return f"{verification.id}: could not be verified\n  " + verification.error.replace(
            "\n", "\n  "
        )
    passed = sum(run.is_as_expected for run in verification.runs)
    state = "verified" if verification.passed else "DIFFERS"
    count = f"{passed} of {len(verification.runs)} runs as expected"
    seconds = f"{verification.seconds:.1f} s"
    digest = f"digest {verification.digest[:12]}"
    lines = [f"{verification.id}: {state}, {count}, {seconds}, {digest}"]
    for run in verification.runs:
        if not run.is_as_expected:
            lines.append(f"  {run.name}")
            lines += [f"    {each}".replace("\n", "\n      ") for each in run.differences]
    return "\n".join(lines)


def as_json(verification: Verification, *, verified_at: str | None = None) -> str:
    """Return one JSON object on one line.

    Args:
        verified_at: When this content last passed as a whole, in ISO form.
    """
    return json.dumps(
        {
            "id": verification.id,
            "digest": verification.digest,
            "passed": verification.passed,
            "verified_at": verified_at,
            "error": verification.error,
            "seconds": round(verification.seconds, 2),
            "runs": [_run(run) for run in verification.runs],
        }
    )


def as_junit(verifications: Sequence[Verification]) -> bytes:
    """Return a JUnit document: a suite for each scenario, a case for each run."""
    root = Element("testsuites")
    for each in verifications:
        suite = SubElement(
            root,
            "testsuite",
            name=each.id,
            tests=str(len(each.runs) + bool(each.error)),
            failures=str(sum(not run.is_as_expected for run in each.runs)),
            errors=str(int(bool(each.error))),
            time=f"{each.seconds:.2f}",
        )
        if each.error:
            case = SubElement(suite, "testcase", classname=each.id, name="preparation")
            SubElement(case, "error", message=_plain(each.error))
        for run in each.runs:
            case = SubElement(
                suite, "testcase", classname=each.id, name=run.name, time=f"{run.seconds:.2f}"
            )
            # One failure a case: readers of the format count cases, and show the first only.
            if run.differences:
                told = [_plain(difference) for difference in run.differences]
                SubElement(case, "failure", message=told[0]).text = "\n".join(told)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _run(run: RunResult) -> dict[str, object]:
    return {
        "name": run.name,
        "expected": dict(run.expected),
        "found": dict(run.found),
        "seconds": round(run.seconds, 2),
        "as_expected": run.is_as_expected,
        "differences": list(run.differences),
    }


def _plain(text: str) -> str:
    """Leave out characters that XML cannot hold."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
