"""What Python programs and notebooks are promised: the page of it is run, and typed."""

import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import kmcheck
from docs.quoted import ROOT, blocks, workspace, write
from kmcheck import api, shelf
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.trace import Event
from kmcheck.verdict import ENGINE, WITHOUT, Budget, Result

PAGE = ROOT / "docs" / "api.md"
SCRIPT = "review.py"
FLAGSHIP = "specs/kmemcg/reparent_caches.py"

WRONG = """
from kmcheck.lang import setup


@setup
def world() -> None:
    nothing()
"""

SMALL = """
from kmcheck.lang import Object, always, process, setup, start


class Page(Object):
    dirty: bool


page = Page()


@process
def writer() -> None:
    page.dirty = True


@setup
def world() -> None:
    start(writer)


@always
def is_clean() -> bool:
    return not page.dirty
"""

MISUSE = """
import kmcheck

kmcheck.lod("spec.py")  # type: ignore[attr-defined]
result = kmcheck.load(1).verify()  # type: ignore[arg-type]
print(result.trace.steps)  # type: ignore[union-attr]
kmcheck.load("spec.py").verify(threds=2)  # type: ignore[call-arg]
"""
"""Each line has a mistake: --strict complains of a `type: ignore` that is not needed."""

LOADED = """
import sys
before = set(sys.modules)
import kmcheck
kmcheck.__version__, dir(kmcheck)
print(*set(sys.modules) - before)
"""


@pytest.fixture(autouse=True)
def in_a_folder_with_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(name="result", scope="module")
def once_violated() -> kmcheck.Result:
    return kmcheck.loads(SMALL).verify()


def python(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def script() -> str:
    found = next(b for b in blocks(PAGE.read_text("utf-8")) if b.file == SCRIPT)
    write(found, Path())
    return SCRIPT


# --- the page -----------------------------------------------------------------------------------


def test_the_examples_on_the_page_run() -> None:
    found = doctest.testfile(
        str(PAGE),
        module_relative=False,
        optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL,
    )
    assert found.attempted > 25
    assert found.failed == 0


def test_the_script_on_the_page_says_what_stands_below_it() -> None:
    below = [b.text for b in blocks(PAGE.read_text("utf-8")) if b.language == "text"]
    assert python(script(), FLAGSHIP) == below[-1]


def test_the_script_on_the_page_passes_mypy_strict_and_misuse_does_not() -> None:
    Path("misuse.py").write_text(MISUSE)
    cache = str(ROOT / ".mypy_cache" / "api")
    python("-m", "mypy", "--strict", "--cache-dir", cache, script(), "misuse.py")
    assert (ROOT / "kmcheck" / "py.typed").exists()


def test_all_that_is_public_is_told_on_the_page_and_told_of_itself() -> None:
    told = set(re.findall(r"`(\w+)`", PAGE.read_text("utf-8")))
    classes = (kmcheck.Spec, kmcheck.Result, kmcheck.Verdict, kmcheck.Trace, kmcheck.Event)
    inside = {name for kind in (*classes, kmcheck.Diagnostic) for name in dir(kind)}
    assert {name for name in inside if not name.startswith("_")} <= told
    for name in set(kmcheck.__all__) - {"__version__"}:
        assert name in told
        assert getattr(kmcheck, name).__doc__
    assert [*api.__all__, "__version__"] == sorted(kmcheck.__all__, key="__version__".__eq__)


# --- the door -----------------------------------------------------------------------------------


def test_importing_it_loads_nothing_else() -> None:
    loaded = {name.partition(".")[0] for name in python("-c", LOADED).split()}
    assert loaded - sys.stdlib_module_names == {"kmcheck"}


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'verfy'"):
        kmcheck.verfy  # type: ignore[attr-defined]  # noqa: B018


# --- asking -------------------------------------------------------------------------------------


def test_a_wrong_spec_is_an_error_with_all_diagnostics() -> None:
    with pytest.raises(kmcheck.SpecError) as caught:
        kmcheck.loads(WRONG, "wrong.py")
    assert [d.span.where for d in caught.value.diagnostics] == ["wrong.py:7:5"]


def test_what_is_unknown_does_not_hold() -> None:
    result = kmcheck.load(FLAGSHIP).verify(max_states=10)
    assert (result.outcome, result.holds, result.violated, bool(result)) == (
        "unknown",
        False,
        False,
        False,
    )
    assert result.trace is None
    assert result.traces == {}


def test_only_the_property_that_is_named_is_decided() -> None:
    spec = kmcheck.loads(SMALL)
    assert list(spec.verify("deadlock").verdicts) == ["deadlock"]
    assert set(spec.verify(["deadlock", "leak"]).verdicts) == {"deadlock", "leak"}


def test_both_engines_say_the_same() -> None:
    spec = kmcheck.load(FLAGSHIP, READ_LOCK="no")
    native, reference = spec.verify(), spec.verify(engine="reference")
    assert native.trace == reference.trace


def test_what_is_asked_is_on_the_label() -> None:
    label = (
        kmcheck.loads(SMALL)
        .verify(
            ["is_clean", "deadlock"],
            engine="reference",
            every=True,
            no_reduce=["dead"],
            liveness=True,
            races=True,
            audit=True,
        )
        .label
    )
    assert label.wanted == ("is_clean", "deadlock")
    assert (label.engine, label.every, label.liveness, label.races) == ("reference",) + (True,) * 3
    assert label.left_out == ("dead",)
    assert label.audit


def test_what_is_asked_is_what_the_command_line_would_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Options] = []

    def noted(source: Source, options: Options, report: object) -> Result:
        asked.append(options)
        return verify(source, options)

    monkeypatch.setattr("kmcheck.driver.verify", noted)
    spec = kmcheck.loads(SMALL)
    spec.verify()
    spec.verify(threads=2, timeout=60.0, memory=2**30, max_states=50, max_depth=9)
    default, limited = asked
    assert (default.engine, default.without, default.every) == (ENGINE, WITHOUT, False)
    assert default.budget == Budget(bytes=default.budget.bytes)
    assert default.budget.bytes is not None
    assert limited.budget == Budget(50, 9, 60.0, 2**30, 2, wanted_bytes=2**30)


def test_a_trace_replays_with_its_spec_only(result: kmcheck.Result, tmp_path: Path) -> None:
    assert result.trace is not None
    same, other = tmp_path / "same.py", tmp_path / "other.py"
    same.write_text(SMALL)
    other.write_text(SMALL.replace("page.dirty = True", "page.dirty = False"))
    assert result.trace.replay(same).violation.kind == "is_clean"
    with pytest.raises(kmcheck.InternalError):
        result.trace.replay(other)
    with pytest.raises(kmcheck.UsageError, match="cannot read"):
        result.trace.replay()


def test_settings_by_name_go_before_those_of_the_mapping() -> None:
    spec = kmcheck.load(FLAGSHIP, settings={"FREERS": 1, "READ_LOCK": "no"}, FREERS=3)
    assert (spec.settings["FREERS"], spec.settings["READ_LOCK"]) == ("3", "no")


def test_progress_is_told() -> None:
    seen: list[kmcheck.Progress] = []
    kmcheck.load(FLAGSHIP).verify(engine="reference", progress=seen.append)
    depths = [p.depth for p in seen]
    assert depths
    assert depths == sorted(depths)


@pytest.mark.parametrize(
    ("wrong", "message", "hint"),
    [
        (lambda r: kmcheck.load("no.py"), "cannot read no.py", ""),
        (lambda r: kmcheck.load_trace("no.json"), "cannot read no.json", ""),
        (lambda r: r.render("jsn"), "there is no format `jsn`", "did you mean `json`?"),
        (lambda r: r.trace.render("colums"), "no picture `colums`", "did you mean `columns`?"),
        (lambda r: r.trace.save("no/where.json"), "cannot write", ""),
        (lambda r: r.save(Path(__file__) / "x"), "cannot write", ""),
        (lambda r: kmcheck.loads(SMALL).verify("leek"), "no property `leek`", "mean `leak`?"),
    ],
)
def test_a_wrong_name_is_a_usage_error(
    wrong: object, message: str, hint: str, result: kmcheck.Result
) -> None:
    assert callable(wrong)
    with pytest.raises(kmcheck.UsageError) as caught:
        wrong(result)
    assert message in caught.value.message
    assert hint in caught.value.hint


# --- looking ------------------------------------------------------------------------------------


def test_a_trace_is_told_step_by_step(result: kmcheck.Result) -> None:
    assert result.trace is not None
    assert result.traces == {"is_clean": result.trace}
    assert all(isinstance(step, Event) for step in result.trace.steps)
    assert result.trace.steps[-1].text == "page.dirty = true"
    assert "page.dirty = true" in str(result.trace)
    assert result.trace.initial.objects[0].name == "page"


def test_every_picture_on_the_shelf_is_drawn(result: kmcheck.Result) -> None:
    assert result.trace is not None
    for picture in shelf.names("render"):
        assert result.trace.render(picture)


def test_the_counterexamples_are_those_of_the_command_line(result: kmcheck.Result) -> None:
    kept = result.save("kept")
    assert kmcheck.load_trace(kept["is_clean"]) == result.trace
    assert sorted(p.suffix for p in kept["is_clean"].parent.iterdir()) == [
        ".dot",
        ".json",
        ".svg",
        ".txt",
    ]


def test_a_result_prints_as_the_command_line_does(result: kmcheck.Result) -> None:
    assert str(result).partition("\n")[0].endswith("spec: VIOLATED  is_clean  (1 step, shortest)")
    assert '"schema_version"' in result.render("json")


# --- notebooks ----------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Which tags are open, all that were, and what is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.seen.add(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(page: str) -> Iterator[str]:
    reader = Tags()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    yield from reader.seen


def test_a_notebook_draws_a_trace(result: kmcheck.Result) -> None:
    assert result.trace is not None
    drawn = ET.fromstring(result.trace._repr_svg_())  # noqa: S314 - it is our own
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    page = result.trace._repr_html_()
    assert {"img", "details", "pre"} <= set(tags(page))
    assert "page.dirty = true" in page


def test_a_notebook_shows_verdicts_and_their_label(result: kmcheck.Result) -> None:
    page = result._repr_html_()
    assert "script" not in set(tags(page))
    assert ">is_clean</td>" in page
    assert "violated" in page
    assert "built-in properties</td>" in page
    assert "memory       sequential consistency" in page


def test_what_a_notebook_shows_is_escaped() -> None:
    hostile = kmcheck.loads(SMALL, "<script>alert(1)</script>.py").verify()
    assert hostile.trace is not None
    for page in (hostile._repr_html_(), hostile.trace._repr_html_()):
        assert "script" not in set(tags(page))
        assert "<script" not in page


def test_a_terminal_shows_a_line(result: kmcheck.Result) -> None:
    for shown in (result, result.trace, kmcheck.loads(SMALL)):
        told = repr(shown)
        assert told.startswith("<")
        assert "\n" not in told
        assert len(told) < 100
