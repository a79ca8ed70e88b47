import json
import time

import pytest
from django.core.management import CommandError, call_command

from range.authoring.archive_names import ArchiveRefused
from range.authoring.importers import cmgr
from range.authoring.importers.draft import REPORT_FILE, plain, slug_of
from range.authoring.importing import import_drafts
from range.authoring.skeleton import FolderTaken
from range.catalog.lint import lint
from range.catalog.problems import ScenarioInvalid, Severity
from range.catalog.reader import read_scenario
from tests.authoring.hostile_archives import tarred, zipped

ENTRIES = [
    {
        "id": 1,
        "name": "Paper Trail!",
        "description": "Somebody left {{ config }} in a *drawer*.\r\nFind it.",
        "category": "Forensics",
        "value": 250,
        "max_attempts": 3,
        "type": "standard",
        "state": "visible",
    },
    {
        "id": 2,
        "name": "Paper trail",
        "description": "Listen.",
        "category": "Pwn",
        "value": 500,
        "max_attempts": 0,
        "type": "dynamic",
        "state": "hidden",
        "connection_info": "nc pwn.example.org 31337",
        "requirements": {"prerequisites": [1]},
    },
    {"id": 3, "name": "??", "description": None, "category": None, "value": None},
]
FLAGS = [
    {"id": 1, "challenge_id": 1, "type": "static", "content": "flag{Paper}", "data": ""},
    {
        "id": 2,
        "challenge_id": 1,
        "type": "static",
        "content": "flag{PAPER}",
        "data": "case_insensitive",
    },
    {"id": 3, "challenge_id": 2, "type": "regex", "content": "flag\\{[0-9]+\\}", "data": ""},
    {"id": 4, "challenge_id": 2, "type": "webhook", "content": "x", "data": ""},
]
HINTS = [
    {"id": number, "challenge_id": 1, "content": f"Hint {number}", "cost": number}
    for number in range(1, 6)
]
FILES = [
    {"id": 1, "challenge_id": 1, "location": "ab12/scan of paper.txt", "type": "challenge"},
    {"id": 2, "challenge_id": 1, "location": "../../../../etc/passwd", "type": "challenge"},
    {"id": 3, "challenge_id": 1, "location": "ab12/gone.txt", "type": "challenge"},
]
TAGS = [{"id": 1, "challenge_id": 1, "value": "Deep Sea"}]


def export(**tables):
    written = {"challenges": ENTRIES, "flags": FLAGS, "hints": HINTS, "files": FILES, "tags": TAGS}
    entries = [
        (f"db/{name}.json", json.dumps({"count": len(rows), "results": rows, "meta": {}}))
        for name, rows in (written | tables).items()
    ]
    return zipped([*entries, ("uploads/ab12/scan of paper.txt", b"a scan")])


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "scenarios"
    made.mkdir()
    return made


@pytest.fixture
def given(tmp_path):
    def write(data, name="source"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def report_of(folder):
    return (folder / REPORT_FILE).read_text()


def errors_of(folder):
    return [str(p) for p in lint(read_scenario(folder)) if p.severity is Severity.ERROR]


def answer(spec, text):
    """Return what the checks of the only objective say to an answer."""
    (objective,) = spec.objectives
    node = objective.checks
    checks = node.any_of if hasattr(node, "any_of") else [node]
    return any(check.accepts(text) for check in checks)


class TestCtfd:
    @pytest.fixture
    def made(self, root, given):
        import_drafts(given(export()), root, form="ctfd")
        return root

    def test_each_entry_becomes_a_scenario_that_reads(self, made):
        folders = sorted(path.name for path in made.iterdir() if path.name[0] != ".")
        assert folders == ["draft", "paper-trail", "paper-trail-2"]
        assert errors_of(made / "paper-trail") == []
        assert errors_of(made / "draft") == []
        # Nobody can tell an answer from a pattern, so its reference is left to the author.
        assert all("reference" in each for each in errors_of(made / "paper-trail-2"))

    def test_words_flags_hints_tags_and_files_are_carried_over(self, made):
        loaded = read_scenario(made / "paper-trail")
        spec = loaded.spec
        assert spec.title == "Paper Trail!"
        assert spec.modes == ("investigate",)
        assert set(spec.tags) == {"deep-sea", "forensics"}
        assert answer(spec, "flag{Paper}")
        assert answer(spec, "FLAG{paper}")
        assert not answer(spec, "flag{paper")
        texts = [hint.text for hint in spec.objectives[0].hints]
        assert texts == ["Hint 1", "Hint 2", "Hint 3\n\nHint 4\n\nHint 5", None]
        (seed,) = spec.machines["desk"].seed
        assert seed.to == "/srv/files/scan-of-paper.txt"
        assert (made / "paper-trail" / seed.file).read_bytes() == b"a scan"

    def test_a_pattern_stays_a_pattern(self, made):
        spec = read_scenario(made / "paper-trail-2").spec
        assert answer(spec, "flag{42}")
        assert not answer(spec, "flag{4x}")

    def test_attack_words_of_our_templates_mean_nothing_in_a_draft(self, made):
        assert "{{" not in read_scenario(made / "paper-trail").brief

    def test_attack_a_file_outside_of_the_uploads_is_not_read(self, made):
        text = "\n".join(p.read_text() for p in made.rglob("*") if p.is_file() and p.stat().st_size)
        assert "root:x:0:0" not in text
        assert "The file ../../../../etc/passwd: not in the export" in report_of(
            made / "paper-trail"
        )

    @pytest.mark.parametrize(
        "lost",
        ["nc pwn.example.org 31337", "type dynamic", "type webhook", "must be solved", "hidden"],
    )
    def test_what_was_lost_is_told(self, made, lost):
        assert lost in report_of(made / "paper-trail-2")

    def test_a_flag_for_everybody_is_told_as_a_weakness(self, made):
        assert "same for everybody" in report_of(made / "paper-trail")
        assert "What hints cost" in report_of(made / "paper-trail")

    def test_an_export_without_entries_is_refused(self, root, given):
        with pytest.raises(ArchiveRefused, match=r"db/challenges\.json"):
            import_drafts(given(zipped([("db/users.json", "{}")])), root, form="ctfd")
        assert list(root.glob("[a-z]*")) == []

    @pytest.mark.parametrize("text", ["[" * 100_000, "{", '{"results": 1}', "\x00", "[[1], 2]"])
    def test_attack_a_table_that_is_no_table_is_refused(self, root, given, text):
        with pytest.raises(ArchiveRefused):
            import_drafts(given(zipped([("db/challenges.json", text)])), root, form="ctfd")

    def test_attack_a_hostile_archive_is_refused_here_too(self, root, given):
        with pytest.raises(ArchiveRefused):
            import_drafts(given(tarred(("../evil", b"x"))), root, form="ctfd")

    def test_all_or_nothing(self, root, given):
        (root / "paper-trail-2").mkdir()
        with pytest.raises(FolderTaken):
            import_drafts(given(export()), root, form="ctfd")
        assert not (root / "paper-trail").exists()


MARKDOWN = """# Short Circuit

- Namespace: example/boards
- Type: flask
- Category: Web Exploitation
- Points: 200
- MaxUsers: 4

## Description

The board answers everybody.

## Details

Connect to {{server("web")}} on port {{port("web")}} and read {{url_for("notes.txt", "notes")}}.

## Hints

- What does it ask for?
- Look at what it sends.

## Tags

- boards
- web

## Attributes

- Organization: Example Labs

## Container Options

- CPUs: 0.5
- Memory: 128m
- PidsLimit: 64

## Solution Ideas

Some words.
"""


class TestCmgr:
    @pytest.fixture
    def problem(self, tmp_path):
        folder = tmp_path / "problem"
        (folder / "solver").mkdir(parents=True)
        (folder / "problem.md").write_text(MARKDOWN)
        (folder / "Dockerfile").write_text("FROM scratch\n")
        return folder

    @pytest.fixture
    def made(self, problem, root):
        (draft,) = import_drafts(problem, root, form="cmgr")
        return root / draft.slug

    def test_the_draft_reads_without_an_error(self, made):
        assert made.name == "short-circuit"
        assert errors_of(made) == []

    def test_words_hints_tags_and_limits_are_carried_over(self, made):
        loaded = read_scenario(made)
        machine = loaded.spec.machines["target"]
        assert loaded.spec.difficulty == 2
        assert set(loaded.spec.tags) == {"boards", "web", "web-exploitation"}
        assert machine.resources.model_dump(include={"cpu_cores", "memory_mb", "pids"}) == {
            "cpu_cores": 0.5,
            "memory_mb": 128,
            "pids": 64,
        }
        hints = [hint.text for hint in loaded.spec.objectives[0].hints]
        assert hints == ["What does it ask for?", "Look at what it sends.", None]
        assert "Connect to (target) on port (target)" in loaded.brief

    def test_no_program_of_the_problem_comes_along(self, made):
        assert not [path for path in made.rglob("*") if "dockerfile" in path.name.lower()]

    @pytest.mark.parametrize(
        "lost",
        [
            "type (flask)",
            "Dockerfile, solver",
            "`server`",
            "`url_for`",
            "namespace: example/boards",
            "maxusers: 4",
            "Organization: Example Labs",
            "section solution ideas",
        ],
    )
    def test_what_was_lost_is_told(self, made, lost):
        assert lost in report_of(made)

    def test_the_older_json_is_read_too(self, tmp_path, root):
        folder = tmp_path / "older"
        folder.mkdir()
        data = {
            "name": "Old Circuit",
            "score": 50,
            "category": "Web",
            "description": "Short.",
            "hints": ["One", 2],
            "author": "Somebody",
        }
        (folder / "problem.json").write_text(json.dumps(data))
        import_drafts(folder, root, form="cmgr")
        spec = read_scenario(root / "old-circuit").spec
        assert [hint.text for hint in spec.objectives[0].hints] == ["One", None]
        assert "author: Somebody" in report_of(root / "old-circuit")

    @pytest.mark.parametrize(
        "start", ["## a", "{{a", "## Hints\n- a", "- a", "{{ a(", "## Hints\n{{", "#" * 9]
    )
    def test_attack_a_long_row_of_spaces_takes_no_longer_than_one_of_letters(
        self, tmp_path, root, start
    ):
        def cost(filling):
            folder = tmp_path / f"filled{ord(filling)}"
            folder.mkdir()
            text = f"# Filled\n\n## Description\n\n{start}{filling * 60_000}b\n"
            (folder / "problem.md").write_text(text)
            began = time.thread_time()
            cmgr.drafts(folder)
            return time.thread_time() - began

        assert cost(" ") < 20 * cost("x") + cost("y")

    def test_an_archive_of_the_folder_is_read_too(self, root, given):
        (draft,) = import_drafts(
            given(tarred(("circuit/problem.md", MARKDOWN.encode()))), root, form="cmgr"
        )
        assert draft.slug == "short-circuit"

    @pytest.mark.parametrize("text", ["", "no title", "# \n", "\xff"])
    def test_a_file_that_is_no_problem_is_refused(self, tmp_path, root, text):
        (tmp_path / "problem.md").write_bytes(text.encode("latin-1"))
        with pytest.raises(ArchiveRefused):
            import_drafts(tmp_path, root, form="cmgr")

    def test_attack_a_link_in_place_of_the_problem_is_not_read(self, tmp_path, root):
        folder = tmp_path / "linked"
        folder.mkdir()
        (tmp_path / "other.md").write_text(MARKDOWN)
        (folder / "problem.md").symlink_to(tmp_path / "other.md")
        with pytest.raises(ArchiveRefused, match="found neither"):
            import_drafts(folder, root, form="cmgr")


SDL = """
name: Harbour watch
description: Two offices behind one switch each.
start: 2024-01-20T13:00:00Z
nodes:
  Dock-Switch: {type: Switch}
  Quay: {TYPE: switch}
  Spare: {type: switch}
  Crane-Desk:
    type: VM
    description: The desk at the crane
    source: {name: debian12, version: '*'}
    resources: {ram: 2 GiB, cpu: 2}
    features: {ledger: admin}
    conditions: {ledger-up: admin}
    roles: {admin: crane}
  gate: {type: vm, source: debian12}
infrastructure:
  dock-switch: 1
  crane-desk:
    count: 2
    links: [Dock-Switch]
    dependencies: [gate]
  gate: {LINKS: [dock-switch, quay], properties: [{quay: 10.0.0.2}]}
features:
  ledger: {type: service, source: ledger-package}
conditions:
  ledger-up: {command: /bin/ledger-up, interval: 30}
injects:
  letter: {source: letter-package}
tlos:
  find-intruder: {name: Find the intruder, description: Say where they came from.}
  keep-going: {name: Keep the cranes going}
weather: stormy
"""


class TestSdl:
    @pytest.fixture
    def made(self, root, given):
        import_drafts(given(SDL, "harbour.yaml"), root, form="sdl")
        return root / "harbour-watch"

    def test_the_draft_reads_without_an_error(self, made):
        assert errors_of(made) == []

    def test_switches_machines_links_and_objectives_are_carried_over(self, made):
        spec = read_scenario(made).spec
        assert set(spec.networks) == {"dock-switch", "quay"}
        assert {name: machine.networks for name, machine in spec.machines.items()} == {
            "crane-desk-1": ("dock-switch",),
            "crane-desk-2": ("dock-switch",),
            "gate": ("dock-switch", "quay"),
        }
        assert spec.machines["crane-desk-1"].title == "The desk at the crane"
        assert spec.machines["crane-desk-1"].resources.memory_mb == 512
        assert [objective.key for objective in spec.objectives] == ["find-intruder", "keep-going"]
        assert spec.objectives[0].description == "Say where they came from."

    @pytest.mark.parametrize(
        "lost",
        [
            "its image debian12",
            "features ledger",
            "conditions (ledger-up): write it as a check",
            "starts after gate",
            "fixed addresses",
            "injects (letter)",
            "The network spare",
            "start: give the exercise a window",
            "weather: unknown here",
            "/srv/replace-me",
        ],
    )
    def test_what_was_lost_is_told(self, made, lost):
        assert lost in report_of(made)

    def test_the_older_form_with_everything_under_scenario_is_read(self, root, given):
        text = "scenario:\n" + "\n".join(f"  {line}" for line in SDL.splitlines())
        (draft,) = import_drafts(given(text), root, form="sdl")
        assert draft.slug == "harbour-watch"

    def test_more_machines_than_a_scenario_may_have_are_told(self, root, given):
        import_drafts(given(SDL.replace("count: 2", "count: 40")), root, form="sdl")
        assert len(read_scenario(root / "harbour-watch").spec.machines) == 12
        assert "at most 12" in report_of(root / "harbour-watch")

    def test_a_file_without_machines_is_refused(self, root, given):
        with pytest.raises(ArchiveRefused, match="type VM"):
            import_drafts(given("name: nothing\nnodes: {a: {type: Switch}}\n"), root, form="sdl")

    @pytest.mark.parametrize(
        "text", ["a: &x 1\nb: *x\n", "a: !!python/object:os.system x\n", "[" * 999]
    )
    def test_attack_hostile_yaml_is_refused(self, root, given, text):
        with pytest.raises(ScenarioInvalid):
            import_drafts(given(text), root, form="sdl")
        assert list(root.glob("[a-z]*")) == []


class TestNames:
    @pytest.mark.parametrize(
        ("text", "slug"),
        [
            ("Open Drawer", "open-drawer"),
            ("!!", "draft"),
            ("1st", "draft-1st"),
            ("a", "a-draft"),
            ("x" * 90, "x" * 44),
            ("../../etc", "etc"),
        ],
    )
    def test_any_title_gives_a_name(self, text, slug):
        assert slug_of(text) == slug

    def test_the_second_of_a_name_gets_a_number(self):
        assert slug_of("A door", ["a-door", "a-door-2"]) == "a-door-3"

    def test_attack_control_characters_and_templates_are_taken_out(self):
        assert plain("a\x1b[31m{{ x }}{% y %}{# z #}\x00") == "a[31m{ { x }}{ % y %}{ # z #}"


class TestCommand:
    def test_the_report_is_printed(self, root, given, settings, capsys):
        settings.RANGE_SCENARIOS_DIR = root
        call_command("import_scenario", "--format", "sdl", str(given(SDL)))
        out = capsys.readouterr().out
        assert "## Not carried over" in out
        assert "try_scenario harbour-watch" in out

    def test_what_is_refused_is_told(self, root, given, settings):
        settings.RANGE_SCENARIOS_DIR = root
        with pytest.raises(CommandError, match="zip"):
            call_command("import_scenario", "--format", "ctfd", str(given(b"nothing")))
