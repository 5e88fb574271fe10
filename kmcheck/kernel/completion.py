"""Completions: one process waits until another says that something is done.

Semantics: `done` counts the completions that nobody has waited for yet, up to 254; complete() adds
one, wait_for_completion() takes one, each in one step. complete_all() lets all pass from then on,
until reinit_completion(). Who finds nothing done is put on the queue in that step and sleeps; being
let go on is another step, and finds the completion done in that step, or goes on sleeping.
wait_for_completion_timeout() may give up in any state in which it sleeps. complete() does not touch
the completion any more once a waiter can go on, so a completion on the waiter's stack is fine.

Kernel: `include/linux/completion.h`, `kernel/sched/completion.c`, v6.12.

Misuse reported: `sleep-in-atomic` (waiting in atomic context), `lost-waiter` (init_completion()
while somebody sleeps on the queue: nobody would wake it), `free-while-waited` (freed while somebody
sleeps on it). A completion that nobody completes, or that reinit_completion() takes back from a
waiter, is found as a `deadlock`; complete() after the waiter gave up and freed it as
`use-after-free`.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.lang import (
    Annotated,
    Object,
    Process,
    SetOf,
    atomic,
    check,
    choose,
    me,
    wait_until,
)

ALL = 255  # UINT_MAX: complete_all()


class Completion(Object):
    """`struct completion`."""

    done: Annotated[int, range(256)]
    wait: SetOf[Process]

    def on_free(self) -> None:
        """Look for a process that would sleep on freed memory."""
        check(len(self.wait) == 0, "free-while-waited", "completion freed while somebody waits")


def init_completion(x: Completion) -> None:
    """Make a completion that nothing has completed yet, with an empty queue."""
    with atomic("completion initialised"):
        check(len(x.wait) == 0, "lost-waiter", "init_completion() while somebody waits")
        x.done = 0


def reinit_completion(x: Completion) -> None:
    """Make the completion not done, for its next use."""
    x.done = 0


def complete(x: Completion) -> None:
    """Let one waiter go on."""
    with atomic("completed"):
        if x.done != ALL:
            check(x.done < ALL - 1, "range", "more than 254 calls of complete()")
            x.done += 1


def complete_all(x: Completion) -> None:
    """Let all waiters go on, those that come later too."""
    with atomic("completed for all"):
        x.done = ALL


def completion_take(x: Completion) -> bool:
    """Take one completion if there is one; tell whether there was."""
    taken = x.done > 0
    if taken and x.done != ALL:
        x.done -= 1
    return taken


def try_wait_for_completion(x: Completion) -> bool:
    """Take one completion if there is one, without waiting; tell whether there was."""
    with atomic("completion taken, if there is one"):
        taken = completion_take(x)
    return taken


def completion_done(x: Completion) -> bool:
    """Tell whether a waiter would go on at once."""
    return x.done > 0


def wait_for_completion(x: Completion) -> None:
    """Sleep until it is completed."""
    might_sleep()
    with atomic("completion taken, or asleep"):
        taken = completion_take(x)
        if not taken:
            x.wait.add(me())
    if not taken:
        with atomic("completed: goes on"):
            wait_until(x.done > 0)
            completion_take(x)
            x.wait.remove(me())


def wait_for_completion_timeout(x: Completion) -> bool:
    """Sleep until it is completed, or give up; tell whether it was completed."""
    might_sleep()
    with atomic("completion taken, or asleep"):
        taken = completion_take(x)
        if not taken:
            x.wait.add(me())
    if not taken:
        with atomic("completed, or timed out"):
            patient = choose(True, False)
            wait_until(x.done > 0 or not patient)
            taken = completion_take(x)
            x.wait.remove(me())
    return taken
