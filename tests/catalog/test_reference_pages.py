import re
from pathlib import Path

import pytest

from range.catalog.reference_pages import checks_page, format_page
from range.checks.kinds import KINDS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "page"), [("scenario-format.md", format_page), ("checks.md", checks_page)]
)
def test_the_reference_says_what_the_fields_say(name, page):
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == page(), "run manage.py export_schema --pages docs/reference"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_check_has_a_heading_and_names_its_trap(kind):
    page = (DOCS / "checks.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    assert section, f"docs/reference/checks.md has no heading for {kind}"
    assert "Trap:" in section


def test_links_inside_the_format_lead_somewhere():
    page = format_page()

    targets = set(re.findall(r"\]\(#([a-z0-9]+)\)", page))
    anchors = set(re.findall(r'<a id="([a-z0-9]+)">', page))
    checks = {model.__name__.lower() for model in KINDS.values()}
    assert targets - anchors <= checks


def test_every_key_of_the_format_has_a_meaning():
    for line in format_page().splitlines() + checks_page().splitlines():
        if line.startswith("| `"):
            assert line.rsplit("|", 2)[1].strip(), line
