"""Interrupts: what a handler interrupts, and what keeps it away."""

from __future__ import annotations

from textwrap import indent

import pytest

from kmcheck.driver import Options
from tests.kernel.boxes import exports
from tests.language import trace, verdict

REDUCED = Options(engine="native", without=frozenset())
HEAD = """
class Box(Object):
    lock: SpinLock
    n: int
    m: int
    a: bool
    head: RcuHead

box = Box()
"""


def bound_to(
    *bodies: tuple[str, str, int | None],
    more: str = "",
    home: str = "",
    also_reduced: bool = False,
) -> str:
    """Verify processes: what each runs, whether it is a `task` or what declares it, its CPU."""
    text, starts = HEAD + more, ""
    for number, (body, declared, cpu) in enumerate(bodies):
        text += f"\n@process\ndef p{number}() -> None:\n{indent(body, '    ')}\n"
        started = f"start(p{number})" if cpu is None else f"start(p{number}, cpu={cpu})"
        starts += f"    {started if declared == 'task' else f'{declared}({started})'}\n"
    text += f"\n@setup\ndef setting() -> None:\n{starts}"
    homes = exports(home)
    used = sorted(name for name in homes if f"{name}(" in text or f": {name}\n" in text)
    imports = "".join(f"from kmcheck.kernel.{homes[name]} import {name}\n" for name in used)
    found = verdict(imports + text)
    if also_reduced:
        assert verdict(imports + text, REDUCED) == found
    return found


def hardirq(body: str) -> str:
    return f"irq_enter()\n{body}\nirq_exit()"


def softirq(body: str) -> str:
    return f"softirq_enter()\n{body}\nsoftirq_exit()"


HALVES = "box.n += 1\nbox.m += 1"
WHOLE = "with atomic():\n    assert box.n == box.m"
LOCK = "spin_lock(box.lock)\nbox.n += 1\nspin_unlock(box.lock)"
IRQ, BH = "request_irq", "open_softirq"


def test_what_is_interrupted_does_not_go_on() -> None:
    handler = hardirq("n = box.n\nassert n == box.n")
    assert bound_to((HALVES, "task", 0), (handler, IRQ, 0)) == "holds"
    assert bound_to((HALVES, "task", 1), (handler, IRQ, 0)) == "assertion"
    assert bound_to((HALVES, "task", None), (handler, IRQ, 0)) == "assertion"


@pytest.mark.parametrize(
    ("off", "on", "hard", "soft"),
    [
        ("pause()", "pause()", "assertion", "assertion"),
        ("local_irq_disable()", "local_irq_enable()", "holds", "holds"),
        ("flags = local_irq_save()", "local_irq_restore(flags)", "holds", "holds"),
        ("local_bh_disable()", "local_bh_enable()", "assertion", "holds"),
        ("get_cpu()", "put_cpu()", "assertion", "assertion"),
    ],
)
def test_what_keeps_handlers_away(off: str, on: str, hard: str, soft: str) -> None:
    task = f"{off}\n{HALVES}\n{on}"
    assert bound_to((task, "task", 0), (hardirq(WHOLE), IRQ, 0)) == hard
    assert bound_to((task, "task", 0), (softirq(WHOLE), BH, 0)) == soft
    assert bound_to((task, "task", 0), (hardirq(WHOLE), IRQ, 1)) == "assertion"


def test_a_hardirq_interrupts_a_softirq_and_not_the_other_way_round() -> None:
    assert bound_to((softirq(HALVES), BH, 0), (hardirq(WHOLE), IRQ, 0)) == "assertion"
    assert bound_to((hardirq(HALVES), IRQ, 0), (softirq(WHOLE), BH, 0)) == "holds"
    off = softirq(f"local_irq_disable()\n{HALVES}\nlocal_irq_enable()")
    assert bound_to((off, BH, 0), (hardirq(WHOLE), IRQ, 0)) == "holds"


def test_of_one_kind_there_is_one_at_a_time_on_a_cpu() -> None:
    for enter, declared in (hardirq, IRQ), (softirq, BH):
        assert bound_to((enter(HALVES), declared, 0), (enter(WHOLE), declared, 0)) == "holds"
        assert bound_to((enter(HALVES), declared, 0), (enter(WHOLE), declared, 1)) == "assertion"


@pytest.mark.parametrize(
    ("lock", "unlock", "hard", "soft"),
    [
        ("spin_lock(box.lock)", "spin_unlock(box.lock)", "deadlock", "deadlock"),
        ("spin_lock_bh(box.lock)", "spin_unlock_bh(box.lock)", "deadlock", "holds"),
        ("spin_lock_irq(box.lock)", "spin_unlock_irq(box.lock)", "holds", "holds"),
        (
            "flags = spin_lock_irqsave(box.lock)",
            "spin_unlock_irqrestore(box.lock, flags)",
            "holds",
            "holds",
        ),
    ],
)
def test_a_lock_that_a_handler_takes(lock: str, unlock: str, hard: str, soft: str) -> None:
    task = f"{lock}\nbox.n += 1\n{unlock}"
    reduced = lock.startswith("spin_lock_bh")
    assert bound_to((task, "task", 0), (hardirq(LOCK), IRQ, 0), also_reduced=reduced) == hard
    assert bound_to((task, "task", 0), (softirq(LOCK), BH, 0), also_reduced=reduced) == soft
    assert bound_to((task, "task", 0), (hardirq(LOCK), IRQ, 1)) == "holds"


def test_a_trace_names_processes_after_their_cpu() -> None:
    text = """
    from kmcheck.kernel.irq import irq_enter, irq_exit, request_irq
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

    lock = SpinLock()

    @process
    def task() -> None:
        spin_lock(lock)
        spin_unlock(lock)

    @process
    def timer() -> None:
        irq_enter()
        spin_lock(lock)
        spin_unlock(lock)
        irq_exit()

    @process
    def idle() -> None:
        pause()

    @setup
    def begin() -> None:
        start(task, cpu=0)
        request_irq(start(timer, cpu=0))
        start(task, cpu=1)
        start(idle)
    """
    end = trace(text).end
    names = {"CPU0/task", "CPU0/timer", "CPU1/task", "idle"}
    assert {view.name for view in end.processes} == names


def test_turning_interrupts_on_too_early() -> None:
    inner = "local_irq_disable()\nlocal_irq_enable()"
    task = "flags = spin_lock_irqsave(box.lock)\n{0}\nspin_unlock_irqrestore(box.lock, flags)"
    assert bound_to((task.format(inner), "task", 0), (hardirq(LOCK), IRQ, 0)) == "deadlock"
    saved = "inner = local_irq_save()\nlocal_irq_restore(inner)"
    assert bound_to((task.format(saved), "task", 0), (hardirq(LOCK), IRQ, 0)) == "holds"


@pytest.mark.parametrize(
    ("body", "declared", "verdict"),
    [
        (hardirq("might_sleep()"), IRQ, "sleep-in-atomic"),
        (softirq("might_sleep()"), BH, "sleep-in-atomic"),
        ("local_irq_disable()\nmight_sleep()", "task", "sleep-in-atomic"),
        ("local_bh_disable()\nmight_sleep()", "task", "sleep-in-atomic"),
        ("get_cpu()\nmight_sleep()", "task", "sleep-in-atomic"),
        ("local_irq_disable()", "task", "lock-misuse"),
        ("local_bh_disable()", "task", "lock-misuse"),
        ("local_irq_disable()\nlocal_bh_disable()\nlocal_bh_enable()", "task", "lock-misuse"),
        (hardirq("local_irq_enable()"), IRQ, "lock-misuse"),
        (hardirq("local_irq_restore(local_irq_save())"), IRQ, "holds"),
        (hardirq("assert in_hardirq() and in_atomic()"), IRQ, "holds"),
        ("irq_enter()", "task", "lock-misuse"),
        ("softirq_enter()", "task", "lock-misuse"),
        ("local_irq_enable()\nlocal_irq_disable()\nlocal_irq_enable()", "task", "holds"),
    ],
)
def test_one_process(body: str, declared: str, verdict: str) -> None:
    assert bound_to((body, declared, 0)) == verdict


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ("irq_enter()", "irq_exit()"),
        ("local_irq_disable()", "local_irq_enable()"),
        ("local_bh_disable()", "local_bh_enable()"),
    ],
)
def test_grace_periods_wait_for_it(off: str, on: str) -> None:
    reader = f"{off}\nbox.a = True\nwait_until(box.n == 1)\n{on}"
    waiter = "wait_until(box.a)\nsynchronize_rcu()\nbox.n = 1"
    declared = IRQ if off == "irq_enter()" else "task"
    assert bound_to((reader, declared, 0), (waiter, "task", 1)) == "deadlock"


def test_an_rcu_callback_is_bound_to_no_cpu() -> None:
    more = "\ndef done(head: RcuHead) -> None:\n    box.a = True\n"
    task = "call_rcu(box.head, done)\nlocal_irq_disable()\nwait_until(box.a)\nlocal_irq_enable()"
    assert bound_to((task, "task", 0), more=more) == "holds"
