"""Kernel threads that are asked to stop."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

THREAD = """
@process(limit=1)
def thread() -> None:
"""
POLITE = """
    while not kthread_should_stop():
        set_current_state(TaskState.UNINTERRUPTIBLE)
        if not kthread_should_stop():
            schedule()
        set_current_state(TaskState.RUNNING)
    g.a = True
"""
ONCE = "    pause()\n"
ASLEEP = """
    while not kthread_should_stop():
        set_current_state(TaskState.UNINTERRUPTIBLE)
        schedule()
"""
NEEDY = """
    while not kthread_should_stop():
        mutex_lock(mutex)
        mutex_unlock(mutex)
"""
STOP = "thread_ = start(thread)\nkthread_stop(thread_)\nassert g.a"


def test_it_waits_for_the_end_of_the_thread() -> None:
    assert found(STOP, more=THREAD + POLITE) == "holds"


def test_a_thread_that_sleeps_without_looking() -> None:
    assert found(STOP, more=THREAD + ASLEEP) == "deadlock"


def test_a_thread_that_needs_what_the_caller_holds() -> None:
    body = "thread_ = start(thread)\nmutex_lock(mutex)\nkthread_stop(thread_)\nmutex_unlock(mutex)"
    more = "mutex = Mutex()\n" + THREAD + NEEDY
    assert found(body, more=more) == "deadlock"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("thread_ = start(thread)\nkthread_stop(thread_)", "kthread-gone"),
        ("kthread_stop(me())", "self-deadlock"),
        ("rcu_read_lock()\nkthread_stop(start(thread))", "sleep-in-atomic"),
    ],
)
def test_misuse(body: str, verdict: str) -> None:
    assert found(body, more=THREAD + ONCE) == verdict
