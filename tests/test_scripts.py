"""Sequence diagrams as text: what Mermaid and PlantUML read is what was meant.

Mermaid's grammar is its `sequenceDiagram.jison`; both programs have drawn all these runs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmcheck.diagram.script import Hold, Message, Note, script
from kmcheck.explain import explain
from kmcheck.protocols import RenderOptions
from kmcheck.render import mermaid, plantuml
from kmcheck.trace import Trace
from tests.runs import RUNS
from tests.strategies import traces
from tests.traces import Script

MERMAID = [
    r"sequenceDiagram",
    r"%% .*",
    r"title [^#;]+",
    r"(?:create )?participant ([PO]\d+) as [^;]+",
    r"Note over [PO]\d+(?:,[PO]\d+)?: \S.*",
    r"[PO]\d+(?:->>|-->>|-x|-\))[PO]\d+: \S.*",
    r"(?:de)?activate P\d+",
    r"destroy O\d+",
    r"rect rgba\([\d., ]+\)",
    r"loop again and again, for ever",
    r"end",
]
PLANTUML = [
    r"@startuml",
    r"@enduml",
    r"' .*",
    r"title \S.*",
    r"hide footbox",
    r'(?:create )?(?:participant|entity) "[^"]+" as [PO]\d+',
    r"note over [PO]\d+(?:, [PO]\d+)?(?: #[0-9A-F]{6})? : \S.*",
    r"[PO]\d+ (?:->|-->|->>|-\[#red\]>x) [PO]\d+ : \S.*",
    r"activate P\d+ #DDDDDD",
    r"deactivate P\d+",
    r"destroy O\d+",
    r"loop again and again, for ever",
    r"end",
]
ENTITY = re.compile(r"#(\d+);")
UNICODE = re.compile(r"<U\+([0-9A-F]{4})>")
OPENS = ("rect ", "loop ")


def decoded(text: str) -> str:
    return ENTITY.sub(lambda m: chr(int(m[1])), text)


def drawn(trace: Trace, *, full: bool = False) -> list[str]:
    text = mermaid.RENDERER.render(trace, RenderOptions(full=full))
    assert isinstance(text, str)
    return [line.strip() for line in text.splitlines()]


def other(trace: Trace, *, full: bool = False) -> list[str]:
    text = plantuml.RENDERER.render(trace, RenderOptions(full=full))
    assert isinstance(text, str)
    return text.splitlines()


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces(), full=st.booleans())
def test_every_line_is_one_that_the_grammar_knows(trace: Trace, full: bool) -> None:
    for lines, grammar in ((drawn(trace, full=full), MERMAID), (other(trace, full=full), PLANTUML)):
        for line in lines:
            assert any(re.fullmatch(rule, ENTITY.sub("x", line)) for rule in grammar), line


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces(), full=st.booleans())
def test_what_is_opened_is_closed_and_nobody_speaks_who_is_not_there(
    trace: Trace, full: bool
) -> None:
    lines = drawn(trace, full=full)
    known: set[str] = set()
    active: dict[str, int] = {}
    open_blocks = 0
    for line, after in pairwise([*lines, ""]):
        if found := re.match(r"(create )?participant (\w+)", line):
            assert found[2] not in known
            known.add(found[2])
            assert not found[1] or re.match(rf"P\d+\S+{found[2]}: ", after), line
        elif found := re.match(r"destroy (\w+)", line):
            assert re.match(rf"P\d+\S+{found[1]}: ", after), line
        elif found := re.match(r"(de)?activate (\w+)", line):
            active[found[2]] = active.get(found[2], 0) + (-1 if found[1] else 1)
            assert active[found[2]] >= 0
        elif not line.startswith(("title", "%%")):
            assert set(re.findall(r"\b[PO]\d+\b", line.partition(":")[0])) <= known, line
        open_blocks += line.startswith(OPENS) - (line == "end")
        assert open_blocks >= 0
    assert open_blocks == 0
    assert not any(active.values())


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_a_language_would_take_for_its_own_is_spelled_as_a_number(text: str) -> None:
    spelled = mermaid._text(text)
    assert decoded(spelled) == text
    assert not re.search(r"[;#<>\"\\%$`]|\bend\b|wrap:", ENTITY.sub("", spelled), re.IGNORECASE)
    spelled = plantuml._text(text)
    assert UNICODE.sub(lambda m: chr(int(m[1], 16)), spelled) == text
    left = UNICODE.sub("", spelled)
    assert not re.search(r"[<\\~%$\"@]|\*\*|//|__|--|\[\[|\{\{", spelled.replace("<U+", "")), left


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_the_numbers_are_those_of_the_table(run: str, full: bool) -> None:
    trace = RUNS[run]()
    rows = explain(trace, full=full).rows
    wanted = [row.number for row in rows if row.number is not None and row.role != "call"]
    for lines in (drawn(trace, full=full), other(trace, full=full)):
        steps = [line for line in lines if re.match(r"[PO]\d+ ?-", line)]
        told = [re.search(r": (\d+): ", line) for line in steps]
        assert [int(found[1]) for found in told if found] == wanted


def test_what_is_freed_ends_before_the_step_that_uses_it() -> None:
    told = script(explain(RUNS["no_read_lock"]()))
    name = {party.key: party.name for party in told.parties}
    steps = [line for line in told.lines if isinstance(line, Message)]
    (freed,) = (i for i, step in enumerate(steps) if step.fate == "destroy")
    assert name[steps[freed].target] == name[steps[-1].target] == "child"
    assert freed < len(steps) - 1
    assert steps[-1].tone == "bad"
    assert steps[-1].mark is not None
    assert steps[-1].mark.lines[0].startswith("*** use-after-free: child was freed by css_free")


def test_what_is_freed_in_a_step_that_is_not_told_is_freed_by_who_did_it() -> None:
    script_ = Script("kmemcg/left_out")
    for name in ("a", "b", "c"):
        script_.thing(name, "Memcg", refs="1")
    for process in ("CPU0", "CPU1"):
        script_.process(process, "run")
    script_.begin()
    script_.step("CPU0", "a->refs -= 1", ("update", "a", "refs", "0"))
    script_.step("CPU1", "kfree(b)", ("free", "b"))
    script_.step("CPU0", "a->refs += 1", ("update", "a", "refs", "1"))
    story = explain(script_.end("ref-resurrect", "a is back", thing="a"))
    shown = replace(
        story, rows=tuple(row for row in story.rows if row.number != 2), cast=("a", "b")
    )
    told = script(shown)
    named = {party.key: party.name for party in told.parties}
    (freed,) = (m for m in told.lines if isinstance(m, Message) and m.fate == "destroy")
    assert (named[freed.source], named[freed.target]) in {("CPU1", "b"), ("b", "b")}
    assert freed.lines == ("freed (step 2)",)


def test_what_is_missing_stands_where_it_would_have_mattered() -> None:
    told = script(explain(RUNS["no_read_lock"]()))
    assert told.lines[0] == Note(
        ("P1",), "grace", ("no RCU read section here:", "the grace period does not wait")
    )


def test_a_section_and_a_lock_are_held_from_the_step_that_takes_them() -> None:
    told = script(explain(RUNS["two_mutexes"]()))
    assert [line for line in told.lines if isinstance(line, Hold)][:2] == [
        Hold("P1", begins=True),
        Hold("P2", begins=True),
    ]


def test_a_round_is_a_loop_around_its_own_steps() -> None:
    lines = drawn(RUNS["spins_for_ever"]())
    first = lines.index("loop again and again, for ever")
    inside = lines[first + 1 : lines.index("end", first)]
    assert [decoded(line).partition(": ")[2][:2] for line in inside] == ["4:", "5:"]


def test_a_run_that_rests_says_so() -> None:
    assert any("rests here, for ever" in line for line in drawn(RUNS["wake_up_lost"]()))
    assert not any(line.startswith("loop") for line in drawn(RUNS["wake_up_lost"]()))
