import json
from pathlib import Path

RELEASES = json.loads(Path("/srv/zoo/publisher.json").read_text())["releases"]
APPROVED = set(Path("/srv/gate/approved-packages.txt").read_text().split())


def model(name, data):
    return []


def release(name, sha256):
    return [] if any(each["sha256"] == sha256.lower() for each in RELEASES) else ["not published"]


def sbom(document):
    names = [each["name"] for each in document["components"] if each["type"] == "library"]
    return [each for each in names if each not in APPROVED]
