"""Preemption off: what makes a spinlock region, and softirq, atomic and an RCU reader.

Semantics: a nesting count of the process's own; the outermost preempt_disable() makes it a reader
(consolidated RCU), one step, unless it is one already. Where `irq` is used, it also keeps other
tasks off the CPU, in that step.

Kernel: `include/linux/preempt.h`, v6.12.

Misuse reported: `lock-misuse` (an enable too many; for a missing one see `context`).
"""

from kmcheck.kernel.context import current
from kmcheck.kernel.cpu import cpu_pin, cpu_unpin
from kmcheck.kernel.rcu import rcu_enter, rcu_is_reader, rcu_leave
from kmcheck.lang import atomic, check, mine, on_cpu


def preempt_disable() -> None:
    """Turn preemption off."""
    if on_cpu():
        with atomic("preemption off on this CPU"):
            cpu_pin()
            preempt_count_inc()
    else:
        preempt_count_inc()


def preempt_count_inc() -> None:
    """Become a reader, and count."""
    if not rcu_is_reader():
        rcu_enter()
    mine(current).preempt_count += 1


def preempt_enable() -> None:
    """Turn preemption on again."""
    check(
        mine(current).preempt_count > 0,
        "lock-misuse",
        "preempt_enable() without preempt_disable()",
    )
    if on_cpu():
        with atomic("preemption on on this CPU"):
            preempt_count_dec()
            cpu_unpin()
    else:
        preempt_count_dec()


def preempt_count_dec() -> None:
    """Count, and be no reader any more unless something else makes this process one."""
    mine(current).preempt_count -= 1
    if not rcu_is_reader():
        rcu_leave()
