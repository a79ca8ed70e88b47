"""Reads the project's own starter slice: frameworks, observable skills and role requirements."""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from range.competencies.readers.content import Entry, FrameworkContent, StatementEntry

FOLDER = Path(__file__).resolve().parent.parent / "starter"
_KINDS = {"T": "TASK", "K": "KNOWLEDGE", "S": "SKILL"}
_RELATIONS = {"exact": "EXACT", "part-of": "PART_OF", "related": "RELATED"}

# The cut points at which a role may ask for a skill, in logits.
CUTS = {"assisted": -0.8, "independent": 0.4}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _NiceRole(_Strict):
    code: str
    title: str
    description: str
    statements: list[str]


class _Nice(_Strict):
    version: str
    title: str
    roles: list[_NiceRole]
    areas: dict[str, str]
    statements: dict[str, str]


class _DcwfRole(_Strict):
    code: str
    title: str
    nice: str


class _Dcwf(_Strict):
    version: str
    title: str
    roles: list[_DcwfRole]


class _Frameworks(_Strict):
    nice: _Nice
    dcwf: _Dcwf


class StarterSkill(_Strict):
    """One observable skill; `rubric` holds what is shown at each of the three cuts."""

    key: str
    name: str
    description: str
    rubric: list[str] = Field(min_length=3, max_length=3)
    align: dict[str, str]

    def relations(self) -> list[tuple[str, str]]:
        """Return framework codes with the relation as the database names it."""
        return [(code, _RELATIONS[relation]) for code, relation in self.align.items()]


class StarterSkills(_Strict):
    """All observable skills, and to which framework they are aligned."""

    framework: str
    framework_version: str
    author: str
    aligned_on: date
    skills: list[StarterSkill]


class _RoleRequirements(_Strict):
    reason: str
    independent: list[str]
    assisted: list[str]


class StarterRequirements(_Strict):
    """Which skills readiness for each work role asks."""

    framework: str
    author: str
    roles: dict[str, _RoleRequirements]

    def rows(self) -> list[tuple[str, str, float, str]]:
        """Return role code, skill key, cut in logits and reason."""
        return [
            (code, key, CUTS[level], role.reason)
            for code, role in self.roles.items()
            for level in CUTS
            for key in getattr(role, level)
        ]


@dataclass(frozen=True, kw_only=True)
class Starter:
    """The whole slice."""

    nice: FrameworkContent
    dcwf: FrameworkContent
    frameworks_sha256: str
    skills: StarterSkills
    requirements: StarterRequirements


def read(folder: Path = FOLDER) -> Starter:
    """Read the three files.

    Raises:
        pydantic.ValidationError: A file of the project's own is malformed.
    """
    names = ("frameworks.yaml", "skills.yaml", "requirements.yaml")
    return _parsed(*((folder / name).read_bytes() for name in names))


@lru_cache(maxsize=1)
def _parsed(frameworks: bytes, skills: bytes, requirements: bytes) -> Starter:
    content = _Frameworks.model_validate(_yaml(frameworks))
    return Starter(
        nice=_nice(content.nice),
        dcwf=_dcwf(content.dcwf),
        frameworks_sha256=hashlib.sha256(frameworks).hexdigest(),
        skills=StarterSkills.model_validate(_yaml(skills)),
        requirements=StarterRequirements.model_validate(_yaml(requirements)),
    )


def _yaml(text: bytes) -> Any:
    return YAML(typ="safe", pure=True).load(text.decode())


def _nice(slice_: _Nice) -> FrameworkContent:
    return FrameworkContent(
        name="nice",
        version=slice_.version,
        title=slice_.title,
        roles=tuple(
            Entry(code=role.code, title=role.title, description=role.description)
            for role in slice_.roles
        ),
        areas=tuple(Entry(code=code, title=title) for code, title in slice_.areas.items()),
        statements=tuple(
            StatementEntry(code=code, kind=_KINDS[code[0]], text=text)
            for code, text in slice_.statements.items()
        ),
        role_statements={role.code: tuple(role.statements) for role in slice_.roles},
    )


def _dcwf(slice_: _Dcwf) -> FrameworkContent:
    return FrameworkContent(
        name="dcwf",
        version=slice_.version,
        title=slice_.title,
        roles=tuple(Entry(code=role.code, title=role.title) for role in slice_.roles),
        crosswalk=tuple((role.nice, role.code) for role in slice_.roles),
    )
