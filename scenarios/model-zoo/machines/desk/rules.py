"""The rules of the gate. Each function returns the reasons to refuse; an empty list accepts.

The service asks them anew for every question, so a saved change counts at once.
"""

import json
from pathlib import Path

ALLOWED_IMPORTS = set(Path("/srv/gate/allowed-imports.txt").read_text().split())
APPROVED = Path("/srv/gate/approved-packages.txt").read_text().split()
RELEASES = json.loads(Path("/srv/zoo/publisher.json").read_text())["releases"]


def model(name, data):
    """Judge a model by its name and bytes."""
    if not name.endswith((".pkl", ".pt")):
        return ["this is no kind of file we load"]
    return []


def release(name, sha256):
    """Judge a digest by what was published under a name."""
    if not any(each["sha256"] == sha256 for each in RELEASES):
        return ["nobody published this"]
    return []


def sbom(document):
    """Judge a bill of materials by the packages it lists."""
    if not document.get("components"):
        return ["it lists nothing"]
    return []
