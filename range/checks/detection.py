"""A trainee's detection rule, tried outside the machine on labelled records it has never seen."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from range.checks.base import Judgement, Probe
from range.checks.corpus import CorpusBroken, Labelled, Tally, read_corpus, tried
from range.checks.judgements import inconclusive, met, unmet
from range.checks.patterns import Budget, PatternTooCostly
from range.checks.rubric import Artefact
from range.checks.rule_lines import SIZE_LIMIT_BYTES, read_lines_rule
from range.checks.rule_logic import RuleInvalid, Test
from range.checks.sigma import read_sigma
from range.checks.spec import CheckSpec, Line, Scalar, Spec

SECONDS_TO_TRY = 8.0
AssetPath = Annotated[
    str, StringConstraints(pattern=r"^[\w-][\w./-]{0,199}$"), Field(examples=["corpora/a.jsonl"])
]


class Corpus(Spec):
    """Labelled records: a file of the scenario with one JSON object a line."""

    file: AssetPath | None = None
    """The file, taken as it is."""
    template: AssetPath | None = None
    """The file, filled in with the attempt's variables, so that records differ per attempt."""

    @model_validator(mode="after")
    def _one_source(self) -> "Corpus":
        if (self.file is None) == (self.template is None):
            raise ValueError("give exactly one of file and template")
        return self

    @property
    def path(self) -> str:
        """Return the file's path inside the scenario."""
        return self.file or self.template or ""


class DetectionCheck(CheckSpec):
    """Met when a rule finds enough of what it should, and little else, on every corpus.

    Trap: a rule that finds everything, or knows the examples by heart. It is read as data and
    tried outside the machine, bounded in time, on records that never enter the sandbox; harmless
    records taken for a hit have a budget, and what a rule must not see is removed first.
    """

    kind: Literal["detection"]
    rule: Artefact
    """Where the rule lies, as `machine:/absolute/path`."""
    language: Literal["sigma", "lines"] = "sigma"
    """Sigma in YAML, or the small language: lines such as `subject contains "urgent"`."""
    hidden: Corpus
    """Records the trainee never sees; the rule is judged by these."""
    visible: Corpus | None = None
    """Records the trainee has too; the rule must do as well on them."""
    label: Line = "label"
    """Field that says what a record is; no rule sees it."""
    positive: Scalar = True
    """The label's value for what should be found."""
    unseen_fields: tuple[Line, ...] = ()
    """Further fields that no rule sees, such as a running number."""
    min_precision: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of what the rule finds that should be found."""
    min_recall: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of what should be found that the rule finds."""
    max_false_positives: Annotated[int, Field(ge=0)] = 0
    """Harmless records of a corpus that may be taken for a hit."""

    def corpora(self) -> dict[str, Corpus]:
        """Return the corpora by what they are called to people."""
        named = {"examples": self.visible, "hidden records": self.hidden}
        return {name: corpus for name, corpus in named.items() if corpus is not None}

    def judge(self, probe: Probe, *, objective: str = "") -> Judgement:
        machine, _, path = self.rule.partition(":")
        stat = probe.stat(machine, path)
        if stat is None or stat.is_link or stat.is_directory:
            return unmet("rule-missing", excerpt=path)
        if stat.size_bytes > SIZE_LIMIT_BYTES:
            return unmet("rule-too-large", excerpt=f"{stat.size_bytes} bytes")
        data = probe.read_file(machine, path, limit_bytes=SIZE_LIMIT_BYTES)
        if not data:
            return unmet("rule-missing", excerpt=path)
        try:
            rule = read_sigma(data) if self.language == "sigma" else read_lines_rule(data)
            tallies = self._tallies(probe, rule)
        except RuleInvalid as error:
            return unmet("rule-not-understood", excerpt=str(error))
        except PatternTooCostly:
            return unmet("rule-too-costly")
        except CorpusBroken as error:
            return inconclusive("corpus-broken", excerpt=str(error))
        return self._judged(tallies)

    def read(self, data: bytes) -> list[Labelled]:
        """Return the records of a corpus as rules see them.

        Raises:
            CorpusBroken: They cannot be read.
        """
        return read_corpus(
            data, label=self.label, positive=self.positive, without=self.unseen_fields
        )

    def accepts(self, tally: Tally) -> bool:
        """Tell whether a rule did well enough on a corpus."""
        return (
            tally.precision >= self.min_precision
            and tally.recall >= self.min_recall
            and tally.false_alarms <= self.max_false_positives
        )

    def _tallies(self, probe: Probe, rule: Test) -> dict[str, Tally]:
        budget = Budget(SECONDS_TO_TRY)
        tallies = {}
        for name, corpus in self.corpora().items():
            data = probe.asset(corpus.path, filled=corpus.template is not None)
            tallies[name] = tried(rule, self.read(data), budget)
        return tallies

    def _judged(self, tallies: dict[str, Tally]) -> Judgement:
        shown = "\n".join(f"{name}: {tally}" for name, tally in tallies.items())
        wrong = [tally for tally in tallies.values() if not self.accepts(tally)]
        if not wrong:
            return met("rule-holds", excerpt=shown)
        score = min(tally.skill for tally in tallies.values())
        if any(tally.recall < self.min_recall for tally in wrong):
            return unmet("rule-misses", excerpt=shown, score=score)
        return unmet("rule-false-alarms", excerpt=shown, score=score)
