"""Peterson's lock for two: say that you want it, give way to the other, then look.

Source: G. L. Peterson, "Myths about the mutual exclusion problem", Information Processing
Letters 12(3), 1981.

Modelled: two CPUs that take and drop the lock for ever, one access to memory a step. Looking is
two loads, not one: the other CPU may move in between. There is nothing to bound. Whoever wants the
lock gets it, if both CPUs go on running.
"""

from kmcheck.lang import (
    Object,
    Process,
    Ref,
    always,
    choice,
    inside,
    leads_to,
    pause,
    process,
    setup,
    start,
    within,
)

ANNOUNCE_FIRST = choice(True, "a CPU says that it wants the lock before it gives way")


class Cpu(Object):
    wants: bool


class Lock(Object):
    turn: Ref[Cpu]  # whose turn it is if both want the lock


lock = Lock()


def acquire(this: Cpu, other: Cpu) -> None:
    if ANNOUNCE_FIRST:
        this.wants = True
        lock.turn = other
    else:
        lock.turn = other
        this.wants = True
    while other.wants and lock.turn == other:
        pass


def release(this: Cpu) -> None:
    this.wants = False


def critical_section() -> None:
    pause("critical section")


@process(daemon=True)
def cpu(this: Cpu, other: Cpu) -> None:
    while True:
        acquire(this, other)
        critical_section()
        release(this)


@setup
def two_cpus() -> None:
    left = Cpu()
    right = Cpu()
    start(cpu, left, right)
    start(cpu, right, left)


@always
def mutual_exclusion() -> bool:
    return len(within(critical_section)) <= 1


def waits(p: Process) -> bool:
    return inside(p, acquire)


@leads_to(waits)
def gets_the_lock(p: Process) -> bool:
    return inside(p, critical_section)
