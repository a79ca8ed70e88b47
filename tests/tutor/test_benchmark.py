"""The benchmark's command: its options, and an object with exactly the keys that were promised."""

import json

import pytest

from benchmarks import tutor as bench
from tutor.evaluation.figures import KEYS, of_mode

ONCE = {
    "ndcg10",
    "recall5",
    "lexical_ndcg10",
    "lexical_recall5",
    "retrieval_p95_ms_50k",
    "rubric_qwk",
    "rubric_coverage",
}


def test_the_object_has_exactly_the_promised_keys(capsys):
    report = bench.Report(modes={"none": of_mode({})})
    bench._print(report, as_json=True)
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found.keys() == {"none"} | ONCE
    assert found["none"].keys() == set(KEYS)
    assert found["rubric_qwk"] is None
    assert "not measured" in said.err


def test_the_table_says_what_was_not_measured(capsys):
    bench._print(bench.Report(words=["local: not measured, no weights"]), as_json=False)
    said = capsys.readouterr().out
    assert "local: not measured, no weights" in said
    assert "hint progress: not measured" in said


def test_a_sample_is_what_is_run_unless_told_otherwise():
    options = bench._options([])
    assert (options.full, options.minutes, options.modes) == (False, 25.0, bench.MODES)
    assert bench._options(["--full"]).minutes > 1000
    assert bench._options(["--modes", "none,hosted"]).modes == ("none", "hosted")


@pytest.mark.parametrize("wrong", [["--modes", "magic"], ["--sample", "--full"]])
def test_nonsense_is_refused(wrong):
    with pytest.raises(SystemExit):
        bench._options(wrong)
