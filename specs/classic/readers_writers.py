"""Readers and writers: readers share the room, a writer has it alone.

Source: P. J. Courtois, F. Heymans, D. L. Parnas, "Concurrent control with 'readers' and
'writers'", Communications of the ACM 14(10), 1971, problem 1.

Modelled: READERS and WRITERS that come and go for ever. The first reader takes the room for all
readers and the last one gives it back; a second semaphore guards their count.
"""

from kmcheck.lang import (
    Annotated,
    Object,
    always,
    atomic,
    bound,
    choice,
    pause,
    process,
    setup,
    start,
    wait_until,
    within,
)

READERS = bound(3, "processes that read")
WRITERS = bound(2, "processes that write")
GUARD_COUNT = choice(True, "the readers' count is changed and tested under a semaphore")


class Semaphore(Object):
    taken: bool


class Library(Object):
    room: Semaphore
    guard: Semaphore
    readers: Annotated[int, range(READERS + 1)]


library = Library()


def down(semaphore: Semaphore) -> None:
    with atomic("down"):
        wait_until(not semaphore.taken)
        semaphore.taken = True


def up(semaphore: Semaphore) -> None:
    semaphore.taken = False


def enter() -> None:
    if GUARD_COUNT:
        down(library.guard)
    library.readers += 1
    if library.readers == 1:
        down(library.room)
    if GUARD_COUNT:
        up(library.guard)


def leave() -> None:
    if GUARD_COUNT:
        down(library.guard)
    library.readers -= 1
    if library.readers == 0:
        up(library.room)
    if GUARD_COUNT:
        up(library.guard)


def read() -> None:
    pause("read")


def write() -> None:
    pause("write")


@process
def reader() -> None:
    while True:
        enter()
        read()
        leave()


@process
def writer() -> None:
    while True:
        down(library.room)
        write()
        up(library.room)


@setup
def opening() -> None:
    for _ in range(READERS):
        start(reader)
    for _ in range(WRITERS):
        start(writer)


@always
def a_writer_is_alone() -> bool:
    return not within(write) or (len(within(write)) == 1 and not within(read))
