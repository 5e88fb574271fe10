"""Preemption off: atomic, and an RCU reader."""

from __future__ import annotations

from tests.kernel.boxes import found, lines

REMOVE = "g.box = None\nsynchronize_rcu()\nkfree(box)"


def test_it_nests() -> None:
    body = lines(
        "preempt_disable()",
        "preempt_disable()",
        "preempt_enable()",
        "assert in_atomic()",
        "preempt_enable()",
    )
    assert found(body) == "holds"


def test_an_enable_too_many() -> None:
    assert found("preempt_disable()\npreempt_enable()\npreempt_enable()") == "lock-misuse"


def test_grace_periods_wait_for_it() -> None:
    reader = """
    preempt_disable()
    mine = g.box
    if mine is not None:
        mine.n = 1
    preempt_enable()
    """
    assert found(reader, REMOVE, fields="n: int", begin="g.box = box") == "holds"


def test_grace_periods_do_not_wait_for_preemptible_code() -> None:
    reader = """
    mine = g.box
    if mine is not None:
        mine.n = 1
    """
    assert found(reader, REMOVE, fields="n: int", begin="g.box = box") == "use-after-free"


def test_a_read_section_and_preemption_off_are_one_reader() -> None:
    body = """
    preempt_disable()
    rcu_read_lock()
    preempt_enable()
    assert rcu_is_reader()
    rcu_read_unlock()
    assert not rcu_is_reader()
    """
    assert found(body) == "holds"
