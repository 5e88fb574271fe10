"""Interrupts: handlers that are bound to a CPU, and what keeps them away from it.

Semantics: a handler is a process of the spec's that is bound to a CPU, and that setup declares:
`request_irq(start(timer, device, cpu=0))`, or open_softirq(). It may begin, irq_enter() or
softirq_enter(), in any state in which its CPU has interrupts on, and softirqs on if it is one; and
until irq_exit() or softirq_exit() nothing that it has interrupted on that CPU takes a step. Code
of it that is not between the two is as a task's: it interrupts nobody, and may sleep. A
hardirq may interrupt a softirq, a softirq a task. On one CPU there is one of each at a time. A task
that has preemption off (interrupts or softirqs off, a spinlock, get_cpu()) keeps the other tasks
off its CPU. A process that is not bound to a CPU (a worker, an RCU callback) runs beside all of
them. Turning something off or on is one step; spin_lock_irq() and the
like are that step and the one that takes the lock. Whoever has interrupts or softirqs off, or is
a handler, has preemption off: an RCU reader, and atomic.

Kernel: `include/linux/irqflags.h`, `include/linux/bottom_half.h`, `include/linux/spinlock.h`,
`kernel/softirq.c`, v6.12.

Misuse reported: `sleep-in-atomic` (by what sleeps in a handler, or with interrupts or softirqs
off), `lock-misuse` (a process that ends with interrupts or softirqs off; softirqs turned on with
interrupts off; interrupts turned on in a hardirq; a handler that setup has not declared). A lock
that a handler takes, and a task takes with interrupts on, is found as a `deadlock` where the
handler comes while the task on its CPU has the lock.
"""

from kmcheck.kernel.cpu import Level, contexts, cpus
from kmcheck.kernel.lockdep import (
    lockdep_hardirq_enter,
    lockdep_hardirq_exit,
    lockdep_hardirqs_off,
    lockdep_hardirqs_on,
    lockdep_softirq_enter,
    lockdep_softirq_exit,
    lockdep_softirqs_off,
    lockdep_softirqs_on,
)
from kmcheck.kernel.preempt import preempt_disable, preempt_enable
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Process,
    atomic,
    check,
    gate,
    me,
    mine,
    on_cpu,
    this_cpu,
    wait_until,
)


@gate
def not_interrupted() -> bool:
    """Tell whether the running process has its CPU."""
    cpu = this_cpu(cpus)
    level = mine(contexts).level
    no_hardirq = cpu.hardirq is None or cpu.hardirq == me()
    no_softirq = cpu.softirq is None or cpu.softirq == me() or level == Level.HARDIRQ
    no_task = cpu.pinned is None or cpu.pinned == me() or level != Level.TASK
    return not on_cpu() or (no_hardirq and no_softirq and no_task)


# --- handlers -----------------------------------------------------------------------------------


def request_irq(handler: Process) -> None:
    """Declare that a process is a hardirq handler: for setup."""
    contexts.of(handler).level = Level.HARDIRQ


def open_softirq(handler: Process) -> None:
    """Declare that a process is a softirq handler: for setup."""
    contexts.of(handler).level = Level.SOFTIRQ


def irq_enter() -> None:
    """Interrupt what runs on this CPU."""
    with atomic("interrupt"):
        check(
            mine(contexts).level == Level.HARDIRQ and on_cpu(),
            "lock-misuse",
            "irq_enter() without request_irq(start(..., cpu=...))",
        )
        wait_until(not this_cpu(cpus).irqs_off)
        this_cpu(cpus).hardirq = me()
        this_cpu(cpus).irqs_off = True
        mine(contexts).irqs_off = True
        preempt_disable()
        lockdep_hardirq_enter()


def irq_exit() -> None:
    """Let what was interrupted go on."""
    with atomic("interrupt is over"):
        lockdep_hardirq_exit()
        this_cpu(cpus).hardirq = None
        this_cpu(cpus).irqs_off = False
        mine(contexts).irqs_off = False
        preempt_enable()


def softirq_enter() -> None:
    """Interrupt the task that runs on this CPU."""
    with atomic("softirq"):
        check(
            mine(contexts).level == Level.SOFTIRQ and on_cpu(),
            "lock-misuse",
            "softirq_enter() without open_softirq(start(..., cpu=...))",
        )
        wait_until(not this_cpu(cpus).irqs_off and this_cpu(cpus).bh_off == 0)
        this_cpu(cpus).softirq = me()
        preempt_disable()
        lockdep_softirq_enter()


def softirq_exit() -> None:
    """Let the task that was interrupted go on."""
    with atomic("softirq is over"):
        lockdep_softirq_exit()
        this_cpu(cpus).softirq = None
        preempt_enable()


def in_hardirq() -> bool:
    """Tell whether this process is a hardirq handler."""
    return mine(contexts).level == Level.HARDIRQ


# --- off and on ---------------------------------------------------------------------------------


def get_cpu() -> None:
    """Turn preemption off, and keep other tasks off this CPU."""
    preempt_disable()


def put_cpu() -> None:
    """Turn preemption on again."""
    preempt_enable()


def local_irq_disable() -> None:
    """Turn interrupts off on this CPU; no effect if they are."""
    with atomic("interrupts off"):
        if not mine(contexts).irqs_off:
            mine(contexts).irqs_off = True
            preempt_disable()
            if on_cpu():
                this_cpu(cpus).irqs_off = True
            lockdep_hardirqs_off()


def local_irq_enable() -> None:
    """Turn interrupts on on this CPU, whoever may have turned them off."""
    with atomic("interrupts on"):
        check(
            mine(contexts).level != Level.HARDIRQ,
            "lock-misuse",
            "interrupts turned on in a hardirq handler",
        )
        if mine(contexts).irqs_off:
            mine(contexts).irqs_off = False
            lockdep_hardirqs_on()
            if on_cpu():
                this_cpu(cpus).irqs_off = False
            preempt_enable()


def local_irq_save() -> bool:
    """Turn interrupts off on this CPU; tell whether they were."""
    with atomic("interrupts off"):
        flags = mine(contexts).irqs_off
        local_irq_disable()
    return flags


def local_irq_restore(flags: bool) -> None:
    """Turn interrupts on unless they were off before."""
    if not flags:
        local_irq_enable()


def local_bh_disable() -> None:
    """Turn softirqs off on this CPU."""
    with atomic("softirqs off"):
        preempt_disable()
        if on_cpu():
            this_cpu(cpus).bh_off += 1
        lockdep_softirqs_off()


def local_bh_enable() -> None:
    """Turn softirqs on again."""
    with atomic("softirqs on"):
        check(not mine(contexts).irqs_off, "lock-misuse", "local_bh_enable() with interrupts off")
        if on_cpu():
            this_cpu(cpus).bh_off -= 1
        lockdep_softirqs_on()
        preempt_enable()


# --- spinlocks ----------------------------------------------------------------------------------


def spin_lock_irq(lock: SpinLock) -> None:
    """Turn interrupts off and take the lock."""
    local_irq_disable()
    spin_lock(lock)


def spin_unlock_irq(lock: SpinLock) -> None:
    """Release the lock and turn interrupts on, whether they were on before or not."""
    spin_unlock(lock)
    local_irq_enable()


def spin_lock_irqsave(lock: SpinLock) -> bool:
    """Turn interrupts off and take the lock; return what to give spin_unlock_irqrestore()."""
    flags = local_irq_save()
    spin_lock(lock)
    return flags


def spin_unlock_irqrestore(lock: SpinLock, flags: bool) -> None:
    """Release the lock and turn interrupts on if they were on before."""
    spin_unlock(lock)
    local_irq_restore(flags)


def spin_lock_bh(lock: SpinLock) -> None:
    """Turn softirqs off and take the lock."""
    local_bh_disable()
    spin_lock(lock)


def spin_unlock_bh(lock: SpinLock) -> None:
    """Release the lock and turn softirqs on."""
    spin_unlock(lock)
    local_bh_enable()
