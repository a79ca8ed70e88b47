"""The JSON Schema of scenario files, and the copy beside the scenarios that editors read."""

import json
from functools import cache
from pathlib import Path

from range.catalog.schema import ScenarioSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Beside the scenarios' folders, so that the line an editor reads is the same in each of them.
SCHEMA_FILE = ".schema.json"
EDITOR_LINE = f"# yaml-language-server: $schema=../{SCHEMA_FILE}\n"


@cache
def schema_text() -> str:
    """Return the JSON Schema of `scenario.yaml` as it is now."""
    schema = {"$schema": DIALECT} | ScenarioSpec.model_json_schema(by_alias=True)
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def refresh_schema(root: Path) -> None:
    """Write the schema beside the scenarios unless the same is there."""
    path, text = root / SCHEMA_FILE, schema_text()
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
