"""Lint: labelled records tell good rules from bad ones, and no sandbox holds the hidden ones."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from uuid import UUID

from range.catalog.problems import Problem, Severity
from range.catalog.reader import LoadedScenario
from range.catalog.templating import TemplateInvalid
from range.catalog.topology_builder import TopologyInvalid, asset_bytes, filled_asset
from range.catalog.variables import draw
from range.catalog.yaml_tree import Place
from range.checks.combine import leaves
from range.checks.corpus import CorpusBroken, Labelled, Tally
from range.checks.detection import Corpus, DetectionCheck
from range.lib.errors import RangeError

FEW_RECORDS = 20
_SAMPLE = (b"lint", UUID("00000000-0000-4000-8000-000000000000"))


def corpus_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Yield what is wrong with the records that rules are tried on."""
    for position, objective in enumerate(loaded.spec.objectives):
        place: Place = ("objectives", position, "checks")
        for check in leaves(objective.checks):
            if isinstance(check, DetectionCheck):
                yield from _detection(loaded, place, check)


def _detection(loaded: LoadedScenario, place: Place, check: DetectionCheck) -> Iterator[Problem]:
    read: dict[str, list[Labelled]] = {}
    for name, corpus in check.corpora().items():
        try:
            read[name] = check.read(_content(loaded, corpus))
        except (CorpusBroken, TemplateInvalid, TopologyInvalid, UnicodeError) as error:
            message = error.message if isinstance(error, RangeError) else str(error)
            expected = f"labelled records in {corpus.path}"
            yield loaded.problem(Severity.ERROR, place, expected, message)
    for name, records in read.items():
        yield from _telling(loaded, place, check, name, records)
    yield from _kept_apart(loaded, place, check.hidden.path)
    if len(read) == 2:
        yield from _new(loaded, place, check, *read.values())


def _content(loaded: LoadedScenario, corpus: Corpus) -> bytes:
    if corpus.template is None:
        return asset_bytes(loaded.assets, corpus.path)
    secret, attempt = _SAMPLE
    values = draw(loaded.spec, secret, attempt, epoch=1)
    return filled_asset(loaded.assets, corpus.path, values)


def _telling(
    loaded: LoadedScenario,
    place: Place,
    check: DetectionCheck,
    name: str,
    records: list[Labelled],
) -> Iterator[Problem]:
    wanted = sum(each.is_positive for each in records)
    harmless = len(records) - wanted
    if not wanted or not harmless:
        expected = f"{name} of both labels for {check.id}"
        yield loaded.problem(Severity.ERROR, place, expected, f"{wanted} and {harmless}")
    elif check.accepts(Tally(found=wanted, missed=0, false_alarms=harmless, harmless=harmless)):
        yield loaded.problem(
            Severity.ERROR,
            place,
            f"limits for {check.id} that a rule which finds everything breaks",
            f"{harmless} harmless ones of {len(records)}",
            "Lower max_false_positives or raise min_precision.",
        )
    elif len(records) < FEW_RECORDS:
        expected = f"at least {FEW_RECORDS} {name} for {check.id}"
        yield loaded.problem(Severity.WARNING, place, expected, str(len(records)))


def _kept_apart(loaded: LoadedScenario, place: Place, path: str) -> Iterator[Problem]:
    spec = loaded.spec
    seeds = {seed.source for machine in spec.machines.values() for seed in machine.seed}
    builds = [machine.build.rstrip("/") for machine in spec.machines.values() if machine.build]
    reached = path in seeds or any(path.startswith(f"{build}/") for build in builds)
    if reached or any(PurePosixPath(path).match(each) for each in spec.tutor.knowledge):
        yield loaded.problem(
            Severity.ERROR,
            place,
            "hidden records outside seeds, build folders and knowledge",
            repr(path),
            "What trainees or the tutor can read is not hidden.",
        )


def _new(
    loaded: LoadedScenario,
    place: Place,
    check: DetectionCheck,
    visible: list[Labelled],
    hidden: list[Labelled],
) -> Iterator[Problem]:
    known = {_written(each) for each in visible if each.is_positive}
    same = [each for each in hidden if each.is_positive and _written(each) in known]
    wanted = sum(each.is_positive for each in hidden)
    if wanted and len(same) / wanted >= check.min_recall:
        yield loaded.problem(
            Severity.ERROR,
            place,
            f"hidden records for {check.id} that are not among the examples",
            f"{len(same)} of {wanted} that are",
            "A rule that knows the examples by heart would pass.",
        )


def _written(each: Labelled) -> str:
    return json.dumps(each.record.fields, sort_keys=True)
