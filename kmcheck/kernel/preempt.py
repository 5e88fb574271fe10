"""Preemption off: what makes a spinlock region, and softirq, atomic and an RCU reader.

Semantics: a nesting count of the process's own; the outermost preempt_disable() makes it a reader
(consolidated RCU), one step, unless it is one already.

Kernel: `include/linux/preempt.h`, v6.12.

Misuse reported: `lock-misuse` (an enable too many; for a missing one see `context`).
"""

from kmcheck.kernel.context import current
from kmcheck.kernel.rcu import rcu_enter, rcu_is_reader, rcu_leave
from kmcheck.lang import check, mine


def preempt_disable() -> None:
    """Turn preemption off."""
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
    mine(current).preempt_count -= 1
    if not rcu_is_reader():
        rcu_leave()
