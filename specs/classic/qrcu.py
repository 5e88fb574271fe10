"""QRCU: read-copy update with a grace period that is short when nobody reads.

Source: P. E. McKenney, "Using Promela and Spin to verify parallel algorithms",
https://lwn.net/Articles/243851/, and perfbook's CodeSamples/formal/promela/qrcu.spin, step by
step; the algorithm is Oleg Nesterov's with McKenney's fast path, https://lwn.net/Articles/228142/.

Modelled: READERS that read once and UPDATERS that wait for grace periods for ever. Readers count
themselves in at ctr[idx]; an updater that cannot see at once that nobody reads sends new readers
to the other counter and waits for the old one. One counter is always one too high, so that a
reader which meets zero knows that it came too late. As in the source, a step of the updater
reads idx together with the counter: under the mutex nobody else changes it.
"""

from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Process,
    SetOf,
    atomic,
    bound,
    choice,
    choose,
    me,
    process,
    setup,
    start,
    wait_until,
)

READERS = bound(2, "CPUs that read")
UPDATERS = bound(1, "CPUs that wait for grace periods")
SECOND_LOOK = choice(True, "the fast path adds the counters up twice")
NOT_ZERO = choice(True, "a reader counts itself in only where the counter is not zero")

Users = Annotated[int, range(READERS + 2)]


class Qrcu(Object):
    idx: Annotated[int, range(2)]
    ctr: Annotated[ArrayOf[Users], 2]
    mutex: bool


class Observer(Object):
    reading: SetOf[Process]


qrcu = Qrcu()
observer = Observer()


def atomic_inc_not_zero(idx: int) -> bool:
    with atomic("atomic_inc_not_zero"):
        if NOT_ZERO and qrcu.ctr[idx] == 0:
            return False
        qrcu.ctr[idx] += 1
        return True


def qrcu_read_lock() -> int:
    while True:
        idx = qrcu.idx
        if atomic_inc_not_zero(idx):
            return idx


def qrcu_read_unlock(idx: int) -> None:
    with atomic("atomic_dec"):
        qrcu.ctr[idx] -= 1


def sum_unordered() -> int:
    with atomic("either counter first"):
        first = choose(0, 1)
        users = qrcu.ctr[first]
    return users + qrcu.ctr[1 - first]


def synchronize_qrcu() -> None:
    users = sum_unordered()
    if SECOND_LOOK and users <= 1:
        users = sum_unordered()
    if users <= 1:
        return
    with atomic("mutex_lock"):
        wait_until(not qrcu.mutex)
        qrcu.mutex = True
    with atomic("atomic_inc"):
        qrcu.ctr[1 - qrcu.idx] += 1
    with atomic("new readers go to the other counter"):
        qrcu.idx = 1 - qrcu.idx
    with atomic("atomic_dec"):
        qrcu.ctr[1 - qrcu.idx] -= 1
    wait_until(qrcu.ctr[1 - qrcu.idx] == 0, "the old readers have left")
    qrcu.mutex = False


@process
def reader() -> None:
    idx = qrcu_read_lock()
    observer.reading.add(me())
    observer.reading.remove(me())
    qrcu_read_unlock(idx)


@process
def updater() -> None:
    while True:
        before = observer.reading.copy()
        synchronize_qrcu()
        assert len(before & observer.reading) == 0, "the grace period was too short"


@setup
def race() -> None:
    qrcu.ctr[0] = 1
    for _ in range(READERS):
        start(reader)
    for _ in range(UPDATERS):
        start(updater)
