"""What a process may do now, and what it must have given back when it ends.

Semantics: a process's own counts, as in `struct task_struct`. It is in atomic context while it is
inside an RCU read section, holds a spinlock, has preemption off, or runs in softirq. Only the
process itself touches the counts, so they are no shared memory and cost no step. A count goes up
to 255.

Kernel: `include/linux/preempt.h`, `include/linux/kernel.h` (might_sleep), `kernel/sched/core.c`
(__might_sleep), `kernel/locking/lockdep.c` (debug_check_no_locks_held), v6.12.

Misuse reported: `sleep-in-atomic` by might_sleep(); `rcu-imbalance` and `lock-misuse` when a
process ends inside a read section, with a lock held, or with preemption off.
"""

from kmcheck.lang import Annotated, Object, PerProcess, check, mine

Nesting = Annotated[int, range(256)]


class Task(Object):
    """The part of `struct task_struct` that says where its process is."""

    preempt_count: Nesting
    rcu_read_lock_nesting: Nesting
    preempt_rcu_nesting: Nesting  # of rcu_split
    lockdep_depth: Nesting

    def on_exit(self) -> None:
        """Look for what the process should have given back."""
        check(
            self.rcu_read_lock_nesting == 0 and self.preempt_rcu_nesting == 0,
            "rcu-imbalance",
            "ends inside an RCU read section",
        )
        check(self.lockdep_depth == 0, "lock-misuse", "ends with a lock held")
        check(self.preempt_count == 0, "lock-misuse", "ends with preemption off")


current = PerProcess(Task)


def in_atomic() -> bool:
    """Tell whether the process must not sleep."""
    return (
        mine(current).preempt_count > 0
        or mine(current).rcu_read_lock_nesting > 0
        or mine(current).preempt_rcu_nesting > 0
    )


def might_sleep() -> None:
    """Report a process that is about to sleep where it must not."""
    check(
        mine(current).rcu_read_lock_nesting == 0 and mine(current).preempt_rcu_nesting == 0,
        "sleep-in-atomic",
        "may sleep inside an RCU read section",
    )
    check(
        mine(current).preempt_count == 0,
        "sleep-in-atomic",
        "may sleep with preemption off: under a spinlock, or in softirq",
    )
