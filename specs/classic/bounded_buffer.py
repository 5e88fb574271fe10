"""The bounded buffer: producers wait for room, consumers for items, and the ring is under a mutex.

Source: E. W. Dijkstra, "Cooperating sequential processes" (EWD 123), 1965, section 4.3. Waiting
under the mutex is the mistake of which A. S. Tanenbaum warns in "Modern operating systems".

Modelled: ITEMS producers with one item each, and as many consumers that take one and free it.
Losing an item, or taking one twice, shows in the items' lives: nothing else has to be said.
"""

from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Ref,
    alive,
    atomic,
    bound,
    choice,
    count,
    finally_,
    free,
    process,
    setup,
    start,
    wait_until,
)

SLOTS = bound(2, "items that fit into the buffer")
ITEMS = bound(3, "items that go through it")
WAIT_OUTSIDE = choice(True, "wait for room or for an item before taking the mutex, not under it")
MUTEX = choice(True, "the ring is changed under a mutex")


class Item(Object):
    pass


class Semaphore(Object):
    value: Annotated[int, range(SLOTS + 1)]


class Buffer(Object):
    ring: Annotated[ArrayOf[Ref[Item]], SLOTS]
    head: Annotated[int, range(SLOTS)]
    tail: Annotated[int, range(SLOTS)]
    room: Semaphore
    filled: Semaphore
    mutex: Semaphore


buffer = Buffer()


def down(semaphore: Semaphore) -> None:
    with atomic("down"):
        wait_until(semaphore.value > 0)
        semaphore.value -= 1


def up(semaphore: Semaphore) -> None:
    with atomic("up"):
        semaphore.value += 1


def lock_when(semaphore: Semaphore) -> None:
    if WAIT_OUTSIDE:
        down(semaphore)
    if MUTEX:
        down(buffer.mutex)
    if not WAIT_OUTSIDE:
        down(semaphore)


def unlock() -> None:
    if MUTEX:
        up(buffer.mutex)


def put(item: Item) -> None:
    lock_when(buffer.room)
    tail = buffer.tail
    buffer.ring[tail] = item
    buffer.tail = (tail + 1) % SLOTS
    unlock()
    up(buffer.filled)


def get() -> Item:
    lock_when(buffer.filled)
    head = buffer.head
    item = buffer.ring[head]
    buffer.head = (head + 1) % SLOTS
    unlock()
    up(buffer.room)
    return item


@process
def producer(item: Item) -> None:
    put(item)


@process
def consumer() -> None:
    free(get())


@setup
def market() -> None:
    buffer.room.value = SLOTS
    buffer.mutex.value = 1
    for _ in range(ITEMS):
        start(producer, Item())
        start(consumer)


@finally_
def every_item_was_consumed() -> bool:
    return count(item for item in alive(Item)) == 0
