"""Fit difficulties and the hint offset to all finished attempts, and keep them as a named set."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from range.accounts.models import User
from range.lib.errors import RangeError
from range.pipeline.calibration import Answer, Fit, calibrate, fitted_set
from range.pipeline.log import read_log
from range.pipeline.sets import current, keep


class Command(BaseCommand):
    """Reports the fit; with --name also keeps it. RANGE_PARAMETER_SET then puts it to use."""

    help = "Fit difficulties and the hint offset to attempts, and report how well that foretells."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", help="keep the fit as a parameter set of this name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fit, report, and keep where asked to.

        Raises:
            CommandError: There are no finished attempts, or the name is taken.
        """
        base = current()
        answers = [
            Answer(person=str(person.pk), item=traced.item, observation=traced.observation)
            for person in User.objects.filter(attempts__isnull=False).distinct().order_by("pk")
            for traced in read_log(person, parameters=base).traced
        ]
        if not answers:
            raise CommandError("There are no finished attempts to fit anything to.")
        fit = calibrate(answers, parameters=base)
        self.stdout.write(json.dumps(asdict(fit)) if options["json"] else report(fit))
        if options["name"]:
            made = fitted_set(fit, name=options["name"], base=base)
            try:
                path = keep(made, report={"base": base.name, **asdict(fit)})
            except RangeError as error:
                raise CommandError(error.message) from error
            self.stderr.write(
                f"Kept in {path}. Estimates made from now on use it once RANGE_PARAMETER_SET is "
                f"{made.name}; earlier ones name the set they were made with."
            )


def report(fit: Fit) -> str:
    """Return the fit as a table for people."""
    lines = [
        f"{fit.answers} answers of {fit.people} people",
        f"hint offset {fit.hint_offset:.2f} ± {fit.hint_offset_sd:.2f} logits a rung",
        f"somebody who is a logit further from an item asks for help {fit.asking:.2f} logits more",
    ]
    if fit.loss_before is not None and fit.loss_after is not None:
        lines.append(
            f"surprise at people held out: {fit.loss_before:.4f} before, {fit.loss_after:.4f} "
            "after (less is better)"
        )
    else:
        lines.append("too few people to test the fit on some that were held out")
    lines.append(f"{'item':<48} answers  before  fitted  ±     share  expected")
    lines += [
        f"{each.item[:48]:<48} {each.answers:>7}  {each.before:>6.2f}  {each.difficulty:>6.2f}  "
        f"{each.sd:.2f}  {each.share:>5.2f}  {each.expected:>8.2f}"
        for each in fit.items
    ]
    return "\n".join(lines)
