"""What probes found is kept whole, and only what proves something replaces it."""

import stat

from range.lib import clock
from range.runtime.containment.verdict import Outcome, Verdict, unproven
from range.sandboxes import probe_record


def held(probe="egress-tcp"):
    return Verdict(probe=probe, outcome=Outcome.CLOSED, detail="nothing arrived", critical=True)


def got_out(probe="egress-tcp"):
    return Verdict(probe=probe, outcome=Outcome.OPEN, detail="left by eth0", critical=True)


def test_before_the_first_run_there_is_none(tmp_path):
    assert probe_record.newest(tmp_path) is None


def test_a_run_is_read_back_as_it_was(tmp_path):
    began = clock.now()
    verdicts = [held(), unproven("control-limits", "slow")]
    assert probe_record.remember(tmp_path / "state", verdicts, cause="start")
    record = probe_record.newest(tmp_path / "state")
    assert record.verdicts == tuple(verdicts)
    assert (record.cause, record.breaches) == ("start", [])
    assert began <= record.at <= clock.now()


def test_the_newest_run_counts(tmp_path):
    probe_record.remember(tmp_path, [got_out()], cause="start")
    assert probe_record.newest(tmp_path).breaches == ["egress-tcp"]
    probe_record.remember(tmp_path, [held()], cause="doctor")
    assert probe_record.newest(tmp_path).breaches == []


def test_a_run_that_proves_nothing_does_not_lift_a_breach(tmp_path):
    probe_record.remember(tmp_path, [got_out()], cause="start")
    nothing = unproven("egress-tcp", "only root may watch", critical=True)
    assert not probe_record.remember(tmp_path, [nothing], cause="doctor")
    assert probe_record.newest(tmp_path).breaches == ["egress-tcp"]


def test_a_probe_that_is_not_critical_holds_nobody_up(tmp_path):
    harmless = Verdict(probe="dns-query", outcome=Outcome.OPEN, detail="lo")
    probe_record.remember(tmp_path, [held(), harmless], cause="doctor")
    assert probe_record.newest(tmp_path).breaches == []


def test_a_file_that_makes_no_sense_counts_as_none(tmp_path):
    for content in ("", "{}", "[]", '{"at": "x", "cause": "c", "verdicts": []}', "\xff"):
        probe_record.path(tmp_path).write_text(content, "latin-1")
        assert probe_record.newest(tmp_path) is None


def test_a_link_laid_in_its_place_is_replaced_and_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    probe_record.path(tmp_path).symlink_to(elsewhere)
    probe_record.remember(tmp_path, [held()], cause="start")
    assert elsewhere.read_text() == "precious"
    assert not probe_record.path(tmp_path).is_symlink()


def test_only_its_owner_may_write_it_and_no_scrap_is_left(tmp_path):
    probe_record.remember(tmp_path, [held()], cause="start")
    assert stat.S_IMODE(probe_record.path(tmp_path).stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["probes.json"]
