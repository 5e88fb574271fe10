"""SARIF: valid by its schema, a thread flow a process, and no verdict better than it is."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

from kmcheck import shelf
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.explain import failing_place
from kmcheck.ir.program import BUILT_IN, DATA_RACE, LIVENESS
from kmcheck.protocols import Format, Told
from kmcheck.store import load
from kmcheck.trace import Trace
from kmcheck.verdict import Holds, Unknown, Violated
from kmcheck.violations import MEANING
from tests.formatted import RAN_OUT, WRONG, late_flagship, rendered, told, without
from tests.runs import RUNS
from tests.test_cli import FAILING, FLAGSHIP, ROOT


def sarif(*told: Told) -> dict[str, Any]:
    """Return the one run of the log, which is valid and whose references lead somewhere."""
    text = rendered("sarif", told)
    return checked(text)


def checked(text: str) -> dict[str, Any]:
    """Hold a log to the models made of OASIS's own JSON schema, and to what its text says."""
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


@pytest.fixture(scope="module")
def flagship() -> Told:
    return late_flagship()


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


def test_the_models_are_as_strict_as_the_schema(flagship: Told) -> None:
    good = rendered("sarif", [flagship])
    for old, new in (
        ('"kind": "fail"', '"kind": "bad"'),
        ('"level": "error"', '"level": "fatal"'),
        ('"version": "2.1.0"', '"version": "2.2.0"'),
        ('"startLine": 103', '"startLine": 0'),
        ('"executionOrder": 1,', '"executionOrder": "first",'),
        ('"nestingLevel"', '"nesting"'),
    ):
        assert old in good
        with pytest.raises(ValidationError):
            SarifLog.model_validate_json(good.replace(old, new))


def test_every_kind_of_violation_is_explained() -> None:
    reported = {
        ast.literal_eval(call.args[1])
        for path in (ROOT / "kmcheck" / "kernel").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check"
    }
    assert len(reported) > 20
    assert set(MEANING) == reported | {*BUILT_IN, *LIVENESS, DATA_RACE}
