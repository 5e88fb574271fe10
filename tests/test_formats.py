"""SARIF, JUnit and annotations: valid by their schemas, and no verdict better than it is."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

from kmcheck import shelf
from kmcheck.cli.lint import FORMATS
from kmcheck.diagnostics import Diagnostic, Source, Span, SpecError
from kmcheck.driver import Options, verify
from kmcheck.explain import failing_place
from kmcheck.frontend import compile_spec, read
from kmcheck.ir.program import BUILT_IN, DATA_RACE, LIVENESS
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.store import load
from kmcheck.trace import Trace
from kmcheck.verdict import Budget, Holds, Label, Result, Statistics, Unknown, Verdict, Violated
from kmcheck.violations import MEANING
from tests.runs import RUNS
from tests.test_cli import FAILING, FLAGSHIP, ROOT, kmcheck

JUNIT = xmlschema.XMLSchema10(str(ROOT / "docs" / "junit.xsd"))
RAN_OUT = "100 states are reached"

# --- what is told of -----------------------------------------------------------------------------


def told(trace: Trace, *others: Verdict, stopped: str | None = None) -> Told:
    """Say that a run was found in a search for all that the others are verdicts of, too."""
    own = trace.violation.kind if "_" in trace.violation.kind else "conserved"
    label = Label(
        spec=trace.spec,
        path=trace.path,
        digest="0" * 64,
        bounds=(("CPUS", "2"),),
        choices=trace.settings,
        changed=trace.settings,
        properties=(own,),
        engine="native",
        reductions=(),
        left_out=(),
        exact=True,
        memory_model="sequential consistency",
        statistics=Statistics(7, 8, 9, 0, {"leak": 0}, (), ()),
        stopped=stopped,
        solver_queries=0,
        solver_stood_for=0,
        version="0",
    )
    verdicts = (Violated(trace.violation.kind, trace), *others)
    return Told(Result(verdicts, label, seconds=1.5, peak_bytes=4096), {})


def without(one: Told, *, stopped: str | None = None) -> Told:
    """Leave out the violation, as if the search had not come to it."""
    label = replace(one.result.label, stopped=stopped)
    return Told(replace(one.result, verdicts=one.result.verdicts[1:], label=label), {})


def rendered(name: str, told: Sequence[Told], *, full: bool = False) -> str:
    form: Format = shelf.take("formats", name, "FORMAT")
    return form.render(told, FormatOptions(full=full))


def sarif(*told: Told) -> dict[str, Any]:
    """Return the one run of the log, which is valid and whose references lead somewhere."""
    text = rendered("sarif", told)
    return checked(text)


def checked(text: str) -> dict[str, Any]:
    SarifLog.model_validate_json(text)
    (run,) = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        # 3.27.10: what has not failed has no level
        assert (result["kind"] == "fail") == (result["level"] == "error")
        for flow in result.get("codeFlows", []):
            assert flow["threadFlows"]
            assert all(thread["locations"] for thread in flow["threadFlows"])
    for uri in re.findall(r'"uri": "([^"]*)"', text):
        assert not uri.startswith(("/", "file:")), uri
    return dict(run)


def junit(*told: Told) -> ET.Element:
    text = rendered("junit", told)
    JUNIT.validate(text)
    return ET.fromstring(text)  # noqa: S314 - our own


WRONG = [
    Diagnostic(
        "K012", "Flag has no field `upp`", Span(Source("a, b:c.py", "flag.upp = 1"), 1, 6, 1, 9),
        "50% of it", "did you mean `up`?",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def flagship() -> Told:
    options = Options({"READ_LOCK": "no"}, engine="native")
    return Told(verify(read(FLAGSHIP), options), {"use-after-free": "c/use-after-free.json"})


# --- SARIF ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_kind_of_run_makes_a_valid_log(run: Callable[[], Trace]) -> None:
    trace = run()
    log = sarif(told(trace, Unknown("leak", "why not"), Holds("range")))
    first, *others = log["results"]
    assert first["message"]["text"].startswith(trace.violation.kind)
    assert [r["kind"] for r in others] == ["open", "pass"]
    steps = [
        location["executionOrder"]
        for flow in first.get("codeFlows", [])
        for thread in flow["threadFlows"]
        for location in thread["locations"]
    ]
    assert sorted(steps) == [event.number for event in trace.events]


def test_a_violation_has_a_thread_flow_for_each_cpu(flagship: Told) -> None:
    (flow,) = sarif(flagship)["results"][0]["codeFlows"]
    threads = {thread["id"]: thread for thread in flow["threadFlows"]}
    assert list(threads) == ["CPU0", "CPU1"]
    assert threads["CPU1"]["message"]["text"] == "css_free(child)"
    orders = [step["executionOrder"] for step in threads["CPU0"]["locations"]]
    assert orders == [1, 2, 11]
    last = threads["CPU0"]["locations"][-1]
    assert last["importance"] == "essential"
    assert last["location"]["message"]["text"].startswith("11 CPU0: page_counter_uncharge(")
    # a step inside a primitive stands where the spec calls it
    assert last["location"]["physicalLocation"]["artifactLocation"]["uri"] == FLAGSHIP


def test_a_result_says_where_what_and_from_where(flagship: Told) -> None:
    result = sarif(flagship)["results"][0]
    (at,) = result["locations"]
    lines = (ROOT / FLAGSHIP).read_text().splitlines()
    region = at["physicalLocation"]["region"]
    failing = lines[region["startLine"] - 1]
    assert failing[region["startColumn"] - 1 : region["endColumn"] - 1] == region["snippet"]["text"]
    assert "page_counter_uncharge" in failing
    related = [place["message"]["text"] for place in result["relatedLocations"]]
    assert related == ["the pointer comes from here: step 2, CPU0", "cause: step 10, CPU1"]
    assert "CPU0                                CPU1" in result["message"]["text"]
    assert "```\n      CPU0 " in result["message"]["markdown"]
    assert result["properties"]["trace"] == "c/use-after-free.json"


def test_a_property_fails_at_the_step_and_names_itself_beside() -> None:
    log = sarif(Told(verify(Source("dir/a b.py", FAILING), Options()), {}))
    result = log["results"][0]
    assert result["ruleId"] == "dir/a b/never_up"
    (at,) = result["locations"]
    assert at["physicalLocation"]["artifactLocation"]["uri"] == "dir/a%20b.py"
    assert at["physicalLocation"]["region"]["snippet"]["text"] == "flag.up = True"
    (beside,) = result["relatedLocations"]
    assert beside["message"]["text"] == "what does not hold"
    assert beside["physicalLocation"]["region"]["startLine"] == 22


ASSERTING = """
def helper() -> None:
    flag.up = True
    x = 3
    assert x == 4

@process"""


def failing_line(spec: str, **given: str) -> str:
    """Return the line at which the first violation of a spec is shown."""
    (trace, *_) = (
        v.trace for v in verify(Source("spec.py", spec), Options(given)).verdicts
        if isinstance(v, Violated)
    )  # fmt: skip
    at = failing_place(trace)
    assert at is not None
    return spec.splitlines()[at.line - 1].strip()


def test_what_fails_behind_the_last_access_is_shown_where_it_fails() -> None:
    spec = FAILING.replace("return not flag.up", "return True")
    here = spec.replace("    flag.up = True", "    flag.up = True\n    x = 3\n    assert x == 4")
    assert failing_line(here) == "assert x == 4"
    below = spec.replace("    flag.up = True", "    helper()")
    assert failing_line(below.replace("@process", ASSERTING, 1)) == "assert x == 4"


def test_what_fails_in_a_primitive_is_shown_where_it_is_called() -> None:
    assert failing_line((ROOT / FLAGSHIP).read_text(), READ_LOCK="no") == (
        "page_counter_uncharge(memcg.kmem, nr_pages)"
    )
    imports = "from kmcheck.kernel.mutex import Mutex, mutex_unlock\n"
    spec = imports + FAILING.replace("    up: bool", "    up: bool\n    lock: Mutex")
    never = spec.replace("flag.up = True", "mutex_unlock(flag.lock)")
    assert failing_line(never) == "mutex_unlock(flag.lock)"


def test_what_a_daemon_of_the_library_does_is_in_no_file_of_the_spec() -> None:
    stored = "counterexamples/kmemcg/kmem_cache_refcnt/PIN_PARENT=no/no_reference_is_lost.json"
    trace = load(str(ROOT / stored))
    log = sarif(told(trace))
    (at,) = log["results"][0]["locations"]
    assert at["physicalLocation"]["artifactLocation"] == {"uri": trace.path}
    bases = {
        step["location"]["physicalLocation"]["artifactLocation"].get("uriBaseId")
        for thread in log["results"][0]["codeFlows"][0]["threadFlows"]
        for step in thread["locations"]
        if step["location"]["physicalLocation"]["artifactLocation"]["uri"] != trace.path
    }
    assert bases == {"KMCHECK"}
    assert "KMCHECK" in log["originalUriBaseIds"]


def test_a_file_below_this_folder_is_named_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    one = told(replace(RUNS["late_reader"](), path=str(ROOT / FLAGSHIP)), Holds("range"))
    place = sarif(one)["results"][1]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": FLAGSHIP}}


def test_what_was_not_explored_passes_nowhere() -> None:
    one = without(told(RUNS["late_reader"](), Unknown("leak", RAN_OUT)), stopped=RAN_OUT)
    log = sarif(one)
    assert [r["kind"] for r in log["results"]] == ["open"]
    (invocation,) = log["invocations"]
    assert not invocation["executionSuccessful"]
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], RAN_OUT in note["message"]["text"]) == ("warning", True)


def test_what_holds_says_if_it_is_vacuous_or_not_exact() -> None:
    one = without(told(RUNS["late_reader"](), Holds("leak"), Holds("range", 0.0000123)))
    vacuous, hashed = (r["message"]["text"] for r in sarif(one)["results"])
    assert "vacuously" in vacuous
    assert "up to hash omission (p <= 1.2e-05)" in hashed


def test_a_fingerprint_stays_when_lines_move_and_changes_with_the_settings() -> None:
    def fingerprint(text: str, name: str = "spec.py") -> object:
        result = sarif(Told(verify(Source(name, text), Options()), {}))["results"][0]
        return result["partialFingerprints"]

    assert fingerprint(FAILING) == fingerprint("# one line more\n" + FAILING)
    assert fingerprint(FAILING) != fingerprint(FAILING, "other.py")


def test_a_wrong_spec_is_a_result_with_its_code() -> None:
    form: Format = shelf.take("formats", "sarif", "FORMAT")
    (result,) = checked(form.refuse(WRONG))["results"]
    assert result["ruleId"] == "K012"
    assert result["message"]["text"].endswith("(50% of it) (did you mean `up`?)")
    assert checked(form.refuse([]))["results"] == []


def test_every_kind_of_violation_is_explained() -> None:
    reported = {
        ast.literal_eval(call.args[1])
        for path in (ROOT / "kmcheck" / "kernel").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check"
    }
    assert len(reported) > 20
    assert set(MEANING) == reported | {*BUILT_IN, *LIVENESS, DATA_RACE}


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
