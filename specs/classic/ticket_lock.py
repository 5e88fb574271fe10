"""The ticket spinlock: take a number, wait until it is called.

Source: arch/x86/include/asm/spinlock.h of Linux 2.6.25 to 4.1 (Nick Piggin; "Ticket spinlocks",
https://lwn.net/Articles/267968/).

Modelled: CPUS that take and drop the lock ROUNDS times. `owner` is written only by the CPU that
holds the lock, so that a plain load and store are enough for it; `next` is written by all.
"""

from kmcheck.lang import (
    Annotated,
    Object,
    always,
    bound,
    choice,
    fetch_add,
    finally_,
    pause,
    process,
    setup,
    start,
    wait_until,
    within,
)

CPUS = bound(3, "CPUs that contend for the lock")
ROUNDS = bound(2, "times that each of them takes it")
ATOMIC = choice(True, "a ticket is taken by one atomic instruction (xadd)")

Ticket = Annotated[int, range(CPUS * ROUNDS + 1)]


class TicketLock(Object):
    next: Ticket
    owner: Ticket


lock = TicketLock()


def take_ticket() -> int:
    if ATOMIC:
        return fetch_add(lock.next, 1)
    ticket = lock.next
    lock.next = ticket + 1
    return ticket


def spin_lock() -> None:
    ticket = take_ticket()
    wait_until(lock.owner == ticket)


def spin_unlock() -> None:
    lock.owner += 1


def critical_section() -> None:
    pause("critical section")


@process
def cpu() -> None:
    for _ in range(ROUNDS):
        spin_lock()
        critical_section()
        spin_unlock()


@setup
def contention() -> None:
    for _ in range(CPUS):
        start(cpu)


@always
def mutual_exclusion() -> bool:
    return len(within(critical_section)) <= 1


@finally_
def every_ticket_was_called() -> bool:
    return lock.owner == CPUS * ROUNDS
