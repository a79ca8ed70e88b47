"""A small scenario folder that tests change in one place at a time."""

import copy
from pathlib import Path

from ruamel.yaml import YAML

SPEC = {
    "schema": 1,
    "id": "small-desk",
    "version": "1.0.0",
    "title": "Small desk",
    "summary": "One machine, one flag and one thing to mend.",
    "modes": ["attack", "fix"],
    "difficulty": 1,
    "estimated_minutes": 10,
    "frameworks": {"attack": {"version": "18.1", "techniques": ["T1548.001"]}},
    "variables": {
        "flag_enter": {"type": "flag"},
        "password": {"type": "password"},
        "way": {"type": "choice", "from": ["cron", "suid"], "hidden": True},
        "colour": {"type": "choice", "from": ["red", "blue"]},
    },
    "networks": {"lan": {"console": True}},
    "machines": {
        "box": {
            "build": "machines/box",
            "networks": ["lan"],
            "console": {"user": "trainee"},
            "accounts": {"trainee": 1000},
            "seed": [
                {"template": "seed/note.j2", "to": "/srv/note", "mode": "0600"},
                {"text": "{{ password }}", "to": "/root/pw", "owner": "trainee"},
                {"when": {"way": "cron"}, "text": "cron", "to": "/etc/way"},
            ],
            "setup": [["touch", "/srv/{{ colour }}"], {"run": ["id"], "when": {"way": "suid"}}],
            "healthy": {"command": ["test", "-f", "/srv/note"], "within_seconds": 5},
            "security": {
                "allow_privilege_gain": True,
                "reason": "sudo is part of the exercise",
            },
        }
    },
    "objectives": [
        {
            "key": "enter",
            "title": "Get in",
            "checks": {"kind": "flag"},
            "skills": [{"key": "enumerate-system"}],
            "techniques": ["attack:T1548.001"],
            "hints": [
                {"rung": 1, "text": "Look around."},
                {"rung": 2, "text": "Rights are bits."},
                {"rung": 3, "when": {"way": "cron"}, "text": "Look at what runs by itself."},
                {"rung": 3, "when": {"way": "suid"}, "text": "Look at set bits."},
                {"rung": 4, "from": "reference"},
            ],
        },
        {
            "key": "mend",
            "title": "Close it",
            "checks": {
                "all_of": [
                    {
                        "id": "gone",
                        "kind": "file",
                        "machine": "box",
                        "path": "/etc/way",
                        "exists": False,
                    },
                    {
                        "id": "kept",
                        "when": {"way": "suid"},
                        "kind": "file",
                        "machine": "box",
                        "path": "/srv/{{ colour }}",
                    },
                ]
            },
            "skills": [{"key": "harden-privilege"}],
            "hints": [
                {"rung": 1, "text": "What is needed?"},
                {"rung": 2, "text": "Least privilege."},
                {"rung": 3, "text": "Take away what is not needed."},
                {"rung": 4, "text": "Remove /etc/way."},
            ],
        },
    ],
    "reference": {
        "enter": [{"on": "box", "run": "cat /srv/note", "submit": "enter", "say": "Read it."}],
        "mend": [{"on": "box", "as": "root", "run": "rm -f /etc/way"}],
    },
    "wrong": {
        "hide": {
            "about": "Moves it away.",
            "steps": [{"on": "box", "as": "root", "run": "true"}],
            "unmet": ["mend"],
        },
        "break": {
            "about": "Breaks the work.",
            "steps": [{"on": "box", "as": "root", "run": "false", "may_fail": True}],
            "unmet": ["mend"],
        },
    },
}
FILES = {
    "brief.md": "# Small desk\n\nThe door is {{ colour }}.\n",
    "seed/note.j2": "{{ flag_enter }}\n",
    "machines/box/Dockerfile": "ARG BASE=range/base:bookworm\nFROM ${BASE}\n",
    "knowledge/rights.md": "# Rights\n\nThey are bits.\n",
}


def changed(**parts):
    """Return the small scenario's data with top-level parts replaced; None removes one."""
    data = copy.deepcopy(SPEC)
    for key, part in parts.items():
        if part is None:
            data.pop(key, None)
        else:
            data[key] = part
    return data


def write(folder: Path, data=None, *, files=None) -> Path:
    """Write the small scenario, or other data, as a folder."""
    for name, text in (FILES | (files or {})).items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    yaml = YAML()
    yaml.width = 200
    with (folder / "scenario.yaml").open("w", encoding="utf-8") as target:
        yaml.dump(SPEC if data is None else data, target)
    return folder
