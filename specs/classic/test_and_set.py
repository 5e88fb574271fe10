"""The test-and-set lock: whoever finds it free has it, and somebody may never be the one.

Source: M. Herlihy, N. Shavit, "The Art of Multiprocessor Programming" (2008), 7.2.

Modelled: CPUs that take and drop the lock for ever, one access to memory a step. Mutual exclusion
holds. That everybody who waits gets the lock does not, however fair the CPUs are: each spins, so
each can always go on, and still comes too late each time. TICKETS=yes has them take a number.
"""

from kmcheck.lang import (
    Annotated,
    Object,
    Process,
    always,
    atomic,
    bound,
    choice,
    inside,
    leads_to,
    pause,
    process,
    setup,
    start,
    test_and_set,
    within,
)

CPUS = bound(2, "CPUs that contend for the lock")
TICKETS = choice(False, "a CPU takes a number, and waits until it is called")

Ticket = Annotated[int, range(CPUS)]


class Lock(Object):
    taken: bool
    next: Ticket
    owner: Ticket


lock = Lock()


def take_ticket() -> int:
    with atomic("xadd"):
        ticket = lock.next
        lock.next = (ticket + 1) % CPUS
    return ticket


def acquire() -> None:
    if TICKETS:
        ticket = take_ticket()
        while lock.owner != ticket:
            pass
    else:
        while test_and_set(lock.taken):
            pass


def critical_section() -> None:
    pause("critical section")


def release() -> None:
    if TICKETS:
        lock.owner = (lock.owner + 1) % CPUS
    else:
        lock.taken = False


@process(daemon=True)
def cpu() -> None:
    while True:
        acquire()
        critical_section()
        release()


@setup
def contention() -> None:
    for _ in range(CPUS):
        start(cpu)


@always
def mutual_exclusion() -> bool:
    return len(within(critical_section)) <= 1


def waits(p: Process) -> bool:
    return inside(p, acquire)


@leads_to(waits)
def gets_the_lock(p: Process) -> bool:
    return inside(p, critical_section)
