"""Which task keeps the others off its CPU."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found
from tests.kernel.test_irq import HALVES, WHOLE, bound_to

IRQS = "\nlocal_irq_disable()\nlocal_irq_enable()"
"""What makes a spec one that uses `irq`."""


@pytest.mark.parametrize(
    ("off", "on", "verdict"),
    [
        ("local_irq_disable()", "local_irq_enable()", "holds"),
        ("local_bh_disable()", "local_bh_enable()", "holds"),
        ("get_cpu()", "put_cpu()", "holds"),
        ("preempt_disable()", "preempt_enable()", "holds"),
        ("spin_lock(box.lock)", "spin_unlock(box.lock)", "holds"),
        ("pause()", "pause()", "assertion"),
    ],
)
def test_what_keeps_other_tasks_away(off: str, on: str, verdict: str) -> None:
    task = f"{off}\n{HALVES}\n{on}"
    assert bound_to((task, "task", 0), (f"{WHOLE}{IRQS}", "task", 0)) == verdict
    assert bound_to((task, "task", 0), (f"{WHOLE}{IRQS}", "task", 1)) == "assertion"


def test_a_task_with_preemption_off_does_not_keep_itself_off() -> None:
    body = f"get_cpu()\nspin_lock(box.lock)\nspin_unlock(box.lock)\nput_cpu(){IRQS}"
    assert bound_to((body, "task", 0), (body, "task", 0)) == "holds"


def test_who_wants_a_lock_with_interrupts_off_leaves_its_holder_the_cpu() -> None:
    plain = f"spin_lock(box.lock)\nbox.n += 1\nspin_unlock(box.lock){IRQS}"
    irq = "spin_lock_irq(box.lock)\nbox.n += 1\nspin_unlock_irq(box.lock)"
    assert bound_to((plain, "task", 0), (irq, "task", 0), also_reduced=True) == "holds"


def test_waiting_for_a_task_that_is_kept_off() -> None:
    waits = f"get_cpu()\nwait_until(box.a)\nput_cpu(){IRQS}"
    assert bound_to((waits, "task", 0), ("box.a = True", "task", 0)) == "deadlock"
    assert bound_to((waits, "task", 0), ("box.a = True", "task", 1)) == "holds"


def test_it_is_given_back_before_the_end() -> None:
    assert bound_to((f"{IRQS[1:]}\nget_cpu()", "task", 0)) == "lock-misuse"


def test_without_interrupts_nobody_is_kept_off() -> None:
    waits = "preempt_disable()\nwait_until(g.a)\npreempt_enable()"
    assert found(waits, "g.a = True") == "holds"
