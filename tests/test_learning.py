"""What is learnt of the order of locks before a search, and that nothing hangs on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmcheck import learning
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.learning import order_of_locks
from kmcheck.semantics import Machine
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.verdict import Violated
from kmcheck.walks import failing_steps
from tests.language import source

NESTED = """
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

{declared}

{processes}

@setup
def begin() -> None:
    lockdep_init()
    {started}
"""


def nested(*orders: str) -> Source:
    """Return a spec with a process for each order, which takes the locks in it."""
    declared = "\n".join(f"{name} = SpinLock()" for name in sorted(set("".join(orders))))
    processes = "\n\n".join(
        f"@process\ndef p{number}() -> None:\n"
        + "".join(f"    spin_lock({name})\n" for name in order)
        + "".join(f"    spin_unlock({name})\n" for name in reversed(order))
        for number, order in enumerate(orders)
    )
    started = "\n    ".join(f"start(p{number})" for number in range(len(orders)))
    return source(NESTED.format(declared=declared, processes=processes, started=started))


def walked(spec: Source, *, late: bool = False) -> list[tuple[str, str]]:
    _, edges = order_of_locks(compile_spec(spec, {}), {}, lambda: late)
    return [(edge.held, edge.taken) for edge in edges]


@pytest.mark.parametrize(
    ("orders", "pairs"),
    [
        (["ab"], []),  # as declared
        (["ba"], [("b", "a")]),
        (["cb", "ba"], [("b", "a"), ("c", "b")]),
        (["ba", "ab"], [("b", "a")]),  # no order allows both: a search tells which are wrong
    ],
)
def test_walks_learn_pairs_that_can_be_kept_at_once(
    orders: list[str], pairs: list[tuple[str, str]]
) -> None:
    assert sorted(walked(nested(*orders))) == pairs


def test_no_time_is_taken_that_is_not_there() -> None:
    assert walked(nested("ba"), late=True) == []


@pytest.mark.parametrize("orders", [["cb", "ba"], ["ba", "ab"], ["ab", "bc", "ca"]])
def test_a_search_finds_the_same_where_nothing_was_learnt(
    orders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = nested(*orders)
    learnt = verify(spec, Options())
    monkeypatch.setattr(learning, "WALKS", 0)
    assert walked(spec) == []
    assert [v.property for v in learnt.verdicts if isinstance(v, Violated)] == [
        v.property for v in verify(spec, Options()).verdicts if isinstance(v, Violated)
    ]


def test_a_design_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("specs/kmemcg/page_pins_css.py")
    spec = Source(str(path), path.read_text("utf-8"))
    _, edges = order_of_locks(compile_spec(spec, {}), {}, lambda: False)
    assert edges
    monkeypatch.setattr("kmcheck.driver.learnt", lambda program, verdicts, edges: edges)
    found = {verdict.property: verdict for verdict in verify(spec, Options()).verdicts}
    assert not isinstance(found[LOCK_ORDER], Violated)


def test_walks_are_the_same_for_the_same_seed_and_go_as_far_as_they_may() -> None:
    program = compile_spec(nested("ba", "ab"), {})
    solver = Solver()
    system = build(program, solver.holds)
    machine = Machine(system.layout, solver.holds)

    def runs(seed: int, depth: int) -> list[tuple[tuple[int, tuple[int, ...]], ...]]:
        found = failing_steps(system, machine, walks=8, depth=depth, seed=seed)
        return [claim.witness.steps for _, claim in found]

    assert runs(0, 100) == runs(0, 100) != runs(1, 100)
    assert runs(0, 1) == []
