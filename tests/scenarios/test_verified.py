"""Every scenario of the library proves itself on real machines.

The default run verifies two of them, and those whose content has changed since
`scenarios/verified.json` was written; `bin/test --full` verifies each three times over, so that
what depends on what is drawn for an attempt shows.
"""

import os
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from range.authoring.verification_report import as_text
from range.authoring.verified import RECORD_FILE, VerifiedLog
from range.authoring.verify import Verifier
from range.catalog.reader import read_scenario
from range.runtime import options as driver_options
from range.runtime.registry import get_driver

LIBRARY = Path(__file__).resolve().parents[2] / "scenarios"
SLUGS = sorted(path.parent.name for path in LIBRARY.glob("*/scenario.yaml"))
RECORD = VerifiedLog(path=LIBRARY / RECORD_FILE)
FULL = "MUSTER_TEST_FULL" in os.environ
REPEATS = 3 if FULL else 1
# Verified in every run: what judges may have changed where no scenario did. These attack, fix and
# investigate; sudo-says, with every sort of rule that it knows, would take six minutes.
ALWAYS = ("clinic-portal", "quiet-night")

# A wrong solution must fail for what is wrong with it: run, objective, check, and its reason.
SENTINELS = {
    "sudo-says": """
        wrong-half-closed[way=sudo-pager] close sudo-rules sudo-still-granted
        wrong-half-closed[way=sudo-editor] close sudo-rules sudo-still-granted
        wrong-half-closed[way=sudo-path] close sudo-search-path sudo-default-still-there
        wrong-half-closed[way=sudo-env] close sudo-environment sudo-default-still-there
        wrong-half-closed[way=setuid-copy] close own-programs mode-too-open
        wrong-half-closed[way=capability] close own-programs capability-set
        wrong-half-closed[way=cron-script] close job-files mode-too-open
        wrong-half-closed[way=tar-wildcard] close job-names content-still-there
        wrong-take-everything[way=sudo-pager] close pack-rule sudo-no-longer-granted
        wrong-take-everything[way=sudo-editor] close settings access-missing
        wrong-take-everything[way=sudo-path] close pack-stamp content-missing
        wrong-take-everything[way=sudo-env] close pack-rule sudo-no-longer-granted
        wrong-take-everything[way=setuid-copy] close search file-missing
        wrong-take-everything[way=capability] close totals-python access-missing
        wrong-take-everything[way=cron-script] close cron-lines content-missing
        wrong-take-everything[way=tar-wildcard] close inbox access-missing
        wrong-stop-the-clock[way=cron-script] close cron-runs process-missing
        wrong-stop-the-clock[way=tar-wildcard] close cron-runs process-missing
        wrong-paths-in-full close sudo-search-path sudo-default-still-there
        wrong-leave-a-door[way=capability] close left-in-var mode-too-open
        wrong-leave-a-door[way=sudo-env] close root-password content-missing
        wrong-leave-a-door[way=cron-script] close own-system mode-too-open
        wrong-leave-a-door[way=tar-wildcard] close left-in-srv mode-too-open
        wrong-leave-a-door[way=sudo-pager] close sudo-rules sudo-still-granted
    """,
    "teller-terminal": """
        wrong-everything-of-one-table read-staff flag flag-wrong
        wrong-the-wrong-person sign-in flag flag-wrong
        wrong-leave-a-door become-root flag flag-accepted
        wrong-leave-a-door become-root nothing-in-var mode-too-open
        wrong-a-bit-on-the-shell become-root programs-as-before mode-too-open
        wrong-a-password-for-root become-root no-password-for-root content-missing
        wrong-cover-the-tracks become-root flag flag-accepted
        wrong-cover-the-tracks become-root counter-works answers-differ
        wrong-thin-report report classes-named met
        wrong-thin-report report findings report-too-short
        wrong-wrong-classes report classes-named content-missing
    """,
    "three-hops": """
        wrong-one-seal-for-both third-hop flag flag-wrong
        wrong-close-everything segment nine-pairs paths-differ
        wrong-close-everything segment door-open port-open
        wrong-one-side-forgotten segment nine-pairs paths-differ
        wrong-machines-for-sides segment nine-pairs paths-differ
        wrong-until-the-next-start segment nine-pairs paths-as-wanted
        wrong-until-the-next-start segment kept file-missing
        wrong-stop-the-drive segment drive-answers no-answer
        wrong-shut-the-weighbridge close-hop door-there port-closed
        wrong-for-the-keeper-only close-hop carries-nobody content-missing
        wrong-for-the-keeper-only close-hop shows-state met
        wrong-everybody-but-drivers close-hop carries-nobody content-missing
        wrong-broken-settings close-hop carries-nobody met
        wrong-broken-settings close-hop both-sign-in answers-differ
        wrong-no-more-drivers close-hop carries-nobody met
        wrong-no-more-drivers close-hop shows-state content-missing
    """,
    "patch-sunday": """
        wrong-by-score rank first-six content-missing
        wrong-notes-unread rank first-six content-missing
        wrong-straight-to-live patch book answers-differ
        wrong-straight-to-live patch residents-served answers-differ
        wrong-tried-but-not-tested patch book answers-differ
        wrong-taken-back-too-late roll-back book answers-differ
        wrong-left-on-the-canary roll-back canary-whole answers-differ
        wrong-left-on-the-canary roll-back hole-guarded answers-differ
        wrong-one-more-for-good-measure patch residents-served answers-as-expected
        wrong-one-more-for-good-measure patch book answers-differ
        wrong-guards-for-all roll-back hole-guarded answers-as-expected
        wrong-guards-for-all roll-back searches-open answers-differ
    """,
    "clinic-portal": """
        fresh fix-authorisation strangers-refused some-answers-differ
        fresh fix-authorisation readers-served answers-as-expected
        fresh fix-outbound partners-served answers-as-expected
        wrong-hide-the-numbers fix-authorisation strangers-refused some-answers-differ
        wrong-one-door-of-four fix-authorisation readers-served answers-as-expected
        wrong-owners-only fix-authorisation strangers-refused answers-as-expected
        wrong-owners-only fix-authorisation readers-served some-answers-differ
        wrong-refuse-everybody fix-outbound inside-unreachable answers-as-expected
        wrong-refuse-everybody fix-outbound partners-served answers-differ
        wrong-list-of-bad-names fix-outbound inside-unreachable some-answers-differ
        wrong-list-of-bad-names fix-outbound partners-served answers-as-expected
        wrong-right-beginning fix-outbound inside-unreachable some-answers-differ
        wrong-names-in-the-source fix-outbound inside-unreachable answers-as-expected
        wrong-names-in-the-source fix-outbound by-the-settings content-still-there
        wrong-trusting-redirects fix-outbound inside-unreachable some-answers-differ
        wrong-trusting-redirects fix-outbound partners-served answers-as-expected
        wrong-for-the-examiner fix-authorisation strangers-refused answers-as-expected
        wrong-for-the-examiner fix-authorisation no-favourites content-still-there
        wrong-thin-report report findings report-too-short
    """,
    "quiet-night": """
        wrong-half-custody custody which answer-right
        wrong-half-custody custody minutes answer-wrong
        wrong-older-archive recover flag flag-wrong
        wrong-the-wrong-visit people address answer-wrong
        wrong-the-wrong-visit people stolen answer-right
        wrong-by-the-zone-file timeline mail-arrived met
        wrong-by-the-zone-file timeline server-entered content-missing
        wrong-by-the-zone-file timeline archive-deleted met
        wrong-house-time-for-all timeline logging-stopped content-missing
        wrong-house-time-for-all timeline gateway-left met
        wrong-every-minute timeline mail-arrived content-still-there
        wrong-every-minute timeline order met
    """,
    "model-zoo": """
        fresh gate-models let-through answers-as-expected
        wrong-any-stamp exchanged-weights which answer-right
        wrong-any-stamp exchanged-weights stamp flag-wrong
        wrong-all-mistakes poisoned-labels word answer-right
        wrong-all-mistakes poisoned-labels rows answer-wrong
        wrong-no-pickles-at-all gate-models refused answers-as-expected
        wrong-no-pickles-at-all gate-models let-through answers-differ
        wrong-list-of-bad-words gate-models refused some-answers-differ
        wrong-list-of-bad-words gate-models let-through some-answers-differ
        wrong-one-way-of-naming gate-models refused some-answers-differ
        wrong-one-way-of-naming gate-models let-through answers-as-expected
        wrong-load-and-see gate-models refused some-answers-differ
        wrong-digest-somewhere gate-lists releases-refused some-answers-differ
        wrong-digest-somewhere gate-lists packages-refused some-answers-differ
        wrong-digest-somewhere gate-lists packages-accepted some-answers-differ
    """,
    "invoice-desk": """
        wrong-everything-changed hold fourth met
        wrong-everything-changed hold no-others content-still-there
        wrong-by-bad-english hold first content-missing
        wrong-by-bad-english hold no-others content-still-there
        wrong-by-authentication hold second met
        wrong-by-authentication hold fourth content-missing
        wrong-confirmed-is-confirmed hold third content-missing
        wrong-confirmed-is-confirmed hold no-others met
        wrong-the-number-in-the-mail call-back flag flag-wrong
        wrong-the-loudest signs false-call answer-wrong
        wrong-the-service signs lookalike answer-wrong
        wrong-the-service signs answers-go-to answer-right
        wrong-every-new-account rule detection rule-false-alarms
        wrong-by-the-words rule detection rule-misses
        wrong-by-heart rule detection rule-misses
    """,
    "cve-desk": """
        fresh repair readers-served answers-as-expected
        wrong-accept-the-loud triage of-another met
        wrong-accept-the-loud triage weakness content-missing
        wrong-every-decision triage weakness content-still-there
        wrong-settings-not-read score cvss31 answer-wrong
        wrong-settings-not-read score cvss40 answer-right
        wrong-the-reported-one repair proofs-fail some-answers-differ
        wrong-the-reported-one repair readers-served answers-as-expected
        wrong-strip-until-gone repair proofs-fail some-answers-differ
        wrong-strip-until-gone repair readers-served answers-as-expected
        wrong-right-beginning repair proofs-fail some-answers-differ
        wrong-right-beginning repair readers-served answers-as-expected
        wrong-plain-names-only repair proofs-fail answers-as-expected
        wrong-plain-names-only repair readers-served some-answers-differ
        wrong-at-their-deadline advisory released-when content-missing
        wrong-at-their-deadline advisory kept-back met
        wrong-nearly-csaf advisory cause json-differs
        wrong-nearly-csaf advisory revision content-missing
        wrong-nearly-csaf advisory severity met
        wrong-out-for-all advisory kept-back json-differs
        wrong-out-for-all advisory released-when met
    """,
    "helpdesk-copilot": """
        fresh[door=ticket,exposed=briefing] fix-telling crew-refused answers-differ
        fresh[door=ticket,exposed=briefing] fix-telling readers-served answers-as-expected
        fresh[door=ticket,exposed=briefing] fix-acting texts-want-nothing answers-differ
        fresh[door=ticket,exposed=briefing] fix-acting helpdesk-acts answers-as-expected
        fresh[door=ticket,exposed=briefing] keep-working forty-conversations answers-as-expected
        wrong-filter-of-words fix-telling crew-refused (some-)?answers-differ
        wrong-filter-of-words fix-acting texts-want-nothing (some-)?answers-differ
        wrong-filter-of-words keep-working forty-conversations some-answers-differ
        wrong-told-not-to-obey fix-telling crew-refused some-answers-differ
        wrong-told-not-to-obey fix-acting texts-want-nothing some-answers-differ
        wrong-told-not-to-obey fix-acting helpdesk-acts answers-as-expected
        wrong-marked-as-data fix-acting texts-want-nothing some-answers-differ
        wrong-marked-as-data fix-acting helpdesk-acts answers-as-expected
        wrong-tools-off fix-acting texts-want-nothing answers-as-expected
        wrong-tools-off fix-acting helpdesk-acts some-answers-differ
        wrong-tools-off keep-working forty-conversations some-answers-differ
        wrong-refuse-everything fix-telling crew-refused answers-as-expected
        wrong-refuse-everything fix-telling readers-served answers-differ
        wrong-rights-alone fix-acting texts-want-nothing answers-differ
        wrong-yes-alone fix-telling crew-refused answers-differ
        wrong-yes-to-everything fix-telling readers-served some-answers-differ
        wrong-yes-to-everything fix-acting texts-want-nothing answers-as-expected
        wrong-yes-to-everything keep-working forty-conversations some-answers-differ
        wrong-filter-of-answers fix-telling crew-refused some-answers-differ
        wrong-tickets-only fix-acting texts-want-nothing some-answers-differ
        wrong-tickets-only fix-acting helpdesk-acts answers-as-expected
    """,
}


@pytest.fixture(scope="module")
def driver():
    chosen = replace(driver_options.current(), installation=f"library-test-{os.getpid()}")
    made = get_driver("docker", chosen)
    yield made
    for handle in made.running():
        made.stop(handle)


def test_the_record_names_scenarios_of_the_library_alone():
    entries = RECORD.entries()
    assert entries
    assert sorted(set(entries) - set(SLUGS)) == []
    for entry in entries.values():
        assert re.fullmatch(r"[0-9a-f]{64}", entry["digest"])
        assert datetime.fromisoformat(entry["at"]).tzinfo is not None


def test_the_two_that_are_always_verified_exist():
    assert set(ALWAYS) <= set(SLUGS)


def is_due(slug):
    return FULL or slug in ALWAYS or not RECORD.knows(read_scenario(LIBRARY / slug).digest)


@pytest.mark.docker
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("repeat", range(REPEATS))
@pytest.mark.parametrize("slug", SLUGS)
def test_a_scenario_of_the_library_verifies(driver, slug, repeat):
    if not is_due(slug):
        at = RECORD.entries()[slug]["at"]
        pytest.skip(f"unchanged since it was verified on {at[:10]}; --full verifies it")
    found = Verifier(driver=driver).verify(LIBRARY / slug)
    assert found.passed, as_text(found)
    names = {re.split(r"[\s\[#]", run.name)[0] for run in found.runs}
    flags = {"foreign-flag"} if read_scenario(LIBRARY / slug).spec.flag_variables() else set()
    assert {"fresh", "reference"} | flags <= names
    assert sum(name.startswith("wrong-") for name in names) >= 2
    assert list(driver.running()) == []
    assert sentinels_that_differ(found, SENTINELS.get(slug, "")) == []


def sentinels_that_differ(found, expected):
    # A solution of one variant alone needs no variant in its name.
    short = Counter(run.name.partition("[")[0] for run in found.runs)
    runs = {run.name: run for run in found.runs}
    runs |= {n: run for name, run in runs.items() if short[n := name.partition("[")[0]] == 1}
    wrong = []
    for run, objective, check, reason in (
        line.split() for line in expected.split("\n") if line.strip()
    ):
        told = runs[run].reasons.get(objective, "") if run in runs else "no such run"
        if not re.search(rf"(^|; ){check}: {reason}\b", told):
            wrong.append(f"{run} {objective}: expected {check}: {reason}, told {told}")
    return wrong
