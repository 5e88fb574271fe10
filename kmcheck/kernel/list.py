"""Doubly linked lists, pointer by pointer: list_add(), list_del(), list_splice().

Semantics: an object is on a list by a `ListLink` in it, and a list is a ListLink that setup gives
to INIT_LIST_HEAD(); container_of() leads back to the object. An operation is one step. That is
right where a lock makes it one: list_guarded_by(), or list_guarded_by_mutex(), says which lock
that is, and every change of the list by somebody without it is reported. With
`-D LIST_STEPS=fine` each pointer that an operation writes is a step of its own, as in the kernel,
nobody looks for the lock, and what goes wrong without it can be seen happening: there the checks
of CONFIG_DEBUG_LIST find it, which are one step with the loads; `-D LIST_DEBUG=no` is without, and
goes on to what comes of it. A poisoned pointer is NULL.
The _rcu forms leave `next` as it was, for readers that are on their way, from list_first() on by
list_next_or_null_rcu(); list_add() and list_del() keep to the order of writes that readers rely on
anyway. What is freed must be on no
list, and a list without entries.

Kernel: `include/linux/list.h`, `include/linux/rculist.h`, `lib/list_debug.c`, v6.12.

Misuse reported: `guard-violation` (a list changed without the lock that guards it),
`list-corruption` (an entry whose neighbours do not point back to it, added twice, or deleted when
it is on no list, or walked on from when it was deleted), `free-while-listed` (freed while it is on
a list, or has entries on it). list_is_sound() tells, for properties, whether all pointers of a list
agree.
"""

from kmcheck.kernel.mutex import Mutex
from kmcheck.kernel.spinlock import SpinLock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Enum,
    Object,
    Ref,
    atomic,
    auto,
    check,
    choice,
    closure,
    each,
    me,
)


class ListSteps(Enum):
    """How much of a list operation is one step."""

    ONE = auto()
    FINE = auto()


LIST_STEPS = choice(ListSteps.ONE, "a list operation is one step, or one for each pointer")
LIST_DEBUG = choice(True, "CONFIG_DEBUG_LIST looks at the neighbours of an entry")


class ListLink(Object):
    """`struct list_head`: of an entry, or of the list itself."""

    next: Ref["ListLink"]
    prev: Ref["ListLink"]
    list: Ref["ListLink"]  # the list that it is on, while operations are one step
    guard: Ref[SpinLock]
    guard_mutex: Ref[Mutex]

    def on_free(self) -> None:
        """Look for a list that would lead to freed memory, or for entries that get lost."""
        check(
            self.prev is None or self.prev == self,
            "free-while-listed",
            "freed while it is on a list, or has entries on it",
        )


# --- lists and their locks ----------------------------------------------------------------------


def INIT_LIST_HEAD(head: ListLink) -> None:
    """Make an empty list, or an entry that is on no list."""
    head.next = head
    head.prev = head


def list_guarded_by(head: ListLink, lock: SpinLock) -> None:
    """Say which spinlock guards a list: for setup."""
    head.guard = lock


def list_guarded_by_mutex(head: ListLink, lock: Mutex) -> None:
    """Say which mutex guards a list: for setup."""
    head.guard_mutex = lock


def list_assert_guarded(head: ListLink) -> None:
    """Report a change by a process that does not have the lock which guards the list."""
    lock = head.guard
    if lock is not None:
        check(
            lock.owner == me(),
            "guard-violation",
            "list changed without the spinlock that guards it",
        )
    mutex = head.guard_mutex
    if mutex is not None:
        check(
            mutex.owner == me(),
            "guard-violation",
            "list changed without the mutex that guards it",
        )


def list_empty(head: ListLink) -> bool:
    """Tell whether nothing is on a list, or whether an entry is on none."""
    first = READ_ONCE(head.next)
    return first == head


def list_first(head: ListLink) -> ListLink | None:
    """Return the first entry of a list, or None: list_first_entry_or_null()."""
    first = READ_ONCE(head.next)
    return None if first == head else first


def list_next_or_null_rcu(head: ListLink, entry: ListLink) -> ListLink | None:
    """Return the entry behind another one, or None behind the last: for readers under RCU, too."""
    next = READ_ONCE(entry.next)
    check(next is not None, "list-corruption", "walked on from a deleted entry: LIST_POISON1")
    return None if next == head else next


def list_is_sound(head: ListLink) -> bool:
    """Tell whether all entries that a list leads to are linked both ways: for properties."""
    return all(
        link.next is not None and link.next.prev == link for link in closure(head, ListLink.next)
    )


# --- the pointers -------------------------------------------------------------------------------


def __list_add_valid(new: ListLink, prev: ListLink, next: ListLink) -> None:
    """Report neighbours that are none."""
    if LIST_DEBUG:
        check(next.prev == prev, "list-corruption", "list_add(): next->prev should be prev")
        check(prev.next == next, "list-corruption", "list_add(): prev->next should be next")
        check(new != prev and new != next, "list-corruption", "list_add() double add")


def __list_add(new: ListLink, prev: ListLink, next: ListLink) -> None:
    """Link an entry between two that are neighbours."""
    next.prev = new
    new.next = next
    new.prev = prev
    WRITE_ONCE(prev.next, new)


def __list_del_entry_valid(entry: ListLink) -> None:
    """Report an entry that is on no list, or whose neighbours do not know it."""
    check(entry.next is not None, "list-corruption", "list_del(): entry->next is LIST_POISON1")
    check(entry.prev is not None, "list-corruption", "list_del(): entry->prev is LIST_POISON2")
    check(entry.prev.next == entry, "list-corruption", "list_del(): prev->next should be entry")
    check(entry.next.prev == entry, "list-corruption", "list_del(): next->prev should be entry")


def __list_del_entry(entry: ListLink) -> None:
    """Let the neighbours of an entry point to each other."""
    if LIST_DEBUG:
        with atomic("entry->prev, entry->next"):
            __list_del_entry_valid(entry)
            prev = entry.prev
            next = entry.next
    else:
        prev = entry.prev
        next = entry.next
    next.prev = prev
    WRITE_ONCE(prev.next, next)


def list_fill(new: ListLink, head: ListLink) -> None:
    """Put an entry at the tail of a list: for setup."""
    __list_add(new, head.prev, head)
    new.list = head


# --- operations ---------------------------------------------------------------------------------


def list_add(new: ListLink, head: ListLink) -> None:
    """Put an entry at the head of a list."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_add()"):
            list_adding(new, head)
            __list_add_valid(new, head, head.next)
            __list_add(new, head, head.next)
    else:
        with atomic("head->next"):
            next = head.next
            __list_add_valid(new, head, next)
        __list_add(new, head, next)


def list_add_tail(new: ListLink, head: ListLink) -> None:
    """Put an entry at the tail of a list."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_add_tail()"):
            list_adding(new, head)
            __list_add_valid(new, head.prev, head)
            __list_add(new, head.prev, head)
    else:
        with atomic("head->prev"):
            prev = head.prev
            __list_add_valid(new, prev, head)
        __list_add(new, prev, head)


def list_adding(new: ListLink, head: ListLink) -> None:
    """Note that an entry is put on a list, which its holder may change."""
    list_assert_guarded(head)
    check(new.list is None, "list-corruption", "list_add() of an entry that is on a list")
    new.list = head


def list_removing(entry: ListLink) -> None:
    """Note that an entry is taken off its list, which its holder may change."""
    if entry.list is not None:
        list_assert_guarded(entry.list)
        entry.list = None


def list_del(entry: ListLink) -> None:
    """Take an entry off its list, and poison it."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_del()"):
            list_removing(entry)
            __list_del_entry(entry)
            entry.next = None
            entry.prev = None
    else:
        __list_del_entry(entry)
        entry.next = None
        entry.prev = None


def list_del_rcu(entry: ListLink) -> None:
    """Take an entry off its list; readers that are at it still find the next."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_del_rcu()"):
            list_removing(entry)
            __list_del_entry(entry)
            entry.prev = None
    else:
        __list_del_entry(entry)
        entry.prev = None


def list_del_init(entry: ListLink) -> None:
    """Take an entry off its list, if it is on one."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_del_init()"):
            list_removing(entry)
            __list_del_entry(entry)
            INIT_LIST_HEAD(entry)
    else:
        __list_del_entry(entry)
        INIT_LIST_HEAD(entry)


def list_move(entry: ListLink, head: ListLink) -> None:
    """Take an entry off its list and put it at the head of another one."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_move()"):
            list_removing(entry)
            __list_del_entry(entry)
            list_add(entry, head)
    else:
        __list_del_entry(entry)
        list_add(entry, head)


def list_splice_init(source: ListLink, head: ListLink) -> None:
    """Put all entries of a list at the head of another one, and leave it empty."""
    if LIST_STEPS == ListSteps.ONE:
        with atomic("list_splice_init()"):
            list_assert_guarded(source)
            list_assert_guarded(head)
            if source.next != source:
                for entry in each(closure(source.next, ListLink.next)):
                    entry.list = head
                source.list = None
                __list_splice_init(source, head)
    elif not list_empty(source):
        __list_splice_init(source, head)


def __list_splice_init(source: ListLink, head: ListLink) -> None:
    """Link the ends of a list in behind the head of another one."""
    first = source.next
    last = source.prev
    next = head.next
    first.prev = head
    WRITE_ONCE(head.next, first)
    last.next = next
    next.prev = last
    INIT_LIST_HEAD(source)
