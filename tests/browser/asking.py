"""Runs lines inside a range, each in a process forked from one that has imported everything.

A line of standard input asks: `{"code": ..., "values": ...}`. A line of standard output answers:
`{"printed": ..., "error": ...}`, with no error where all went well. Nothing of what one question
leaves in memory is there for the next.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import traceback

import django

# What most questions import.
EARLY = (
    "range.assessment.services",
    "range.catalog.services",
    "range.exercises.models",
    "range.runtime.registry",
    "range.sandboxes.services",
    "range.timeline.services",
)


def answered(asked):
    """Run the lines, and return what they printed and how they failed."""
    printed, error = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(asked["code"], {"values": asked["values"]})
        except BaseException:
            error = traceback.format_exc()
    return {"printed": printed.getvalue(), "error": error}


def main():
    django.setup()
    for name in EARLY:
        importlib.import_module(name)
    answers = os.dup(1)
    # What a program that is started here prints would stand among the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            text = json.dumps(answered(json.loads(line))) + "\n"
            with os.fdopen(answers, "w") as file:
                file.write(text)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
