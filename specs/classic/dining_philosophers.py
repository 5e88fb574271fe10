"""The dining philosophers: a fork between any two neighbours, and each needs both of hers.

Source: E. W. Dijkstra, "Hierarchical ordering of sequential processes" (EWD 310), 1971.

Modelled: PHILOSOPHERS who think and eat for ever. If each takes her left fork first, all may
hold one and wait for the other. Forks that are taken in one order round the table cannot form
such a ring: that makes the last philosopher begin with her right one.
"""

from kmcheck.lang import (
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

PHILOSOPHERS = bound(5, "philosophers round the table, as many as forks")
ORDERED = choice(True, "the forks have an order in which everybody takes them")


class Fork(Object):
    taken: bool


def take(fork: Fork) -> None:
    with atomic("take"):
        wait_until(not fork.taken)
        fork.taken = True


def put_down(fork: Fork) -> None:
    fork.taken = False


def eat() -> None:
    pause("eat")


@process
def philosopher(first: Fork, second: Fork) -> None:
    while True:
        take(first)
        take(second)
        eat()
        put_down(second)
        put_down(first)


@setup
def table() -> None:
    foremost = Fork()
    left = foremost
    for _ in range(PHILOSOPHERS - 1):
        right = Fork()
        start(philosopher, left, right)
        left = right
    if ORDERED:
        start(philosopher, foremost, left)
    else:
        start(philosopher, left, foremost)


@always
def at_most_half_of_them_eat() -> bool:
    return len(within(eat)) <= PHILOSOPHERS // 2
