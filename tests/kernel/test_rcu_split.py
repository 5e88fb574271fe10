"""Preemptible RCU and rcu_sched: neither waits for the other's readers."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "n: int\nrcu: RcuHead\nlock: SpinLock"
PUBLISHED = "g.box = box"
LOOK = "{0}\nmine = g.box\nif mine is not None:\n    mine.n = 1\n{1}"
FREE = """
def free_box(head: RcuHead) -> None:
    kfree(container_of(head, Box, Box.rcu))
"""
PREEMPTIBLE = LOOK.format("rcu_read_lock()", "rcu_read_unlock()")
SCHED = LOOK.format("rcu_read_lock_sched()", "rcu_read_unlock_sched()")
LOCKED = LOOK.format("spin_lock(lock)", "spin_unlock(lock)")
BOTH = LOOK.format("rcu_read_lock()\nspin_lock(lock)", "spin_unlock(lock)\nrcu_read_unlock()")


def split(*bodies: str, more: str = "") -> str:
    """Verify bodies with the flavours of this file."""
    text = f"{FREE}\nlock = SpinLock()\n{more}"
    return found(*bodies, fields=FIELDS, begin=PUBLISHED, more=text, home="rcu_split")


@pytest.mark.parametrize(
    ("reader", "remover", "verdict"),
    [
        (PREEMPTIBLE, "synchronize_rcu()\nkfree(box)", "holds"),
        (PREEMPTIBLE, "synchronize_sched()\nkfree(box)", "use-after-free"),
        (PREEMPTIBLE, "call_rcu(box.rcu, free_box)", "holds"),
        (PREEMPTIBLE, "call_rcu_sched(box.rcu, free_box)", "use-after-free"),
        (SCHED, "synchronize_rcu()\nkfree(box)", "use-after-free"),
        (SCHED, "synchronize_sched()\nkfree(box)", "holds"),
        (SCHED, "call_rcu(box.rcu, free_box)", "use-after-free"),
        (SCHED, "call_rcu_sched(box.rcu, free_box)", "holds"),
        # since v4.20 a spinlock's holder is a reader; here it is not
        (LOCKED, "call_rcu(box.rcu, free_box)", "use-after-free"),
        (LOCKED, "call_rcu_sched(box.rcu, free_box)", "holds"),
        (BOTH, "call_rcu(box.rcu, free_box)", "holds"),
        (BOTH, "call_rcu_sched(box.rcu, free_box)", "holds"),
    ],
)
def test_who_is_waited_for(reader: str, remover: str, verdict: str) -> None:
    assert split(reader, f"g.box = None\n{remover}") == verdict


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("pause()\nrcu_read_unlock()", "rcu-imbalance"),
        ("rcu_read_lock()\nbox.n = 1", "rcu-imbalance"),
        (lines("rcu_read_lock()", "rcu_read_lock()", "rcu_read_unlock()", "rcu_read_unlock()"),
         "holds"),
        ("rcu_read_lock()\nsynchronize_rcu()", "sleep-in-atomic"),
        ("rcu_read_lock()\nsynchronize_sched()", "sleep-in-atomic"),
        ("rcu_read_lock()\nmight_sleep()", "sleep-in-atomic"),
        ("rcu_read_lock_sched()\nsynchronize_rcu()", "sleep-in-atomic"),
        (lines("rcu_read_lock()", "call_rcu(box.rcu, free_box)", "call_rcu(box.rcu, free_box)"),
         "double-queue"),
        ("call_rcu(box.rcu, free_box)\nkfree(box)", "free-while-pending"),
    ],
)  # fmt: skip
def test_misuse(body: str, verdict: str) -> None:
    assert split(body) == verdict


def test_a_callback_runs_with_preemption_off() -> None:
    look = """
def look(head: RcuHead) -> None:
    assert mine(current).preempt_count == 1
    g.a = True
"""
    body = "call_rcu(box.rcu, look)\nwait_until(g.a)\nsynchronize_sched()\ng.b = True"
    assert split(body, more=look) == "holds"


@pytest.mark.parametrize(
    ("flavour", "begin", "over"),
    [
        ("", "preempt_rcu_gp_begin", "preempt_rcu_gp_over"),
        ("_sched", "rcu_gp_begin", "rcu_gp_over"),
    ],
)
def test_a_grace_period_does_not_wait_for_a_reader_that_comes_back(
    flavour: str, begin: str, over: str
) -> None:
    section = f"rcu_read_lock{flavour}()\n{{0}}\nwait_until({{1}})\nrcu_read_unlock{flavour}()"
    reader = lines(section.format("g.a = True", "g.c"), section.format("pause()", "g.b"))
    waiter = lines(
        "wait_until(g.a)", f"{begin}(me())", "g.c = True", f"wait_until({over}())", "g.b = True"
    )
    assert split(reader, waiter) == "holds"
