"""Counts and shortest runs, against a few lines of enumeration that know nothing of kmcheck."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kmcheck.driver import Options
from kmcheck.verdict import Violated
from tests.language import explore, program

FIELDS = "a: Annotated[int, range(4)]\nb: Annotated[int, range(4)]\nflag: bool"
Memory = tuple[int, int, int]
"""a, b and flag."""
Moment = tuple[Memory, tuple[tuple[int, int], ...]]
"""The memory, and for each process where it is and what its local holds."""


@dataclass(frozen=True)
class Line:
    """A line of a program that is one step: its text, and what it does to memory and the local.

    `meaning` gives the new memory, the new local and how many lines to go on, or None if the
    process has to wait.
    """

    text: str
    meaning: Callable[[Memory, int], tuple[Memory, int, int] | None]


def put(memory: Memory, at: int, value: int) -> Memory:
    return (*memory[:at], value, *memory[at + 1 :])  # type: ignore[return-value]


def lines() -> list[Line]:
    found = [
        Line("pause()", lambda m, x: (m, x, 1)),
        Line("wait_until(g.flag)", lambda m, x: (m, x, 1) if m[2] else None),
        Line("g.flag = True", lambda m, x: (put(m, 2, 1), x, 1)),
        Line("g.flag = False", lambda m, x: (put(m, 2, 0), x, 1)),
        Line("g.flag = x == 1", lambda m, x: (put(m, 2, int(x == 1)), x, 1)),
        Line("test_and_set(g.flag)", lambda m, x: (put(m, 2, 1), x, 1)),
    ]
    for at, name in enumerate("ab"):
        found += [
            Line(f"x = g.{name}", lambda m, x, at=at: (m, m[at], 1)),  # type: ignore[misc]
            Line(f"g.{name} = x", lambda m, x, at=at: (put(m, at, x), x, 1)),  # type: ignore[misc]
            Line(f"g.{name} = (x + 1) % 4", lambda m, x, at=at: (put(m, at, (x + 1) % 4), x, 1)),  # type: ignore[misc]
            Line(f"g.{name} = 2", lambda m, x, at=at: (put(m, at, 2), x, 1)),  # type: ignore[misc]
            Line(
                f"if g.{name} == 2:\n    pause()",
                lambda m, x, at=at: (m, x, 1 if m[at] == 2 else 2),  # type: ignore[misc]
            ),
        ]
    return found


def written(code: list[Line]) -> str:
    return "x = 0\n" + "\n".join(line.text for line in code)


def expanded(code: list[Line]) -> list[Line]:
    """Return one line for each step: an `if` is followed by the step inside of it."""
    inside = Line("", lambda m, x: (m, x, 1))
    return [step for line in code for step in ([line, inside] if "if" in line.text else [line])]


def brute(
    codes: list[list[Line]], bad: Callable[[Memory], bool]
) -> tuple[int, int | None, int | None]:
    """Return how many moments there are, and the steps to the first bad one and the first stuck."""
    steps = [expanded(code) for code in codes]
    level: set[Moment] = {((0, 0, 0), tuple((0, 0) for _ in steps))}
    seen, depth, first_bad, first_stuck = set(level), 0, None, None
    while level:
        behind: set[Moment] = set()
        for memory, places in level:
            if bad(memory) and first_bad is None:
                first_bad = depth
            moved = False
            for number, (at, x) in enumerate(places):
                done = steps[number][at].meaning(memory, x) if at < len(steps[number]) else None
                if done is None:
                    continue
                moved = True
                after, local, hop = done
                place = (at + hop, local if at + hop < len(steps[number]) else 0)
                behind.add((after, (*places[:number], place, *places[number + 1 :])))
            ended = all(at >= len(steps[n]) for n, (at, _) in enumerate(places))
            if not moved and not ended and first_stuck is None:
                first_stuck = depth
        level, depth = behind - seen, depth + 1
        seen |= level
    return len(seen), first_bad, first_stuck


BAD: list[tuple[str, Callable[[Memory], bool]]] = [
    ("g.a + g.b <= 2", lambda m: m[0] + m[1] > 2),
    ("g.a != 2 or g.flag", lambda m: m[0] == 2 and not m[2]),
    ("g.a == 0 or g.b != 2", lambda m: m[0] != 0 and m[1] == 2),
    ("not (g.flag and g.b == 2)", lambda m: bool(m[2]) and m[1] == 2),
]


def drawn(seed: int) -> tuple[list[list[Line]], tuple[str, Callable[[Memory], bool]]]:
    """Return a random program, and what is to be true of it."""
    choose = random.Random(seed)  # noqa: S311 - a program, no secret
    codes = [choose.choices(lines(), k=choose.randint(2, 6)) for _ in range(choose.randint(2, 3))]
    return codes, choose.choice(BAD)


@pytest.mark.parametrize("seed", range(40))
def test_states_and_shortest_runs_are_those_of_plain_enumeration(seed: int) -> None:
    codes, (claim, bad) = drawn(seed)
    text = program(FIELDS, *map(written, codes))
    text += f"@always\ndef law() -> bool:\n    return {claim}\n"
    states, first_bad, first_stuck = brute(codes, bad)
    result = explore(text, Options(every=True))
    assert result.label.statistics.states == states
    found = {v.property: len(v.trace.events) for v in result.verdicts if isinstance(v, Violated)}
    expected = {"law": first_bad, "deadlock": first_stuck}
    assert found == {name: steps for name, steps in expected.items() if steps is not None}
    lengths = [steps for steps in expected.values() if steps is not None]
    first = [v for v in explore(text).verdicts if isinstance(v, Violated)]
    assert [len(v.trace.events) for v in first] == ([min(lengths)] if lengths else [])


def test_among_the_random_programs_are_violations_of_each_kind() -> None:
    met = {"law": 0, "deadlock": 0, "neither": 0}
    for seed in range(40):
        choose = random.Random(seed)  # noqa: S311 - programs, not secrets
        codes = [
            choose.choices(lines(), k=choose.randint(1, 5)) for _ in range(choose.randint(1, 3))
        ]
        _, first_bad, first_stuck = brute(codes, choose.choice(BAD)[1])
        met["law"] += first_bad is not None
        met["deadlock"] += first_stuck is not None
        met["neither"] += first_bad is None and first_stuck is None
    assert min(met.values()) >= 5
