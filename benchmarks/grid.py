"""Pages of the grid of candidates over HTTP, beside the bare query that ranks them.

Runs a range of its own with its web role and Postgres, fills it with candidates who consented to
the demo agency and with an estimate for every skill of each, practice and assessed apart, and
asks for pages as an assessor does: every role, order, filter, all skills, far pages. The floor is
the query that finds and orders the people of the first page, run on a connection of its own, in
turn with the pages so that whatever else the machine does hits both.
"""

import argparse
import http.client
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from benchmarks._people import cookie_of
from benchmarks._whole_range import BASE, WholeRange, whole_range

SCENARIOS = (BASE / "scenarios" / "sudo-says",)
SETTLE_SECONDS = 5

# Abilities differ between people, and skills around a person's; evidence is uneven.
PEOPLE = """
INSERT INTO accounts_user (id, password, is_superuser, username, first_name, last_name, email,
    is_staff, is_active, date_joined, display_name, time_zone, must_choose_password)
SELECT gen_random_uuid(), '!', false, 'candidate-' || n, '', '', '', false, true, now(),
    (ARRAY['Ada','Bo','Chidi','Dana','Elif','Femi','Goran','Hana'])[1 + n %% 8] || ' '
        || (ARRAY['Okafor','Lindqvist','Reyes','Halvorsen','Ito','Mbeki'])[1 + n %% 6] || ' ' || n,
    '', false
FROM generate_series(1, %(people)s) AS n
"""
SKILLS = """
INSERT INTO competencies_observableskill (id, key, name, description, rubric)
SELECT gen_random_uuid(), 'further-' || n, 'Further skill ' || n, 'Made for the benchmark.', '[]'
FROM generate_series(1, %(skills)s - (SELECT count(*) FROM competencies_observableskill)) AS n
"""
CONSENTS = """
INSERT INTO accounts_consent (id, trainee_id, agency_id, granted_at, expires_at)
SELECT gen_random_uuid(), u.id, o.id, now(), now() + interval '90 days'
FROM accounts_user u, accounts_organisation o
WHERE u.username LIKE 'candidate-%%' AND o.kind = 'AGENCY'
"""
STAGES = """
INSERT INTO pipeline_candidacy (agency_id, trainee_id, stage)
SELECT c.agency_id, c.trainee_id,
    (ARRAY['INVITED','PRACTISING','ASSESSED','REFERRED','HIRED'])[1 + floor(random() * 5)::int]
FROM accounts_consent c WHERE random() < 0.7 AND c.expires_at IS NOT NULL
"""
ESTIMATES = """
INSERT INTO pipeline_skillestimate (trainee_id, skill_id, assessed_only, mean, sd, evidence_count,
    scenario_count, hinted_count, attested_count, last_observed_at, parameter_set, updated_at)
SELECT u.id, s.id, a.assessed, u.ability + random() - 0.5, 0.2 + random() * 0.5, e.checks,
    1 + e.checks / 4, 1, e.checks, now() - random() * interval '300 days', '2026.1', now()
FROM (SELECT id, (random() + random() + random() + random() - 2) * 2 AS ability
      FROM accounts_user WHERE username LIKE 'candidate-%%') u
CROSS JOIN competencies_observableskill s
CROSS JOIN (VALUES (false), (true)) AS a(assessed)
CROSS JOIN LATERAL (SELECT 8 + (random() * 30)::int + (u.id IS NULL)::int AS checks) e
"""


def fill(people: int, skills: int) -> dict[str, int]:
    """Write candidates and their estimates; return how many rows of each there are."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.2026)")
        for statement in (PEOPLE, SKILLS, CONSENTS, STAGES, ESTIMATES):
            cursor.execute(statement, {"people": people, "skills": skills})
        # As autovacuum does it on a range that has been up for a while.
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(
            "SELECT (SELECT count(*) FROM pipeline_skillestimate),"
            " (SELECT count(*) FROM competencies_observableskill),"
            " (SELECT count(*) FROM accounts_consent)"
        )
        rows, kinds, consents = cursor.fetchone()
    return {"rows": rows, "skills": kinds, "candidates": consents}


def addresses() -> dict[str, str]:
    """Return the pages that are asked for, by what they show."""
    from range.competencies.frameworks import roles_with_requirements

    roles = [role.code for role in roles_with_requirements()]
    asked: dict[str, dict[str, str]] = {
        "first page": {},
        "far page": {"page": "200"},
        "last page": {"page": "400"},
        "by name": {"sort": "name", "page": "37"},
        "by stage": {"sort": "stage"},
        "by latest evidence": {"sort": "recent"},
        "by a skill": {"sort": "skill:map-network", "page": "3"},
        "who meets": {"word": "meets"},
        "not enough evidence": {"word": "not enough evidence"},
        "one stage": {"stage": "REFERRED"},
        "name searched": {"search": "okafor 12"},
        "assessed only": {"evidence": "assessed"},
        "all skills": {"columns": "all"},
        "all skills, last part": {"columns": "all", "part": "6"},
        "figures": {"shown": "figures"},
    }
    asked |= {f"role {code}": {"role": code} for code in roles}
    return {name: f"/candidates/?{urlencode(query)}" for name, query in asked.items()}


class Reader:
    """An assessor's browser: one connection, signed in."""

    def __init__(self, site: WholeRange) -> None:
        from django.conf import settings

        from range.accounts.models import User

        assessor = User.objects.get(username="assessor")
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={cookie_of(assessor)}"
        self._line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)

    def get(self, address: str) -> tuple[float, int]:
        """Return the milliseconds until a page was read to its end, and its bytes."""
        began = time.perf_counter()
        self._line.request("GET", address, headers={"Cookie": self._cookie})
        answer = self._line.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200 or b"candidate-grid__name" not in body:
            raise SystemExit(f"{address} answered {answer.status}.")
        return took, len(body)


def bare() -> float:
    """Return the milliseconds of the query that finds and orders the people of a first page."""
    from range.accounts.models import Organisation
    from range.pipeline.agency.asked import Asked
    from range.pipeline.agency.grid import PAGE_LENGTH, frame_for
    from range.pipeline.agency.ranking import ranked

    agency = Organisation.objects.get(kind=Organisation.Kind.AGENCY)
    query = ranked(agency, Asked(), frame_for(agency, Asked()).held)
    began = time.perf_counter()
    list(query.values_list("pk")[:PAGE_LENGTH])
    return (time.perf_counter() - began) * 1000


def measure(site: WholeRange, rounds: int) -> dict[str, Any]:
    """Ask for every page in turn, as often as wanted, with the floor between them."""
    reader, pages = Reader(site), addresses()
    for address in pages.values():
        reader.get(address)
    times: dict[str, list[float]] = {name: [] for name in pages}
    heaviest, floor = 0, []
    for _ in range(rounds):
        for name, address in pages.items():
            took, size = reader.get(address)
            times[name].append(took)
            heaviest = max(heaviest, size)
        floor += [bare(), bare()]
    every = [took for each in times.values() for took in each]
    return {
        "p95_ms": quantile(every, 95),
        "p50_ms": quantile(every, 50),
        "max_ms": round(max(every), 1),
        "requests": len(every),
        "pages": len(pages),
        "heaviest_page_bytes": heaviest,
        "floor_query_p50_ms": quantile(floor, 50),
        "floor_query_p95_ms": quantile(floor, 95),
        "by_page_p95_ms": {name: quantile(each, 95) for name, each in times.items()},
    }


def quantile(values: Sequence[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    if len(values) < 2:
        return round(values[0], 1)
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)


def table(result: dict[str, Any]) -> str:
    """Write the figures for people."""
    floor = result["floor_query_p50_ms"], result["floor_query_p95_ms"]
    lines = [
        f"{result['candidates']} candidates, {result['skills']} skills, {result['rows']} estimates",
        f"{'page':<26}{'p95 ms':>9}",
        *(f"{name:<26}{took:>9}" for name, took in result["by_page_p95_ms"].items()),
        f"{'all pages':<26}{result['p95_ms']:>9}   p50 {result['p50_ms']}",
        f"{'floor: query':<26}{floor[1]:>9}   p50 {floor[0]}",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(prog="grid", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--skills", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=10, help="how often each page is asked for")
    options = parser.parse_args(argv)
    with whole_range(SCENARIOS, wanted=("web",)) as site:
        result: dict[str, Any] = fill(options.people, options.skills)
        time.sleep(SETTLE_SECONDS)
        result = measure(site, options.rounds) | result
    print(json.dumps(result) if options.json else table(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
