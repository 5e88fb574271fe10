"""The CPU0/CPU1 table of runs that the compiler tells: whose row stands under what."""

from __future__ import annotations

import re

import pytest

from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.protocols import RenderOptions
from kmcheck.render.columns import RENDERER
from kmcheck.trace import Trace
from kmcheck.verdict import Violated


def traced(text: str, violation: str = "") -> Trace:
    result = verify(Source("spec.py", text), Options())
    found = [v.trace for v in result.verdicts if isinstance(v, Violated)]
    (trace,) = [t for t in found if not violation or t.violation.kind == violation]
    return trace


def table(trace: Trace, *, full: bool = False) -> list[str]:
    """Return the lines of the table, without numbers and indentation."""
    drawn = RENDERER.render(trace, RenderOptions(full))
    assert isinstance(drawn, str)
    return [re.sub(r"^\s*(\d+  )?\s*", "", line) for line in drawn.splitlines() if line.strip()]


# --- a call in a loop -------------------------------------------------------------------------

LOOP = """
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.lang import READ_ONCE, Object, process, setup, start


class Stat(Object):
    nr: int
    ready: int


stat = Stat()


{functions}


@process
def count() -> None:
    {body}


@setup
def one() -> None:
    start(count)
"""

ONE = """
def add(by: int) -> None:
    stat.nr = by
    assert stat.nr < 1
"""
READ = """
def look(i: int) -> None:
    rcu_read_lock()
    nr = stat.nr
    rcu_read_unlock()
    assert i < 1
"""
SAME = """
def until_ready() -> None:
    while READ_ONCE(stat.ready) < 1:
        stat.ready = 1


def more() -> None:
    stat.nr += 1
    assert stat.nr < 2
"""

LOOPS = {
    "other arguments": (
        ONE,
        "for i in range(2):\n        add(i)",
        ["add(0):", "stat.nr = 0", "stat.nr  /* 0 */", "add(1):", "stat.nr = 1"],
    ),
    "primitives inside": (
        READ,
        "for i in range(2):\n        look(i)",
        [
            *("look(0):", "rcu_read_lock()", "nr = stat.nr  /* 0 */", "rcu_read_unlock()"),
            *("look(1):", "rcu_read_lock()", "nr = stat.nr  /* 0 */", "rcu_read_unlock()"),
        ],
    ),
    "all that an endless loop does": (
        SAME,
        "while True:\n        more()",
        [
            *("more():", "stat.nr  /* 0 */", "stat.nr = 1", "stat.nr  /* 1 */"),
            *("more():", "stat.nr  /* 1 */", "stat.nr = 2", "stat.nr  /* 2 */"),
        ],
    ),
    "a loop of its own": (
        SAME,
        "until_ready()\n    more()\n    more()",
        [
            *("until_ready():", "stat.ready  /* 0 */", "stat.ready = 1", "stat.ready  /* 1 */"),
            *("more():", "stat.nr  /* 0 */", "stat.nr = 1", "stat.nr  /* 1 */", "more():"),
        ],
    ),
}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("functions", "body", "told"), LOOPS.values(), ids=LOOPS)
def test_each_turn_of_a_loop_is_a_call_of_its_own(
    functions: str, body: str, told: list[str], full: bool
) -> None:
    rows = table(traced(LOOP.format(functions=functions, body=body)), full=full)
    start = rows.index(told[0])
    assert rows[start : start + len(told)] == told
