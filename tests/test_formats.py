"""JUnit and annotations: valid by their rules, and no verdict better than it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from kmcheck import shelf
from kmcheck.cli.lint import FORMATS
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Format, Told
from kmcheck.trace import Trace
from kmcheck.verdict import Budget, Holds, Unknown
from tests.formatted import RAN_OUT, WRONG, late_flagship, rendered, told, without
from tests.runs import RUNS
from tests.test_cli import FAILING, FLAGSHIP, ROOT, kmcheck

JUNIT = xmlschema.XMLSchema10(str(ROOT / "docs" / "junit.xsd"))


def junit(*told: Told) -> ET.Element:
    text = rendered("junit", told)
    JUNIT.validate(text)
    return ET.fromstring(text)  # noqa: S314 - our own


@pytest.fixture(scope="module")
def flagship() -> Told:
    return late_flagship()


# --- JUnit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_kind_of_run_makes_a_valid_suite(run: Callable[[], Trace]) -> None:
    trace = run()
    root = junit(told(trace, Unknown("leak", "why not"), Holds("range")))
    failed, skipped, passed = root.iter("testcase")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("type") == trace.violation.kind
    assert "***" in str(failure.text)  # the table
    assert [child.tag for case in (skipped, passed) for child in case] == ["skipped"]
    (suite,) = root
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}


def test_an_unknown_verdict_is_no_skipped_test_but_an_error() -> None:
    one = without(told(RUNS["late_reader"](), Unknown("leak", RAN_OUT)), stopped=RAN_OUT)
    (case,) = junit(one).iter("testcase")
    assert [(child.tag, child.get("message")) for child in case] == [
        ("error", f"not decided: {RAN_OUT}")
    ]


def test_a_suite_has_the_file_and_line_and_the_label(flagship: Told) -> None:
    root = junit(flagship, flagship)
    assert [suite.get("name") for suite in root] == ["kmemcg/reparent_caches READ_LOCK=no"] * 2
    case = next(root.iter("testcase"))
    assert case.get("classname") == "kmemcg.reparent_caches READ_LOCK=no"
    assert f"{FLAGSHIP}:103: use-after-free" in str(case.findtext("failure"))
    assert "explored     " in str(root.findtext("testsuite/system-out"))


def test_what_xml_cannot_say_is_replaced() -> None:
    form: Format = shelf.take("formats", "junit", "FORMAT")
    text = form.refuse([replace(WRONG[0], title="\x1b[31m \ud800 < & \u00e9")])
    JUNIT.validate(text)
    (error,) = ET.fromstring(text).iter("error")  # noqa: S314 - our own
    assert error.get("message") == "\ufffd[31m \ufffd < & \u00e9"


def test_the_schema_of_suites_refuses_what_jenkins_would() -> None:
    for wrong in ("<testsuites/>", '<testsuites name="kmcheck"><testsuite name="a"/></testsuites>'):
        assert not JUNIT.is_valid(wrong)


# --- annotations ---------------------------------------------------------------------------------


def unescaped(line: str) -> tuple[str, dict[str, str], str]:
    """Return what GitHub's runner reads: the command, its properties, its message."""
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert match is not None, line

    def plain(text: str) -> str:
        for escape, character in ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","):
            text = text.replace(escape, character)
        return text.replace("%25", "%")

    given = dict(pair.split("=", 1) for pair in match[2].split(","))
    return match[1], {key: plain(value) for key, value in given.items()}, plain(match[3])


def test_a_violation_is_annotated_at_its_line(flagship: Told) -> None:
    headline, line = rendered("github", [flagship]).splitlines()
    assert headline.startswith("kmemcg/reparent_caches: VIOLATED  use-after-free")
    what, given, message = unescaped(line)
    assert what == "error"
    assert given == {
        "file": FLAGSHIP,
        "line": "103",
        "col": "5",
        "title": "kmemcg/reparent_caches: use-after-free READ_LOCK=no",
    }
    assert message.startswith("use-after-free: a pointer to a freed PageCounter is followed\n\n")
    assert "CPU0                                CPU1" in message
    assert message.endswith("replay: kmcheck replay c/use-after-free.json")


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_kind_of_run_is_one_line(run: Callable[[], Trace]) -> None:
    _, line = rendered(
        "github", [told(run(), Unknown("leak", "the search has ended"))]
    ).splitlines()
    assert unescaped(line)[0] == "error"


def test_an_unknown_verdict_is_one_warning_and_what_holds_is_none() -> None:
    late = RUNS["late_reader"]()
    one = without(told(late, Unknown("leak", RAN_OUT), Unknown("range", RAN_OUT)), stopped=RAN_OUT)
    headline, line = rendered("github", [one]).splitlines()
    assert "UNKNOWN" in headline
    what, given, message = unescaped(line)
    assert (what, given["line"]) == ("warning", "1")
    assert message == f"not decided: {RAN_OUT}\nleak, range"
    held = without(told(late, Holds("leak")))
    assert len(rendered("github", [held]).splitlines()) == 1


def test_what_would_end_an_annotation_is_escaped() -> None:
    form: Format = shelf.take("formats", "github", "FORMAT")
    what, given, message = unescaped(form.refuse(WRONG).rstrip("\n"))
    assert (what, given["file"], given["line"], given["col"]) == ("error", "a, b:c.py", "1", "6")
    assert given["title"] == "K012: Flag has no field `upp`"
    assert "^^^ 50% of it" in message


def test_what_came_by_standard_input_has_no_file() -> None:
    done = kmcheck("verify", "-", "--no-counterexamples", "--format", "github", stdin=FAILING)
    assert done.stdout.splitlines()[1].startswith("::error title=stdin%3A never_up::")


# --- on the command line -------------------------------------------------------------------------


def test_the_same_verdicts_are_the_same_bytes(flagship: Told) -> None:
    later = replace(flagship, result=replace(flagship.result, seconds=99.0, peak_bytes=1))
    for name in ("github", "junit", "sarif"):
        assert rendered(name, [flagship]) == rendered(name, [later])
        assert rendered(name, [flagship], full=True) != rendered(name, [flagship])


def test_a_limit_that_is_hit_is_an_error_of_junit(tmp_path: Path) -> None:
    options = Options(engine="native", budget=Budget(states=10))
    root = junit(Told(verify(read(FLAGSHIP), options), {}))
    assert {child.tag for case in root.iter("testcase") for child in case} == {"error"}


@pytest.mark.parametrize("verb", ["verify", "lint"])
def test_a_wrong_spec_is_told_on_both_streams(tmp_path: Path, verb: str) -> None:
    spec = tmp_path / "wrong.py"
    spec.write_text(FAILING.replace("flag.up = True", "flag.upp = True"))
    done = kmcheck(verb, "wrong.py", "--format", "github", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout.startswith("::error file=wrong.py,line=13,col=10,title=K012%3A Flag has no")
    assert "wrong.py:13:10: error[K012]" in done.stderr


def test_lint_offers_the_formats_that_can_refuse() -> None:
    with pytest.raises(SpecError) as refused:
        compile_spec(Source("a.py", "def"), {})
    forms = {name: shelf.take("formats", name, "FORMAT") for name in shelf.names("formats")}
    able = {name for name, form in forms.items() if form.refuse(refused.value.diagnostics)}
    assert {*able, "text"} == set(FORMATS)


def test_a_table_of_verdicts_has_no_other_format() -> None:
    done = kmcheck("verify", "--expected", "specs/classic", "--format", "junit")
    assert done.returncode == 2
    assert "--format does not go with --expected" in done.stderr
