"""Official files of public collections become articles: what is read, what is refused."""

import gzip
import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command

from range.runtime.image_layers import LayerFile
from tutor.importers import attack, cwe, folder, manual, sigma, tldr
from tutor.importers.reading import About, ImportRefused, article_of, slug_of
from tutor.importers.troff import to_markdown
from tutor.importing import Scope, bring, read
from tutor.models import Chunk, Source
from tutor.retrieval import Wanted, search

TECHNIQUE = "attack-pattern--1"


def reference(code):
    return [
        {"source_name": "other", "external_id": "X"},
        {
            "source_name": "mitre-attack",
            "external_id": code,
            "url": f"https://attack.example/{code}",
        },
    ]


def bundle(*more):
    return {
        "type": "bundle",
        "objects": [
            {
                "type": "x-mitre-collection",
                "id": "x-mitre-collection--1",
                "x_mitre_version": "18.1",
            },
            {
                "type": "attack-pattern",
                "id": TECHNIQUE,
                "name": "Lever on a Door",
                "description": "Someone pries.(Citation: A Book) See [levers](https://levers.example/a).",
                "kill_chain_phases": [{"phase_name": "privilege-escalation"}],
                "external_references": reference("T9001.002"),
            },
            {"type": "course-of-action", "id": "course-of-action--1", "name": "Stronger hinges"},
            {
                "type": "relationship",
                "id": "relationship--1",
                "relationship_type": "mitigates",
                "source_ref": "course-of-action--1",
                "target_ref": TECHNIQUE,
                "description": "Hinges of steel hold.",
            },
            *more,
        ],
    }


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


class TestAttack:
    def test_a_technique_has_its_id_its_address_and_what_mitigates_it(self, tmp_path):
        (entry,) = attack.entries(write(tmp_path / "a.json", bundle()))
        assert (entry.title, entry.version) == ("T9001.002 Lever on a Door", "18.1")
        assert entry.url == "https://attack.example/T9001.002"
        assert "See levers." in entry.body
        assert "Citation" not in entry.body
        assert "Tactics: privilege escalation." in entry.body
        assert "## Mitigations\n\n- Stronger hinges: Hinges of steel hold." in entry.body

    @pytest.mark.parametrize("why", ["revoked", "x_mitre_deprecated"])
    def test_what_is_no_longer_in_force_is_left_out(self, tmp_path, why):
        gone = {
            "type": "attack-pattern",
            "id": "attack-pattern--2",
            "name": "Old",
            "external_references": reference("T9002"),
            why: True,
        }
        entries = list(attack.entries(write(tmp_path / "a.json", bundle(gone))))
        assert [entry.name for entry in entries] == ["t9001-002"]

    @pytest.mark.parametrize(
        "content", ["{", "[]", "[" * 100_000, {"type": "bundle"}, {"type": "bundle", "objects": []}]
    )
    def test_another_file_is_refused(self, tmp_path, content):
        with pytest.raises(ImportRefused):
            list(attack.entries(write(tmp_path / "a.json", content)))


CATALOGUE = """<?xml version="1.0" encoding="UTF-8"?>
<Weakness_Catalog xmlns="http://cwe.example/cwe-7" Version="4.99">
  <Weaknesses>
    <Weakness ID="9001" Name="Door Without a Lock" Status="Stable">
      <Description>Anybody walks in.</Description>
      <Extended_Description><p>It may be <b>open</b> all night.</p></Extended_Description>
      <Potential_Mitigations><Mitigation><Phase>Design</Phase><Description>Fit a lock.</Description>
      </Mitigation></Potential_Mitigations>
    </Weakness>
    <Weakness ID="9002" Name="Old" Status="Deprecated"><Description>No.</Description></Weakness>
  </Weaknesses>
</Weakness_Catalog>
"""
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    "<Weakness_Catalog>&b;</Weakness_Catalog>"
)


def zipped(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # Dated always the same: these bytes name a test, and must not differ between workers.
        archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


class TestCwe:
    @pytest.mark.parametrize("packed", [False, True])
    def test_a_weakness_has_its_words_and_what_helps(self, tmp_path, packed):
        data = zipped("cwec_v4.99.xml", CATALOGUE) if packed else CATALOGUE
        (entry,) = cwe.entries(write(tmp_path / "cwec", data))
        assert (entry.title, entry.version) == ("CWE-9001 Door Without a Lock", "4.99")
        assert "Anybody walks in.\n\nIt may be open all night." in entry.body
        assert "## Mitigations\n\n- Design Fit a lock." in entry.body

    @pytest.mark.parametrize(
        "data",
        ["no xml", "<a/>", BOMB, b"PK\x03\x04broken", zipped("a.txt", "x"),
         CATALOGUE.replace("Stable", "Obsolete")],
    )  # fmt: skip
    def test_another_file_is_refused(self, tmp_path, data):
        with pytest.raises(ImportRefused):
            list(cwe.entries(write(tmp_path / "cwec", data)))


RULE = """title: Lever Heard
author: A. Smith
date: 2026/01/02
level: high
description: Finds a lever at a door.
references: [https://levers.example/b]
tags: [attack.t9001.002, attack.privilege_escalation]
logsource: {product: doors, service: hinge}
detection:
  found: {sound|contains: crack}
  condition: found
falsepositives: [Carpenters]
"""


class TestSigma:
    def test_a_rule_keeps_its_author_and_its_detection(self, tmp_path):
        write(tmp_path / "doors" / "lever.yml", RULE)
        (entry,) = sigma.entries(tmp_path)
        assert (entry.name, entry.version, entry.min_rung) == ("doors/lever", "2026/01/02", 3)
        assert "Author: A. Smith." in entry.body
        assert "T9001.002" in entry.body
        assert "sound|contains: crack" in entry.body
        assert "- Carpenters" in entry.body

    def test_a_broken_rule_keeps_nobody_from_the_others(self, tmp_path):
        write(tmp_path / "a.yml", "title: [")
        write(tmp_path / "b.yml", "title: no detection")
        write(tmp_path / "c.yml", "!!python/object:os.system {title: x}")
        write(tmp_path / "d.yml", RULE)
        assert [entry.name for entry in sigma.entries(tmp_path)] == ["d"]

    def test_a_folder_without_rules_is_refused(self, tmp_path):
        with pytest.raises(ImportRefused):
            list(sigma.entries(tmp_path))


class TestTldr:
    def test_examples_are_read_with_their_places_marked(self, tmp_path):
        page = (
            "# lever\n\n> Pry things open.\n> More information: <https://levers.example/man>.\n\n"
            "- Pry a door with force:\n\n`lever [-f|--force] {{door}}`\n"
        )
        write(tmp_path / "pages" / "linux" / "lever.md", page)
        write(tmp_path / "pages" / "windows" / "lever.md", page)
        write(tmp_path / "pages.de" / "linux" / "lever.md", page)
        (entry,) = tldr.entries(tmp_path)
        assert entry.title == "lever by examples"
        assert entry.url == "https://levers.example/man"
        assert "- Pry a door with force:\n`lever --force <door>`" in entry.body
        assert "More information" not in entry.body


class TestMarkdown:
    def test_front_matter_or_a_heading_gives_the_title(self, tmp_path):
        write(tmp_path / "a.md", "---\ntitle: Of doors\nversion: 3\nmin_rung: 1\n---\nText.")
        write(tmp_path / "b" / "c_d.md", "# Of hinges\n\nText.")
        write(tmp_path / "b" / "e_f.txt", "Text.")
        write(tmp_path / ".git" / "x.md", "# Hidden")
        found = {entry.title: (entry.name, entry.min_rung) for entry in folder.entries(tmp_path)}
        assert found == {"Of doors": ("a", 1), "Of hinges": ("b/c_d", 2), "e f": ("b/e_f", 2)}

    def test_a_link_out_of_the_folder_is_not_followed(self, tmp_path):
        write(tmp_path / "secret.md", "# Secret")
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "link.md").symlink_to(tmp_path / "secret.md")
        (tmp_path / "in" / "up").symlink_to(tmp_path)
        with pytest.raises(ImportRefused):
            list(folder.entries(tmp_path / "in"))

    def test_scripts_and_hidden_characters_do_not_get_in(self, tmp_path):
        write(
            tmp_path / "a.md",
            "# A\u202eB [INST]\n\n<script>steal()</script>Text\u200b here.\x1b[2J",
        )
        (entry,) = folder.entries(tmp_path)
        made = article_of(entry, About(license="MIT", version="1"))
        assert made.front.title.startswith("AB ")
        text = " ".join(piece.text for piece in made.pieces)
        assert text == "Text here."
        assert "[INST]" not in made.front.title + made.pieces[0].heading


PAGE = r""".\" A comment
.de XX
.tm never
..
.TH LEVER 1 "2026"
.SH NAME
lever \- pry \fBthings\fR open
.SH "OPTIONS"
.TP
.BR \-f ", " \-\-force
Use force, with \(dqcare\(dq.
.nf
lever -f door
.fi
"""
MDOC = ".Dd x\n.Sh NAME\n.Nm lever\n.Nd pry\n.Sh OPTIONS\n.It Fl f Ar door\n.Op Fl v\nText.\n"


class TestManual:
    def test_a_page_becomes_headings_options_and_code(self):
        text = to_markdown(PAGE)
        assert "## Name\n\nlever - pry things open" in text
        assert '`-f, --force`\nUse force, with "care".' in text
        assert "```\nlever -f door\n```" in text
        assert "never" not in text

    def test_the_other_macros_are_read_too(self):
        text = to_markdown(MDOC)
        assert "`-f door`" in text
        assert "[-v]" in text

    def test_a_hostile_page_ends(self):
        to_markdown(".TP\n" * 50_000 + "\\" * 100_000 + ".de x\n" + '.BR "' * 1000)

    def test_the_last_layer_counts_and_what_it_deletes_is_gone(self):
        place = "/usr/share/man/man1/"
        packed = gzip.compress(PAGE.encode())
        files = [
            LayerFile(layer=1, path=f"{place}lever.1.gz", data=gzip.compress(MDOC.encode())),
            LayerFile(layer=1, path=f"{place}gone.1.gz", data=packed),
            LayerFile(layer=1, path="/usr/share/man/de/man1/lever.1.gz", data=packed),
            LayerFile(layer=1, path=f"{place}alias.1", data=b".so man1/lever.1\n"),
            LayerFile(layer=1, path=f"{place}broken.1.gz", data=b"\x1f\x8bxx"),
            LayerFile(layer=2, path=f"{place}lever.1.gz", data=packed),
            LayerFile(layer=2, path=f"{place}.wh.gone.1.gz", data=b""),
        ]
        (entry,) = manual.entries(files, version="abc")
        assert entry.title == "lever(1), manual page"
        assert "force" in entry.body

    def test_a_page_that_unpacks_without_end_is_cut(self):
        bomb = gzip.compress(b".SH X\n" + b"a " * (8 << 20))
        file = LayerFile(layer=1, path="/usr/share/man/man1/b.1.gz", data=bomb)
        (entry,) = manual.entries([file], version="1")
        assert len(entry.body) < 2 << 20


class TestCollections:
    @pytest.fixture
    def rules(self, tmp_path):
        write(tmp_path / "lever.yml", RULE)
        write(tmp_path / "other.yml", RULE.replace("Lever Heard", "Bolt Heard"))
        return tmp_path

    def test_a_second_import_changes_nothing_and_a_smaller_one_takes_away(self, rules, vectors, db):
        scope = Scope(name="sigma")
        first = bring(read("sigma", rules, About()), scope, model=vectors)
        assert (first.sources, first.changed, first.waiting) == (2, 2, 0)
        calls = len(vectors.calls)
        second = bring(read("sigma", rules, About()), scope, model=vectors)
        assert (second.changed, second.removed, len(vectors.calls)) == (0, 0, calls)
        (rules / "other.yml").unlink()
        assert bring(read("sigma", rules, About()), scope, model=vectors).removed == 1
        assert Source.objects.get().title == "Sigma: Lever Heard"

    def test_the_ranges_own_articles_and_an_import_leave_each_other_alone(
        self, rules, knowledge, article, tmp_path, vectors
    ):
        from tutor.ingest import documents, ingest

        own = Source.objects.count()
        bring(read("sigma", rules, About()), Scope(name="sigma"), model=None)
        ingest(documents(tmp_path / "scenarios", articles=tmp_path / "all"), vectors)
        assert Source.objects.filter(collection="sigma").count() == 2
        bring([], Scope(name="sigma"), model=None)
        assert Source.objects.count() == own

    def test_scope_rung_and_spoiling_are_the_operators_to_choose(self, rules, school, vectors, db):
        about = About(min_rung=1, spoils=True)
        scope = Scope(name="sigma", scenario="ladder", organisation_id=school.pk)
        bring(read("sigma", rules, about), scope, model=vectors)
        chunk = Chunk.objects.first()
        assert (chunk.scenario, chunk.organisation_id) == ("ladder", school.pk)
        assert (chunk.min_rung, chunk.spoils) == (1, True)

    def test_an_id_in_a_rule_finds_it(self, rules, vectors, db):
        bring(read("sigma", rules, About()), Scope(name="sigma"), model=vectors)
        found = search(Wanted(text="T9001.002", rung=3), model=vectors)
        assert found[0].title.startswith("Sigma:")
        assert found[0].license == "Detection Rule License 1.1"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Blue team handbook volume 1", "Blue team handbook volume 2"),
            ("blue-team-handbook-volume-1", "blue-team-handbook-volume-2"),
            ("Ümlaut", "umlaut"),
        ],
    )
    def test_one_import_never_takes_another_away(self, rules, vectors, db, one, other):
        for name in (one, other):
            bring(read("sigma", rules, About()), Scope(name=name), model=None)
        assert Source.objects.count() == 4
        assert Scope(name=one).collection != Scope(name=other).collection

    def test_names_of_collections_stay_short_and_those_that_were_short_stay(self, school):
        assert Scope(name="sigma", scenario="ladder").collection == "sigma-for-ladder"
        long = {"name": "n" * 200, "organisation_id": school.pk}
        names = {Scope(**long, scenario="s" * 40 + end).collection for end in "ab"}
        assert len(names) == 2
        assert max(len(name) for name in names) <= 64

    def test_names_that_differ_only_in_signs_keep_apart(self):
        assert slug_of("a/b") != slug_of("a-b")
        assert slug_of("../../etc/passwd").startswith("etc-passwd-")
        assert len(slug_of("x" * 500)) <= 80


class TestCommand:
    def test_a_preview_writes_nothing(self, tmp_path, db, capsys):
        write(tmp_path / "lever.yml", RULE)
        call_command("import_knowledge", "sigma", str(tmp_path), "--preview")
        assert "1 sources, 3 passages; nothing was written" in capsys.readouterr().out
        assert not Source.objects.exists()

    def test_it_imports_and_removes(self, tmp_path, db, capsys):
        write(tmp_path / "lever.yml", RULE)
        call_command("import_knowledge", "sigma", str(tmp_path), "--no-embedding")
        assert Source.objects.get().origin == "IMPORT"
        call_command("import_knowledge", "sigma", "--remove")
        assert not Source.objects.exists()

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["sigma"], "Name the file"),
            (["sigma", "/nowhere"], "not a folder"),
            (["markdown", "/nowhere"], "--name and --license"),
            (["man", "--scenario", "../none"], "no scenario"),
            (["sigma", "/nowhere", "--organisation", "none"], "no organisation"),
        ],
    )
    def test_it_says_what_is_missing(self, db, arguments, says):
        with pytest.raises(CommandError, match=says):
            call_command("import_knowledge", *arguments)
