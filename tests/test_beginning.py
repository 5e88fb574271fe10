"""A process that is back at its first step has begun all the same."""

from __future__ import annotations

from tests.language import program, states, verdict

LOOP = """
while g.n < 2:
    g.n += 1
"""
"""A process that comes back to its first step with the locals that it began with."""


def test_a_process_back_at_its_first_step_has_begun() -> None:
    law = "@always\ndef law() -> bool:\n    return g.n == 0 or all(begun(p) for p in processes())"
    assert verdict(program("n: int", LOOP) + law) == "holds"


def test_a_process_back_at_its_first_step_is_not_at_rest() -> None:
    law = "@conserved\ndef law() -> bool:\n    return g.n != 1"
    assert verdict(program("n: int", LOOP) + law) == "holds"


def test_a_beginning_is_set_apart_only_where_it_is_asked_for() -> None:
    assert states(program("n: int", "while True:\n    pause()")) == 1
