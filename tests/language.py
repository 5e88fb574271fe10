"""Specs given as strings, verified in this process: what the tests of the language stand on."""

from __future__ import annotations

import re
from functools import cache
from textwrap import dedent, indent

from kmcheck import lang
from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec
from kmcheck.semantics import Machine, State
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.trace import Trace
from kmcheck.verdict import Result, Violated

WORDS = re.compile(r"\b(" + "|".join(lang.__all__) + r")\b")


def source(text: str, path: str = "spec.py") -> Source:
    """Return a spec: the text, behind an import of the words that it uses."""
    body = dedent(text)
    used = sorted(set(WORDS.findall(body)))
    return Source(path, f"from kmcheck.lang import {', '.join(used)}\n{body}")


def program(fields: str, *bodies: str, more: str = "", begin: str = "") -> str:
    """Return a spec with a global `g` of the given fields, and a process for each body.

    `more` are further definitions; they stand in front of the processes. `begin` is what setup
    does before it starts them.
    """
    text = f"class G(Object):\n{_block(fields)}\n{dedent(more)}\ng = G()\n"
    for number, body in enumerate(bodies):
        text += f"@process\ndef p{number}() -> None:\n{_block(body)}\n"
    starts = "\n".join(f"start(p{number})" for number in range(len(bodies)))
    return text + f"@setup\ndef begin() -> None:\n{_block(begin)}\n{_block(starts)}\n"


def _block(text: str) -> str:
    return indent(dedent(text).strip() or "pass", "    ")


def explore(text: str, options: Options | None = None) -> Result:
    """Verify a spec."""
    return verify(source(text), options or Options())


def verdict(text: str, options: Options | None = None) -> str:
    """Return `holds`, the name of what is violated, or `unknown: ` and why."""
    return told(explore(text, options))


def told(result: Result) -> str:
    """Return what a result says in a word."""
    found = [v.property for v in result.verdicts if isinstance(v, Violated)]
    if found:
        assert result.outcome == "violated"
        return found[0]
    if result.label.stopped is not None:
        assert result.outcome == "unknown"
        return f"unknown: {result.label.stopped}"
    assert result.outcome == "holds"
    return "holds"


def states(text: str) -> int:
    """Return how many states a spec has in which nothing is violated."""
    result = explore(text)
    assert told(result) == "holds"
    return result.label.statistics.states


def trace(text: str) -> Trace:
    """Return the shortest run to what a spec violates."""
    return next(v.trace for v in explore(text).verdicts if isinstance(v, Violated))


def refusal(text: str) -> str:
    """Return the code of the first reason why a spec is refused."""
    try:
        compile_spec(source(text))
    except SpecError as error:
        return error.diagnostics[0].code
    return "none"


def system(text: str) -> tuple[TransitionSystem, Solver]:
    """Return the transition system of a spec, with the solver that decides for it."""
    solver = Solver()
    return build(compile_spec(source(text)), solver.holds), solver


@cache
def finals(text: str, field: str) -> frozenset[object]:
    """Return the values that the field `field` of the global has in the ends of all runs."""
    whole, solver = system(text)
    machine = Machine(whole.layout, solver.holds)
    slot = whole.layout.fields["G", field]
    seen: set[State] = set()
    ahead = [state for _, state in whole.initial]
    ends = set()
    while ahead:
        state = ahead.pop()
        if state in seen:
            continue
        seen.add(state)
        steps = list(machine.successors(state))
        assert all(step.fault is None for step in steps), steps
        ahead += [step.state for step in steps if step.state is not None]
        if not steps:
            ends.add(state[slot])
    return frozenset(ends)
