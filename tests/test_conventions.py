"""Keeps what linters cannot: sizes, words, captions, and what must never be committed."""

import ast
import os
import re
import subprocess
from pathlib import Path
from statistics import median, quantiles

import pytest

CLONE = Path(__file__).resolve().parents[1]
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

# A word that means another concept here than people expect; the right-hand word is ours.
REJECTED = {
    "tenant": "organisation",
    "student": "trainee",
    "learner": "trainee",
    "player": "trainee",
    "spawner": "driver",
    "mastery": "skill estimate",
    "proficiency": "skill estimate",
    "ksa": "statement",
    "tip": "hint",
    "clue": "hint",
    "challenge": "scenario",
    "registration": "attempt",
    "assignment": "exercise",
}
# Where such a word belongs to somebody else's interface.
ALLOWED = {
    "range/console/redacting.py": {"player"},
    "range/checks/ssh_client.py": {"challenge"},
}

# A scenario's machines have a /root of their own, so only what betrays a workplace counts.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|farm)/\w|/root/\.(?:pyenv|cargo|cache)\b")
REGISTRY_HOSTS = re.compile(
    r"(?:files\.pythonhosted|pypi|registry\.npmjs|registry\.yarnpkg|deb\.debian|"
    r"security\.debian|snapshot\.debian|archive\.ubuntu|index\.docker|ghcr)\.(?:org|io|com)"
)
INLINE = re.compile(r"<style\b|<script(?![^>]*\bsrc=)[^>]*>|\sstyle\s*=|\son[a-z]+\s*=", re.I)


def committed(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=True,
    )
    return [CLONE / name for name in listed.stdout.split("\0") if name and (CLONE / name).is_file()]


def relative(path):
    return str(path.relative_to(CLONE))


def lines_of(path):
    return len(path.read_text().splitlines())


@pytest.fixture(scope="module")
def sources():
    """Every module of ours with its syntax tree; migrations are generated."""
    paths = [
        path for path in committed("range/*.py", "tutor/*.py") if "migrations" not in path.parts
    ]
    return {path: ast.parse(path.read_text(), filename=str(path)) for path in paths}


@pytest.fixture(scope="module")
def functions(sources):
    return [
        (path, node)
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTION)
    ]


def size(node):
    return node.end_lineno - node.lineno + 1


def p90(numbers):
    return quantiles(numbers, n=10)[-1]


def test_functions_stay_small(functions, record_property):
    sizes = [size(node) for _, node in functions]
    print(
        f"\nfunctions: {len(sizes)}, median {median(sizes)}, p90 {p90(sizes):.0f}, max {max(sizes)}"
    )
    large = [f"{relative(path)}:{node.name}" for path, node in functions if size(node) > 60]
    assert large == []
    assert median(sizes) <= 10
    assert p90(sizes) <= 30


def test_files_stay_small(sources):
    sizes = [lines_of(path) for path in sources]
    print(f"\nfiles: {len(sizes)}, median {median(sizes)}, p90 {p90(sizes):.0f}, max {max(sizes)}")
    assert [relative(path) for path in sources if lines_of(path) > 500] == []
    assert median(sizes) <= 120
    assert p90(sizes) <= 300


def test_every_function_is_annotated(functions):
    bare = [f"{relative(path)}:{node.name}" for path, node in functions if not annotated(node)]
    print(f"\nannotated: {100 * (1 - len(bare) / len(functions)):.1f} %")
    assert bare == []


def annotated(node):
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    needed = [each for each in named if each is not None and each.arg not in ("self", "cls")]
    return node.returns is not None and all(each.annotation is not None for each in needed)


def test_there_is_more_test_than_source(sources):
    tests = sum(lines_of(path) for path in committed("tests/*.py"))
    source = sum(lines_of(path) for path in sources)
    print(f"\ntest lines {tests} : source lines {source} = {tests / source:.2f} (wanted: 1.2)")
    # What is wanted is 1.2; this is the floor reached so far, raised as tests are added.
    assert tests / source >= 0.65


def test_the_builtin_range_is_never_shadowed():
    guilty = [
        f"{relative(path)}:{node.lineno}"
        for path in committed("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        and any(
            alias.name.split(".")[0] == "range" and alias.asname is None for alias in node.names
        )
    ]
    assert guilty == [], "write `from range.x import y`"


def test_every_module_begins_with_its_caption(sources):
    missing = [
        relative(path)
        for path, tree in sources.items()
        if path.read_text().strip() and not ast.get_docstring(tree)
    ]
    assert missing == []


def test_the_captions_of_architecture_are_the_modules_own(sources):
    listed = captions((CLONE / "ARCHITECTURE.md").read_text())
    own = {
        relative(path): (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
        for path, tree in sources.items()
    }
    wrong = {path: own.get(path) for path, text in listed.items() if own.get(path) != text}
    assert wrong == {}


def captions(text):
    folder, found = "", {}
    for line in text.splitlines():
        if heading := re.match(r"### `([^`]+)/`", line):
            folder = heading[1]
        elif row := re.match(r"\| `([\w./]+\.py)` \| (.+?) \|$", line):
            found[f"{folder}/{row[1]}"] = row[2]
    return found


def test_captions_are_read_from_a_table():
    text = "### `range/lib/`\n\n| file | what it is |\n|---|---|\n| `a.py` | Does a. |\n"
    assert captions(text) == {"range/lib/a.py": "Does a."}


def test_rejected_words_stay_out_of_identifiers(sources):
    guilty = []
    for path, tree in sources.items():
        allowed = ALLOWED.get(relative(path), set())
        for name in identifiers(tree):
            words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
            guilty += [f"{relative(path)}: {name}" for word in words & REJECTED.keys() - allowed]
    assert sorted(set(guilty)) == []


def identifiers(tree):
    for node in ast.walk(tree):
        if isinstance(node, FUNCTION | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_a_rejected_word_would_be_found():
    names = set(identifiers(ast.parse("class StudentView:\n    def go(self, player): mastery = 1")))
    assert names == {"StudentView", "go", "self", "player", "mastery"}


def text_files():
    for path in committed():
        if path.suffix in (".png", ".woff2", ".ico", ".gz", ".jpg"):
            continue
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def test_nothing_committed_names_a_machine_or_a_registry():
    guilty = [
        f"{relative(path)}: {match[0]}"
        for path, text in text_files()
        if path != Path(__file__)
        for match in (MACHINE_PATHS.search(text), REGISTRY_HOSTS.search(text))
        if match
    ]
    assert guilty == []


def test_templates_hold_no_inline_script_or_style():
    guilty = [
        f"{relative(path)}: {match[0].strip()}"
        for path in committed("templates")
        for match in [INLINE.search(without_comments(path.read_text()))]
        if match
    ]
    assert guilty == []


def without_comments(text):
    return re.sub(
        r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", "", text, flags=re.S
    )


@pytest.mark.parametrize(
    ("text", "inline"),
    [
        ('<script src="a.js" defer></script>', False),
        ("<script>alert(1)</script>", True),
        ('<div style="color:red">', True),
        ('<a onclick="x()">', True),
        ('<input name="on" hx-on="">', False),
        ('<svg viewBox="0 0 1 1" data-style="x">', False),
    ],
)
def test_inline_script_and_style_would_be_found(text, inline):
    assert bool(INLINE.search(text)) is inline


def test_every_check_kind_is_documented():
    from range.checks import spec

    page = CLONE / "docs" / "reference" / "checks.md"
    headings = set(re.findall(r"^#+ `?([\w-]+)`?$", page.read_text(), flags=re.M))
    assert kinds(spec) - headings == set()


def kinds(module):
    """Every value that the `kind` of a check may have."""
    from pydantic import BaseModel

    found = set()
    waiting = [BaseModel]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            field = model.model_fields.get("kind")
            if model.__module__.startswith("range.checks.") and field is not None:
                found |= set(getattr(field.annotation, "__args__", ()))
    assert found, module
    return found


def test_views_stay_thin(functions):
    thick = [
        f"{relative(path)}:{node.name} ({size(node)})"
        for path, node in functions
        if (path.name == "views.py" or path.parent.name == "views")
        and node.args.args
        and node.args.args[0].arg == "request"
        and size(node) > 20
    ]
    assert thick == []


def test_every_setting_is_in_the_example():
    from django.conf import settings

    example = (CLONE / ".env.example").read_text()
    documented = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, flags=re.M))
    source = (settings.BASE_DIR / "range" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]*[A-Z])"', source))
    assert read - documented == set()
    assert documented - read == set()


@pytest.mark.xdist_group("guard")
def test_groups_of_tests_stay_on_one_worker(request):
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        pytest.skip("one process runs every test")
    # The group travels to the scheduler in the id; without it, each worker starts its own range.
    assert request.node.nodeid.endswith("@guard"), "run with --dist loadgroup"
