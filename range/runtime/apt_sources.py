"""The host's apt sources of one Debian release, with nothing secret in them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_APT = Path("/etc/apt")
_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)"
)
# What a build inside a container needs to reach the same packages as the host does.
_CARRIED = re.compile(
    r'(Acquire::(?:Check-Valid-Until|Check-Date|https?::Proxy)) "([^"@]+)";', re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Sources as apt's deb822 format, and the first mirror among them."""

    text: str
    mirror: str

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.text)


def apt_sources(suite: str, folder: Path = _APT) -> Sources:
    """Return the host's sources of a release, third parties and passwords left out.

    Args:
        suite: Code name of the release, such as `bookworm`.
    """
    stanzas = [s for s in _stanzas(folder) if _wanted(s, suite)]
    text = "\n".join(
        "".join(f"{name}: {value}\n" for name, value in stanza.items()) for stanza in stanzas
    )
    return Sources(text=text, mirror=stanzas[0]["URIs"].split()[0] if stanzas else "")


def apt_options() -> list[str]:
    """Return the host's apt settings that fetching packages depends on."""
    program = shutil.which("apt-config")
    if program is None:
        return []
    done = subprocess.run([program, "dump"], capture_output=True, check=False, timeout=30)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    found = (_CARRIED.fullmatch(line.strip()) for line in lines)
    return [f'{match[1]} "{match[2]}"' for match in found if match]


def _wanted(stanza: dict[str, str], suite: str) -> bool:
    suites = stanza.get("Suites", "").split()
    ours = bool(suites) and all(re.fullmatch(rf"{suite}([-/].+)?", name) for name in suites)
    return (
        ours
        and "deb" in stanza.get("Types", "").split()
        and "main" in stanza.get("Components", "").split()
        and stanza.get("Enabled", "yes").lower() not in {"no", "false", "0"}
        # A mirror that needs a password would hand it to every trainee.
        and "@" not in stanza.get("URIs", "@")
    )


def _stanzas(folder: Path) -> Iterator[dict[str, str]]:
    parts = folder / "sources.list.d"
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            yield from _from_lines(path.read_text("utf-8", "replace"))
    for path in sorted(parts.glob("*.sources")):
        for block in re.split(r"\n\s*\n", path.read_text("utf-8", "replace")):
            yield _from_block(block)


def _from_lines(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match:
            signed = re.search(r"signed-by=(\S+)", match["options"] or "")
            yield {
                "Types": "deb",
                "URIs": match["uri"],
                "Suites": match["suite"],
                "Components": match["components"].strip(),
                **({"Signed-By": signed[1]} if signed else {}),
            }


def _from_block(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
            continue
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return fields
