"""The range's own articles: complete, sized for chunks, correct in form and free of scenarios."""

import ast
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tutor.chunking import Article, parse

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tutor" / "knowledge"
SKILLS = ROOT / "range" / "competencies" / "starter" / "skills.yaml"
SCENARIOS = ROOT / "scenarios"

FIELDS = {"title", "slug", "license", "version", "topics", "skills", "min_rung", "spoils"}
FENCE_LANGUAGES = {"sh", "python", "text", "sql", "yaml", "ini", "nft"}
FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "<!-- rung: 3 -->"
ASKS = re.compile(r"^<!-- asks: .+ -->\n", re.MULTILINE)

# Names, addresses and ranges that are reserved for documentation or never leave the machine.
HARMLESS_HOST = re.compile(
    r"^(?:[\w.-]+\.example|127\.0\.0\.1|192\.0\.2\.\d+|tern|allowed\.example@192\.0\.2\.\d+)$"
)
# What would point at an exercise: ids of the library, their worlds, and the shape of a flag.
SCENARIO_WORDS = (
    "sudo-says", "clinic", "patient", "hospital", "teller", "quiet-night", "write-the-rule",
    "beacon-in-the-noise", "ward-7", "ransomware", "permit-portal", "pump-station", "cve-desk",
    "patch-sunday", "helpdesk-copilot", "model-zoo", "invoice-desk", "three-hops", "payroll",
    "ledger", "daybook", "flag{",
)  # fmt: skip
CORE_SKILLS = (
    "enumerate-system", "escalate-privilege", "abuse-sudo-rules", "abuse-setuid-programs",
    "abuse-scheduled-work", "abuse-capabilities", "harden-privilege-rules", "preserve-service",
    "test-object-authorisation", "exploit-server-side-request", "read-source-code",
    "fix-authorisation", "validate-outbound-requests", "keep-functional-tests-green",
    "report-findings", "contain-intrusion", "analyse-logs", "write-detection", "segment-network",
    "triage-vulnerability",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    heading: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.replace(MARK, "").split())


@cache
def written_texts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}


@cache
def texts() -> dict[str, str]:
    """The articles as people read them: without the questions that only the search knows."""
    return {slug: ASKS.sub("", text) for slug, text in written_texts().items()}


@cache
def article(slug: str) -> Article:
    return parse(texts()[slug], name=slug)


@cache
def known_skills() -> frozenset[str]:
    loaded = YAML(typ="safe", pure=True).load(SKILLS)
    return frozenset(each["key"] for each in loaded["skills"])


def front_of(text: str) -> dict[str, object]:
    found = FRONT.match(text)
    assert found
    loaded = YAML(typ="safe", pure=True).load(found[1])
    assert isinstance(loaded, dict)
    return loaded


def body_of(text: str) -> str:
    found = FRONT.match(text)
    assert found
    return found[2]


def sections_of(text: str) -> list[Section]:
    parts = re.split(r"^## +(.+)$", body_of(text), flags=re.MULTILINE)
    assert not parts[0].strip(), "text before the first heading would lose its subject"
    return [
        Section(heading=heading, text=content.strip())
        for heading, content in zip(parts[1::2], parts[2::2], strict=True)
    ]


def badly_sized(text: str) -> list[str]:
    sections = sections_of(text)
    wrong = [each.heading for each in sections if not 80 <= each.words <= 220]
    total = sum(each.words for each in sections)
    return wrong + ([] if 450 <= total <= 900 else [f"the whole has {total} words"])


def strange_hosts(text: str) -> list[str]:
    hosts = re.findall(r"\b(?:https?|ftp|git|ssh)://([^\s/:\"'`)]+)", text)
    return [host for host in hosts if not HARMLESS_HOST.match(host) and "[" not in host]


def scenario_words(text: str) -> list[str]:
    return [word for word in SCENARIO_WORDS if word in text.casefold()]


def bare_techniques(text: str) -> list[str]:
    return re.findall(r"(?<!attack:)(?<![\w.])T1\d{3}(?:\.\d{3})?\b", text)


def sentences_of(text: str) -> set[str]:
    prose = re.sub(r"\s+", " ", FENCE.sub(" ", body_of(text)))
    found = (sentence.strip().casefold() for sentence in re.split(r"(?<=[.!?:]) ", prose))
    return {sentence for sentence in found if len(sentence.split()) >= 7}


def test_the_library_is_large_enough():
    assert len(texts()) >= 40


def test_titles_are_unique():
    assert [
        title for title, n in Counter(article(s).front.title for s in texts()).items() if n > 1
    ] == []


@pytest.mark.parametrize("slug", texts())
class TestEachArticle:
    def test_it_states_every_field_and_nothing_else(self, slug):
        assert set(front_of(texts()[slug])) == FIELDS

    def test_its_slug_is_its_file_name_which_makes_slugs_unique(self, slug):
        assert article(slug).front.slug == slug

    def test_its_fields_hold_what_retrieval_expects(self, slug):
        front = article(slug).front
        assert front.license == "Apache-2.0"
        assert front.spoils is False
        assert 1 <= front.min_rung <= 3
        assert front.topics
        assert front.skills
        assert len(set(front.skills)) == len(front.skills)

    def test_its_sections_are_sized_for_chunks(self, slug):
        assert badly_sized(texts()[slug]) == []

    def test_its_headings_tell_sections_apart(self, slug):
        headings = [each.heading for each in sections_of(texts()[slug])]
        assert len(headings) >= 4
        assert len(set(headings)) == len(headings)

    def test_a_mark_stands_right_below_its_heading_and_raises_the_rung(self, slug):
        marked = [each for each in sections_of(texts()[slug]) if "<!--" in each.text]
        for section in marked:
            assert section.text.startswith(f"{MARK}\n\n")
            assert section.text.count("<!--") == 1
            rungs = {p.min_rung for p in article(slug).pieces if p.heading == section.heading}
            assert rungs == {3}
        assert not marked or article(slug).front.min_rung < 3

    def test_its_pieces_carry_prose_and_no_mark(self, slug):
        for piece in article(slug).pieces:
            assert len(piece.text.split()) >= 20
            assert "<!--" not in piece.text
            assert piece.text.count("```") % 2 == 0

    def test_it_depends_on_no_other_host(self, slug):
        text = texts()[slug]
        assert strange_hosts(text) == []
        assert not re.search(r"!?\[[^\]\n]+\]\([^)\s]+\)", FENCE.sub("", text))

    def test_it_gives_no_scenario_away(self, slug):
        assert scenario_words(texts()[slug]) == []

    def test_techniques_are_namespaced(self, slug):
        assert bare_techniques(texts()[slug]) == []

    def test_its_examples_are_fenced_with_a_known_language(self, slug):
        body = body_of(texts()[slug])
        fences = FENCE.findall(body)
        assert body.count("```") == 2 * len(fences)
        assert {language for language, _ in fences} <= FENCE_LANGUAGES

    def test_its_examples_can_be_parsed(self, slug):
        fences = FENCE.findall(texts()[slug])
        for code in (code for language, code in fences if language == "python"):
            ast.parse(code)
        shell = "\n".join(f"(\n{code}\n)" for language, code in fences if language == "sh")
        done = subprocess.run(["bash", "-n"], input=shell, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    def test_its_skills_are_in_the_catalogue(self, slug):
        assert set(article(slug).front.skills) <= known_skills()


@pytest.mark.parametrize("skill", CORE_SKILLS)
def test_a_core_skill_has_something_to_read_in_two_articles(skill):
    assert sum(skill in article(slug).front.skills for slug in texts()) >= 2


def test_every_section_says_what_it_answers_and_no_two_say_the_same():
    pieces = [piece for text in written_texts().values() for piece in parse(text, name="x").pieces]
    assert [piece.heading for piece in pieces if not 5 <= len(piece.asks) <= 6] == []
    asked = {(piece.heading, ask) for piece in pieces for ask in piece.asks}
    assert [ask for ask, n in Counter(ask for _, ask in asked).items() if n > 1] == []
    assert [ask for _, ask in asked if scenario_words(ask)] == []


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*/knowledge/*.md")), ids=lambda it: it.stem)
def test_a_section_of_a_scenarios_article_says_what_it_answers_unless_it_spoils(path):
    read = parse(path.read_text(encoding="utf-8"), name=path.stem)
    fewest, most = (0, 0) if read.front.spoils else (2, 3)
    unlike = [piece.heading for piece in read.pieces if not fewest <= len(piece.asks) <= most]
    assert unlike == []


def test_no_sentence_is_used_twice():
    counted = Counter(sentence for text in texts().values() for sentence in sentences_of(text))
    assert [sentence for sentence, n in counted.items() if n > 1] == []


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ("sudo -l", "sudo-rules"),
        ("NOPASSWD", "sudo-rules"),
        ("env_keep", "sudo-escapes"),
        ("-perm -4000", "setuid-programs"),
        ("attack:T1548.001", "setuid-programs"),
        ("CWE-250", "least-privilege"),
        ("getcap -r /", "linux-capabilities"),
        ("attack:T1053.003", "cron-and-timers"),
        ("nmap -sV", "nmap-basics"),
        ("%{http_code}", "curl-basics"),
        ("CWE-639", "broken-object-level-authorisation"),
        ("CWE-639", "fixing-object-level-authorisation"),
        ("CWE-918", "server-side-request-forgery"),
        ("CWE-918", "validating-outbound-requests"),
        ("CWE-89", "sql-injection"),
        ("CWE-78", "command-injection"),
        ("CWE-22", "path-traversal"),
        ("CWE-79", "cross-site-scripting"),
        ("CWE-502", "pickle-and-model-files"),
        ("CVSS:3.1/", "vulnerability-triage"),
        ("nft list ruleset", "nftables-basics"),
        ("/etc/shadow", "password-hashes-and-shadow"),
    ],
)
def test_an_identifier_that_people_ask_for_stands_where_it_belongs(asked, slug):
    assert asked in texts()[slug]


@pytest.mark.parametrize(
    "slug", ["sudo-escapes", "setuid-programs", "linux-capabilities", "path-search-order",
             "cron-and-timers", "wildcards-in-backup-scripts", "writable-service-files",
             "broken-object-level-authorisation", "server-side-request-forgery"],
)  # fmt: skip
def test_an_article_on_an_attack_keeps_its_technique_for_the_third_rung(slug):
    rungs = Counter(piece.min_rung for piece in article(slug).pieces)
    assert rungs[3] >= 1
    assert rungs[2] > rungs[3] or slug == "sudo-escapes"


def test_no_article_names_a_file_of_a_scenario():
    own = re.compile(r"/(?:opt|srv|usr/local)/[\w.-]+/[\w./-]*\w")
    told = {path: slug for slug, text in texts().items() for path in own.findall(text)}
    used = {
        path
        for file in SCENARIOS.glob("*/scenario.yaml")
        for path in own.findall(file.read_text(encoding="utf-8"))
    }
    assert sorted(used & told.keys()) == []


def written(body: str) -> str:
    return f"---\ntitle: Any\nslug: any\n---\n{body}"


def test_the_size_rule_notices_short_long_and_meagre():
    good = "word " * 120
    assert badly_sized(written("".join(f"## H{n}\n{good}\n" for n in range(5)))) == []
    assert badly_sized(written(f"## A\n{'word ' * 79}\n" + f"## B\n{good}\n" * 5)) == ["A"]
    assert badly_sized(written(f"## A\n{'word ' * 221}\n" + f"## B\n{good}\n" * 4)) == ["A"]
    assert badly_sized(written(f"## A\n{good}\n")) == ["the whole has 120 words"]


def test_the_host_rule_lets_only_reserved_names_pass():
    assert strange_hosts("http://127.0.0.1:80/ https://depot.example/x http://192.0.2.7/") == []
    assert strange_hosts("see https://example.com.evil.org/a") == ["example.com.evil.org"]


def test_the_scenario_rule_ignores_case_and_sees_flags():
    assert scenario_words("the Clinic and FLAG{X}") == ["clinic", "flag{"]
    assert scenario_words("a parcel depot") == []


def test_the_technique_rule_accepts_the_namespaced_form_only():
    assert bare_techniques("attack:T1548.001 and port T10") == []
    assert bare_techniques("T1548.001, (T1070)") == ["T1548.001", "T1070"]
