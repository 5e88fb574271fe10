"""Peterson's lock for two: say that you want it, give way to the other, then look.

Source: G. L. Peterson, "Myths about the mutual exclusion problem", Information Processing
Letters 12(3), 1981.

Modelled: two CPUs that take and drop the lock for ever, one access to memory a step. Looking is
two loads, not one: the other CPU may move in between. There is nothing to bound.
"""

from kmcheck.lang import Object, Ref, always, choice, pause, process, setup, start, within

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


@process
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
