"""Dekker's lock for two, the first that worked: if both want it, whose turn it is not backs off.

Source: T. J. Dekker, in E. W. Dijkstra, "Cooperating sequential processes" (EWD 123), 1965,
section 2.1.

Modelled: two CPUs that take and drop the lock for ever, one access to memory a step. There is
nothing to bound.
"""

from kmcheck.lang import (
    Object,
    Ref,
    always,
    choice,
    pause,
    process,
    setup,
    start,
    wait_until,
    within,
)

LOOK_AGAIN = choice(True, "having waited for its turn, a CPU looks at the other's flag again")


class Cpu(Object):
    wants: bool


class Lock(Object):
    turn: Ref[Cpu]  # whose turn it is if both want the lock


lock = Lock()


def acquire(this: Cpu, other: Cpu) -> None:
    this.wants = True
    while other.wants:
        if lock.turn == other:
            this.wants = False
            wait_until(lock.turn == this)
            this.wants = True
            if not LOOK_AGAIN:
                break


def release(this: Cpu, other: Cpu) -> None:
    lock.turn = other
    this.wants = False


def critical_section() -> None:
    pause("critical section")


@process
def cpu(this: Cpu, other: Cpu) -> None:
    while True:
        acquire(this, other)
        critical_section()
        release(this, other)


@setup
def two_cpus() -> None:
    left = Cpu()
    right = Cpu()
    lock.turn = left
    start(cpu, left, right)
    start(cpu, right, left)


@always
def mutual_exclusion() -> bool:
    return len(within(critical_section)) <= 1
