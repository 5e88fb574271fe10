"""The pages say what is: listings verify, quoted output is printed, generated pages are in sync."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest

from docs import bugs, errors, generate, primitives
from docs.error_codes import ABOUT
from docs.quoted import LEFT_OUT, ROOT, agree, blocks, quotes, renewed, run, workspace, write
from kmcheck import lang
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import read
from kmcheck.frontend.hints import unknown_name
from kmcheck.verdict import Violated

WRITTEN = [name for name in generate.pages() if name not in generate.GENERATED]
RENEW = "./run python -m docs.generate"
SCHEMA = json.loads((ROOT / "docs" / "verify.schema.json").read_text("utf-8"))


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def verdict_on(path: Path) -> str:
    try:
        result = verify(read(str(path)), Options())
    except SpecError:
        return "refused"
    violated = [v.property for v in result.verdicts if isinstance(v, Violated)]
    return violated[0] if violated else result.outcome


# --- what stands on a page ----------------------------------------------------------------------


@pytest.mark.parametrize("name", generate.GENERATED)
def test_a_generated_page_is_in_sync(name: str) -> None:
    assert page(name) == generate.current(name), f"renew it: {RENEW}"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_can_be_followed_from_its_top(name: str, tmp_path: Path) -> None:
    workspace(tmp_path)
    for block in blocks(page(name)):
        where = f"{name}:{block.line}"
        write(block, tmp_path)
        if block.verdict is not None:
            assert verdict_on(tmp_path / str(block.file)) == block.verdict, where
        if block.language == "console":
            for quote in quotes(block):
                printed = run(quote.command, tmp_path)
                shown = "\n".join(printed)
                assert agree(quote.output, printed), f"{where}: renew it: {RENEW}\n{shown}"


@pytest.mark.parametrize("name", WRITTEN)
def test_every_listing_is_well_formed(name: str) -> None:
    for block in blocks(page(name)):
        match block.language:
            case "python":
                ast.parse(block.text)
            case "toml":
                tomllib.loads(block.text)
            case "json":
                json.loads(block.text)


def test_listings_pass_mypy_and_ruff(tmp_path: Path) -> None:
    for name in WRITTEN:
        for number, block in enumerate(blocks(page(name))):
            if block.verdict not in (None, "refused"):
                path = tmp_path / f"{Path(name).stem}_{number}.py"
                path.write_text(block.text, "utf-8")
    for command in (
        ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path)],
        ["ruff", "check", "--isolated", "--select=E,I,W", "--line-length=100", str(tmp_path)],
        ["ruff", "format", "--isolated", "--check", "--line-length=100", str(tmp_path)],
    ):
        ended = subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize("name", generate.pages())
def test_a_link_leads_somewhere(name: str) -> None:
    here = (ROOT / name).parent
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name))
    assert [link for link in linked if not (here / link).exists()] == []


def anchors(name: str) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    text = re.sub(r"^(```+).*?^\1`*$", "", page(name), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
    slugs = [re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain]
    return {
        slug if not before else f"{slug}-{before}"
        for at, slug in enumerate(slugs)
        for before in [slugs[:at].count(slug)]
    }


@pytest.mark.parametrize("name", generate.pages())
def test_a_link_leads_to_a_heading(name: str) -> None:
    here = (ROOT / name).parent
    linked = re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page(name))
    pages = [((here / to).resolve().relative_to(ROOT) if to else name, at) for to, at in linked]
    assert [(to, at) for to, at in pages if at not in anchors(str(to))] == []


@pytest.mark.parametrize("name", WRITTEN)
def test_the_english_is_plain(name: str) -> None:
    assert not {"\u2014", "\u2013", "\u2026", "\u2018", "\u2019", "\u201c", "\u201d"} & set(
        page(name)
    )


# --- what a page leaves out ---------------------------------------------------------------------


def test_every_word_of_the_language_is_in_the_reference() -> None:
    told = set(re.findall(r"`[^`]*`", page("docs/language.md")))
    words = {word for code in told for word in re.findall(r"\w+", code)}
    assert set(lang.__all__) - words == set()


def test_every_verb_and_flag_is_on_the_command_lines_page() -> None:
    text = page("docs/cli.md")
    for verb in ("", *(p.stem for p in (ROOT / "kmcheck" / "cli").glob("[a-z]*.py"))):
        command = f"kmcheck {verb} --help".replace("  ", " ")
        assert f"$ {command}\n" in text


def test_every_code_has_a_line() -> None:
    assert errors.codes() == re.findall(r"^## ([KW]\d{3})$", page("docs/errors.md"), re.MULTILINE)


def test_every_code_has_a_cause_and_a_cure() -> None:
    assert sorted(ABOUT) == errors.codes()


def test_the_types_that_a_primitive_names_are_told() -> None:
    told = primitives.page()
    percpu_ref = told.partition("## `percpu_ref`")[2].partition("\n## ")[0]
    assert "Types: `Count` is `Annotated[int, range(256)]`." in percpu_ref
    cpu = told.partition("## `cpu`")[2].partition("\n## ")[0]
    assert "`Nesting` is " in cpu  # imported from another file


def test_a_message_stands_with_the_line_that_it_was_said_of() -> None:
    told = "- `&` is C, not Python: `refcount_inc(&root.ref)`\n\n  Hint: "
    assert told in errors.page()


def test_every_word_of_c_in_the_table_has_a_hint_or_is_a_primitive() -> None:
    table = page("docs/language.md").partition("## From C")[2].partition("### ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    called = {name for row in rows for name in re.findall(r"(\w+)\(", row)}
    unknown = {name for name in called if not unknown_name(name, ())}
    assert unknown <= {"f", "sizeof"}


def test_every_bug_says_in_which_kernels_what_breaks_and_what_mends_it() -> None:
    told = page("docs/bugs.md").split("\n## ")[1:]
    assert len(told) == len(list((ROOT / "specs" / "bugs").glob("*.py"))) + len(bugs.ELSEWHERE)
    for bug in told:
        named = re.findall(r"^\*\*(\w+)\*\*: ", bug, re.MULTILINE)
        assert {"Kernel", "Breaks", "Fix", "Modelled"} <= set(named), bug.splitlines()[0]


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^(\w+)$", page("docs/index.md"), re.MULTILINE))
    assert listed == {p.stem for p in (ROOT / "docs").glob("*.md")} - {"index"}


# --- what a page claims -------------------------------------------------------------------------

COUNTED = re.findall(r"^\| `([^`]+)` \| (\d+) \|", page("docs/semantics.md"), re.MULTILINE)
STEPS = next(b.text for b in blocks(page("docs/semantics.md")) if b.file == "steps.py")


@pytest.mark.parametrize(("code", "steps"), COUNTED)
def test_a_line_of_code_takes_the_steps_that_the_table_says(code: str, steps: str) -> None:
    spec = STEPS.replace("    a.n = 1\n", f"    {code}\n")
    result = verify(Source("steps.py", spec), Options())
    assert (result.outcome, result.label.statistics.depth) == ("holds", int(steps))


def test_the_table_of_steps_is_read() -> None:
    assert len(COUNTED) > 30


def test_the_rooms_of_the_architecture_are_those_that_the_linter_knows() -> None:
    project = tomllib.loads(page("pyproject.toml"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = re.findall(r"^\| (`.*?) \| ", page("docs/architecture.md"), re.MULTILINE)
    told = [set(re.findall(r"\w+", row)) for row in rows]
    there = [
        {room for room in re.findall(r"\w+", layer) if find_spec(f"kmcheck.{room}") is not None}
        for layer in layers
        if layer != "__main__"
    ]
    assert told == [rooms for rooms in there if rooms]


# --- JSON ---------------------------------------------------------------------------------------

FLAGSHIP = "specs/kmemcg/reparent_caches.py"
OUTCOMES = {
    "holds": [FLAGSHIP],
    "violated": [FLAGSHIP, "-D", "READ_LOCK=no"],
    "unknown": [FLAGSHIP, "--max-states", "100"],
    "all": [FLAGSHIP, "-D", "READ_LOCK=no", "-D", "LISTED=no", "--all"],
    "several": ["specs/classic/peterson.py", "specs/classic/two_phase_commit.py", FLAGSHIP],
    "one_property": [FLAGSHIP, "-p", "child_is_freed"],
}


@pytest.mark.parametrize("arguments", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_the_schema_describes_what_is_printed(arguments: list[str], tmp_path: Path) -> None:
    workspace(tmp_path)
    printed = run(f"kmcheck verify {' '.join(arguments)} --format json", tmp_path)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads("\n".join(printed)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({"schema_version": 1})


# --- Sphinx -------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("sphinx") is None, reason="Sphinx is not installed")
@pytest.mark.skipif(find_spec("myst_parser") is None, reason="MyST is not installed")
def test_sphinx_builds_the_site_without_a_warning(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "tutorial.html").exists()


# --- the tool for all this ----------------------------------------------------------------------


def test_lines_that_are_left_out_stay_left_out() -> None:
    old = ("head", "table", LEFT_OUT, "tail")
    assert agree(old, ("head", "table", "label", "tail"))
    assert agree(old, ("head", "table", "tail"))
    assert not agree(old, ("head", "other", "label", "tail"))
    assert renewed(old, ("head", "new", "table", "label", "tail")) == (
        "head",
        "new",
        "table",
        LEFT_OUT,
        "tail",
    )
    assert renewed(old, ("head", "other", "tail")) == ("head", "other", "tail")


def test_only_kmcheck_is_run() -> None:
    with pytest.raises(ValueError, match="no kmcheck command"):
        run("rm -r specs", Path())
