"""The locking scenario says of each piece of code in which order it takes its locks."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.protocols import RenderOptions
from kmcheck.render.lockdep import RENDERER
from kmcheck.verdict import Violated
from tests.language import explore

CIRCLE = """
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

{locks}

{processes}

@setup
def begin() -> None:
    lockdep_init()
    {started}
"""


def circle(*orders: str) -> str:
    processes = "\n\n".join(
        f"@process\ndef p{number}() -> None:\n"
        + "".join(f"    spin_lock({name})\n" for name in order)
        + "".join(f"    spin_unlock({name})\n" for name in reversed(order))
        for number, order in enumerate(orders)
    )
    locks = "\n".join(f"{name} = SpinLock()" for name in sorted(set("".join(orders))))
    started = "\n    ".join(f"start(p{number})" for number in range(len(orders)))
    return CIRCLE.format(locks=locks, processes=processes, started=started)


def scenario(text: str) -> list[str]:
    """Return the lines of the scenario, each with the column that it stands in."""
    [verdict] = explore(text, Options(properties=(LOCK_ORDER,))).verdicts
    assert isinstance(verdict, Violated)
    drawn = RENDERER.render(verdict.trace, RenderOptions())
    assert isinstance(drawn, str)
    head, *lines = [line for line in drawn.splitlines()[2:] if line]
    columns = [head.index(name) - 2 for name in head.split()]
    told = lines[1 : next(n for n, line in enumerate(lines) if "***" in line)]
    return [f"{columns.index(len(line) - len(line.lstrip()))} {line.strip()}" for line in told]


@pytest.mark.parametrize("orders", [("ab", "ba"), ("ab", "bc", "ca")])
def test_each_column_takes_its_two_locks_in_its_order(orders: tuple[str, ...]) -> None:
    lines = scenario(circle(*orders))
    columns = [
        "".join(line[7] for line in lines if line.startswith(str(number)))
        for number in range(len(orders))
    ]
    assert sorted(columns) == sorted(orders)
    assert [line[0] for line in lines] == [*map(str, range(len(orders)))] * 2


def test_two_locks_of_one_class_are_in_one_column() -> None:
    text = circle("ab").replace("spin_lock(b)", "spin_lock(a)").replace("spin_unlock(b)", "pause()")
    spec = text.replace("a = SpinLock()", "class Box(Object):\n    lock: SpinLock\na = Box()")
    spec = spec.replace("b = SpinLock()", "b = Box()").replace(
        "spin_lock(a)", "spin_lock(a.lock)", 1
    )
    spec = spec.replace("spin_lock(a)", "spin_lock(b.lock)").replace("spin_unlock(a)", "pause()")
    assert scenario(spec) == ["0 lock(Box.lock);", "0 lock(Box.lock);"]
