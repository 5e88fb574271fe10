"""What each kind of violation is, for those who meet its name in a list of rules."""

from __future__ import annotations

from kmcheck.trace import Violation

MEANING = {
    # what every spec is checked for
    "use-after-free": "A pointer to an object that has been freed is followed.",
    "double-free": "An object is freed that has been freed.",
    "bad-free": "What is freed is no object of its own: it is embedded in one, or a global.",
    "null-deref": "A NULL pointer is followed, or called.",
    "uninitialised-read": "A variable or field is read before it has got a value.",
    "range": "An integer leaves its range, or an index its array.",
    "list-corruption": "A list or set is changed by way of what is not on it, or elsewhere on it.",
    "assertion": "An assert in the code of a process is false.",
    "endless-step": "A step never ends: it loops without an access that others could follow.",
    "deadlock": "No process can take a step, and not all have ended.",
    "leak": "All processes have ended, and nothing leads to an object that was allocated.",
    # what is looked for where somebody asks
    "livelock": "Processes go round for ever, and none of them comes to an end.",
    "starvation": "A process waits for ever while others go on.",
    "data-race": "Two accesses at once, one a store, one not marked, and nothing orders them.",
    # what the primitives report
    "bytes-lost": "An obj_cgroup is released with charged bytes that are no whole page.",
    "counter-underflow": "A page_counter is uncharged by more than was charged to it.",
    "cpu-is-dead": "A process charges on a CPU that is gone.",
    "double-kill": "What can be killed only once is killed again: a percpu_ref, a cgroup, a CPU.",
    "double-queue": "An rcu_head or a work is queued or initialised while it is queued.",
    "exit-while-switching": "percpu_ref_exit() is called while the switch to atomic mode lasts.",
    "free-while-held": "An object is freed while somebody holds the lock in it.",
    "free-while-listed": "An object is freed while it is on a list, or has entries on its own.",
    "free-while-pending": "An object is freed while its rcu_head or its work is queued.",
    "free-while-referenced": "An object is freed while others have references to it.",
    "free-while-waited": "A wait queue or a completion is freed while somebody waits on it.",
    "guard-violation": "Data is changed without the lock that guards it.",
    "kthread-gone": "kthread_stop() is called for a thread that has ended by itself.",
    "lock-misuse": "A lock is released by who has not got it, or never released.",
    "lock-order": "Locks are taken in an order that other code contradicts.",
    "lost-update": "A change to a word is undone by another one that is not atomic.",
    "lost-waiter": "A completion is initialised while somebody waits: nobody will wake it.",
    "parent-is-dying": "A memcg comes online below one that has been removed.",
    "rcu-imbalance": "An RCU read section is left that was not entered, or never left.",
    "rcu-work-cancelled": "The work of an rcu_work is cancelled during its grace period.",
    "ref-leak": "A percpu_ref is freed without percpu_ref_exit(): its percpu part is lost.",
    "ref-resurrect": "A reference is taken on a count of zero: the object is about to be freed.",
    "ref-underflow": "There are more puts than gets.",
    "self-deadlock": "A process waits for itself: it takes a lock that it has, or flushes itself.",
    "sleep-in-atomic": "What may sleep is called where nothing may: under a spinlock, under RCU.",
    "stale-index": "An id is used that was given back, and may be another's now.",
    "stranded-object": "A list is freed with objects on it, which nobody finds any more.",
    "use-after-exit": "A percpu_ref is used after percpu_ref_exit(), or before its init.",
}


def meaning(kind: str) -> str:
    """Return what a violation is that is not of a property which the spec states."""
    return MEANING.get(kind, "A check of this name, in the spec or in what it imports, fails.")


def sentence(violation: Violation) -> str:
    """Return what is wrong, with its name in front."""
    kind, message = violation.kind, violation.message
    return message if message.startswith(kind) else f"{kind}: {message}"
