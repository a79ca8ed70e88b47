import re
from pathlib import Path

from range.catalog.lint import lint
from range.catalog.reader import read_scenario

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-scenario.md"


def written_from_the_page(folder: Path) -> Path:
    """Make the scenario that the how-to page tells its reader to make."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(yaml|dockerfile)\n(.*?)```", text, re.DOTALL))
    for name, content in {
        "scenario.yaml": blocks["yaml"],
        "machines/desk/Dockerfile": blocks["dockerfile"],
        "brief.md": "# The open drawer\n\nSomething lies about.\n",
        "knowledge/bits.md": "# Permission bits\n\nNine of them.\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_the_pages_literal_steps_make_a_scenario_without_a_finding(tmp_path):
    assert lint(read_scenario(written_from_the_page(tmp_path / "open-drawer"))) == []
