"""What of the host's apt sources goes into an image: Debian's own, and never a password."""

import pytest

from range.runtime.apt_sources import apt_sources

BLOCKS = """\
Types: deb
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
 contrib
"""


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()

    def write(name, text):
        (tmp_path / name).write_text(text)
        return apt_sources("bookworm", tmp_path)

    return write


def test_blocks_are_carried_over(apt):
    found = apt("sources.list.d/debian.sources", BLOCKS)
    assert found.mirror == "http://mirror.example/debian"
    assert "Suites: bookworm bookworm-updates\n" in found.text
    assert "Components: main contrib\n" in found.text
    assert "comment" not in found.text


def test_lines_are_carried_over(apt):
    found = apt(
        "sources.list",
        "# deb http://off.example bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # x\n"
        "deb-src http://mirror.example/debian bookworm main\n",
    )
    assert found.text == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
        "Components: main contrib\nSigned-By: /k.gpg\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "deb http://third.example/debian bookworm stable",
        "deb http://third.example/apt cloud-bookworm main",
        "deb http://mirror.example/debian trixie main",
        "deb https://user:password@mirror.example/debian bookworm main",
        "deb-src http://mirror.example/debian bookworm main",
    ],
)
def test_others_stay_out(apt, line):
    found = apt("sources.list", line + "\n")
    assert not found
    assert found.mirror == ""


def test_a_switched_off_block_stays_out(apt):
    assert not apt("sources.list.d/debian.sources", "Enabled: no\n" + BLOCKS.split("\n\n")[0])


def test_a_host_without_apt_has_none(tmp_path):
    assert not apt_sources("bookworm", tmp_path / "nothing")
