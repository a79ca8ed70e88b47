"""Lines that give a scenario away: of its solutions, its checks and its hidden records."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from range.catalog.reader import SCENARIO_FILE, LoadedScenario, corpus_files, solution_files
from range.catalog.schema_solutions import RunStep

# A shorter line tells nothing by itself: it is in many a file by chance.
SHORTEST = 20
# One of this length tells by itself; shorter ones tell together.
LONG = 40
TOGETHER = 2
# Keys of a scenario's file whose lines nobody may read who trains.
_SECRET_KEYS = ("objectives", "reference", "wrong", "verify")
_WORD = re.compile(rb"[\w./:@-]{6,}")
_FILLED_IN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
# What frames every key; programs that read keys hold it as well.
_ARMOUR = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
_QUOTED = re.compile(r"""(?:"([^"\n]{20,})"|'([^'\n]{20,})')""")


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One text that nobody who trains may find.

    Args:
        source: Where it is written, such as `reference/fix.sh`.
    """

    source: str
    line: str


@dataclass
class Searcher:
    """Finds any of many texts in a file without trying each.

    Each text has one word of its own that it is looked up by.
    """

    secrets: Sequence[Secret]
    _by_word: dict[bytes, list[tuple[bytes, Secret]]] = field(init=False)
    _lines: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the texts by their longest words."""
        self._by_word = defaultdict(list)
        self._lines = Counter(each.source for each in self.secrets)
        for secret in self.secrets:
            data = secret.line.encode()
            # A word at the edge may go on in the file; one inside is whole there too.
            words = sorted(_WORD.findall(data), key=len)
            if words:
                self._by_word[words[-1]].append((data, secret))

    def telling(self, data: bytes) -> Iterator[Secret]:
        """Yield what occurs, but no short line alone of a longer text: manuals hold those."""
        by_source: dict[str, list[Secret]] = defaultdict(list)
        for secret in self.found(data):
            by_source[secret.source].append(secret)
        for source, secrets in by_source.items():
            enough = min(TOGETHER, self._lines[source])
            if len(secrets) >= enough or any(len(each.line) >= LONG for each in secrets):
                yield from secrets

    def found(self, data: bytes) -> Iterator[Secret]:
        """Yield each text that occurs."""
        words = set(_WORD.findall(data))
        for word in words & self._by_word.keys():
            for line, secret in self._by_word[word]:
                if line in data:
                    yield secret


def secrets_of(loaded: LoadedScenario) -> list[Secret]:
    """Return every telling line that the machines' own files and the brief do not hold."""
    shown = _shown(loaded)
    found: dict[str, Secret] = {}
    for source, text in _texts(loaded):
        for line in _lines(source, text):
            if line not in shown:
                found.setdefault(line, Secret(source=source, line=line))
    return list(found.values())


def copied_whole(loaded: LoadedScenario) -> Iterator[tuple[str, str]]:
    """Yield files of machines that hold all lines of a solution, each with the solution."""
    solutions = {
        source: {line for line in _lines(source, text) if line not in loaded.brief}
        for source, text in _files(loaded, solution_files(loaded.spec))
    }
    for name, text in _build_files(loaded):
        for source, lines in solutions.items():
            if len(lines) > 1 and all(line in text for line in lines):
                yield name, source


def _shown(loaded: LoadedScenario) -> str:
    texts = [loaded.brief, *(text for _, text in _build_files(loaded))]
    seeds = {seed.source for each in loaded.spec.machines.values() for seed in each.seed}
    texts += [text for _, text in _files(loaded, {each for each in seeds if each})]
    return "\n".join(texts)


def _texts(loaded: LoadedScenario) -> Iterator[tuple[str, str]]:
    hidden = solution_files(loaded.spec) | (corpus_files(loaded.spec) - _visible(loaded))
    yield from _files(loaded, hidden)
    written = (loaded.folder / SCENARIO_FILE).read_text("utf-8", "replace").splitlines()
    inside = ""
    for line in written:
        if key := re.match(r"([a-z_]+):", line):
            inside = key.group(1)
        if inside in _SECRET_KEYS:
            yield SCENARIO_FILE, line
    steps = [step for part in loaded.spec.reference.values() for step in part]
    steps += [step for wrong in loaded.spec.wrong.values() for step in wrong.steps]
    for step in steps:
        if isinstance(step, RunStep) and step.run:
            yield f"{SCENARIO_FILE} (steps)", step.run


def _visible(loaded: LoadedScenario) -> set[str]:
    seeds = {seed.source for each in loaded.spec.machines.values() for seed in each.seed}
    return {each for each in seeds if each}


def _files(loaded: LoadedScenario, names: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        path = loaded.folder / name
        if path.is_file():
            yield name, path.read_bytes().decode("utf-8", "replace")


def _build_files(loaded: LoadedScenario) -> Iterator[tuple[str, str]]:
    folders = {each.build for each in loaded.spec.machines.values() if each.build}
    inside = [name for name in loaded.files if any(name.startswith(f"{each}/") for each in folders)]
    yield from _files(loaded, inside)


def _lines(source: str, text: str) -> Iterator[str]:
    for line in text.splitlines():
        # What is filled in per attempt is in no image; what stands between may be.
        for part in _FILLED_IN.split(line):
            part = part.strip()
            if _ARMOUR.fullmatch(part):
                continue
            if len(part) >= SHORTEST and part[0] != "#" and " " in part:
                yield part
    if source.endswith(".py"):
        yield from _constants(text)


def _constants(text: str) -> Iterator[str]:
    """Yield what a compiled file still holds: longer texts of a program."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        # A template: what stands between quotes must do.
        for found in _QUOTED.finditer(text):
            yield from _lines("", found.group(1) or found.group(2) or "")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _lines("", node.value)
