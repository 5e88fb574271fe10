"""What a CPU is doing besides running tasks, and which task keeps the others off it.

Semantics: only a spec that uses `irq` has any of this. There, a task that is bound to a CPU and has
preemption off, by a spinlock, preempt_disable() or interrupts off, keeps the other tasks off its
CPU; handlers may still come. Noting that belongs to the step that turns preemption off.

Kernel: `include/linux/preempt.h`, `kernel/sched/core.c` (preempt_schedule), v6.12.

Misuse reported: `lock-misuse` (a task that ends while it keeps others off its CPU, by `context`).
One that waits so for another task of its CPU is found as a `deadlock`.
"""

from kmcheck.kernel.context import Nesting
from kmcheck.lang import (
    Enum,
    Object,
    PerCpu,
    PerProcess,
    Process,
    auto,
    me,
    mine,
    on_cpu,
    this_cpu,
)


class Level(Enum):
    """What may interrupt what: the later the former."""

    TASK = auto()
    SOFTIRQ = auto()
    HARDIRQ = auto()


class Cpu(Object):
    """What a CPU is doing now, besides running tasks."""

    hardirq: Process | None
    softirq: Process | None
    irqs_off: bool
    bh_off: Nesting
    pinned: Process | None  # the task that keeps the others off
    pins: Nesting


class Context(Object):
    """What a process is to its CPU."""

    level: Level
    irqs_off: bool


cpus = PerCpu(Cpu)
contexts = PerProcess(Context)


def cpu_pin() -> None:
    """Keep other tasks off this CPU."""
    if on_cpu():
        if mine(contexts).level == Level.TASK:
            this_cpu(cpus).pinned = me()
            this_cpu(cpus).pins += 1


def cpu_unpin() -> None:
    """Let other tasks run on this CPU, unless something else keeps them off."""
    if on_cpu():
        if mine(contexts).level == Level.TASK:
            this_cpu(cpus).pins -= 1
            if this_cpu(cpus).pins == 0:
                this_cpu(cpus).pinned = None
