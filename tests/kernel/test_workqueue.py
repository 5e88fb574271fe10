"""Work items and workqueues."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "work: Work\nother: Work\nmutex: Mutex\nn: int"
COUNT = """
def count_it(work: Work) -> None:
    fetch_add(g.n, 1)
"""
ALONE = """
def alone(work: Work) -> None:
    was = test_and_set(g.c)
    assert not was
    g.n += 1
    g.c = False
"""
AGAIN = """
def again(work: Work) -> None:
    n = g.n
    g.n = n + 1
    if n == 0:
        schedule_work(work)
"""
TOUCH = """
def touch(work: Work) -> None:
    box = container_of(work, Box, Box.work)
    g.a = True
    box.n = 1
"""
NEEDY = """
def needy(work: Work) -> None:
    box = container_of(work, Box, Box.work)
    mutex_lock(box.mutex)
    mutex_unlock(box.mutex)
"""
INIT = "INIT_WORK(box.work, {0})\nINIT_WORK(box.other, {0})"


def runs(*bodies: str, work: str, more: str = "", final: str = "True") -> str:
    """Verify bodies with the works of the box doing `work`; `final` holds when all is done."""
    name = work.split("def ")[1].split("(", maxsplit=1)[0]
    law = f"@finally_\ndef final() -> bool:\n    return {final}"
    return found(*bodies, fields=FIELDS, begin=INIT.format(name), more=f"{work}\n{more}\n{law}")


# --- queueing


@pytest.mark.parametrize(
    ("body", "final"),
    [
        ("assert schedule_work(box.work)", "g.n == 1"),
        (
            "schedule_work(box.work)\nqueued = schedule_work(box.work)\ng.a = queued",
            "g.n == (2 if g.a else 1)",
        ),
        ("schedule_work(box.work)\nschedule_work(box.other)", "g.n == 2"),
        (
            lines(
                "schedule_work(box.work)", "flush_work(box.work)", "assert schedule_work(box.work)"
            ),
            "g.n == 2",
        ),
    ],
)
def test_a_work_runs_once_each_time_it_is_queued(body: str, final: str) -> None:
    assert runs(body, work=COUNT, final=final) == "holds"


def test_a_pending_work_is_not_queued_again() -> None:
    twice = "schedule_work(box.work)\nassert schedule_work(box.work)"
    assert runs(twice, work=COUNT) == "assertion"


def test_a_work_may_be_queued_while_it_runs_but_not_run_beside_itself() -> None:
    queue = "schedule_work(box.work)"
    assert runs(queue, queue, work=ALONE, final="g.n <= 2") == "holds"
    assert runs(queue, queue, work=ALONE, final="g.n == 1") == "final"
    assert runs(queue, queue, work=ALONE, final="g.n == 2") == "final"


def test_different_works_run_side_by_side() -> None:
    assert runs("schedule_work(box.work)\nschedule_work(box.other)", work=ALONE) == "assertion"


def test_a_work_may_queue_itself() -> None:
    assert runs("schedule_work(box.work)", work=AGAIN, final="g.n == 2") == "holds"


def test_a_pending_work_is_not_initialised_again() -> None:
    body = "schedule_work(box.work)\nINIT_WORK(box.work, count_it)"
    assert runs(body, work=COUNT) == "double-queue"
    flushed = "schedule_work(box.work)\nflush_work(box.work)\nINIT_WORK(box.work, count_it)"
    assert runs(flushed, work=COUNT) == "holds"


# --- lifetimes


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("schedule_work(box.work)\nkfree(box)", "free-while-pending"),
        ("schedule_work(box.work)\nwait_until(g.a)\nkfree(box)", "use-after-free"),
        ("schedule_work(box.work)\nflush_work(box.work)\nkfree(box)", "holds"),
        ("schedule_work(box.work)\nflush_workqueue(system_wq)\nkfree(box)", "holds"),
        ("schedule_work(box.work)\ncancel_work_sync(box.work)\nkfree(box)", "holds"),
        ("kfree(box)\nschedule_work(box.work)", "use-after-free"),
    ],
)
def test_the_object_of_a_work_lives_until_it_has_run(body: str, verdict: str) -> None:
    assert runs(body, work=TOUCH) == verdict


def test_a_work_may_free_its_object() -> None:
    free_it = "def free_it(work: Work) -> None:\n    kfree(container_of(work, Box, Box.work))"
    assert runs("schedule_work(box.work)", work=free_it) == "holds"


def test_a_work_that_runs_is_not_looked_at_any_more() -> None:
    free = "schedule_work(box.work)\nwait_until(not box.work.pending)\nkfree(box)"
    assert runs(free, work=COUNT, final="g.n == 1") == "holds"
    assert runs(free, work=TOUCH) == "use-after-free"


def test_flushing_is_not_enough_for_a_work_that_queues_itself() -> None:
    assert (
        runs("schedule_work(box.work)\nflush_work(box.work)\nkfree(box)", work=AGAIN)
        == "free-while-pending"
    )
    assert (
        runs("schedule_work(box.work)\ncancel_work_sync(box.work)\nkfree(box)", work=AGAIN)
        == "holds"
    )


# --- flushing and cancelling


@pytest.mark.parametrize("flush", ["flush_work(box.work)", "flush_workqueue(system_wq)"])
def test_a_flush_waits_for_what_is_queued(flush: str) -> None:
    assert runs(f"schedule_work(box.work)\n{flush}\nassert g.n == 1", work=COUNT) == "holds"


def test_a_flush_does_not_wait_for_what_is_queued_later() -> None:
    later = "schedule_work(box.work)\nflush_work(box.work)\nassert g.n == 2"
    assert runs(later, work=AGAIN) == "assertion"


def test_a_flush_of_one_work_does_not_wait_for_another() -> None:
    body = (
        "schedule_work(box.work)\nschedule_work(box.other)\nflush_work(box.work)\nassert g.n == 2"
    )
    assert runs(body, work=COUNT) == "assertion"
    assert (
        runs(body.replace("flush_work(box.work)", "flush_workqueue(system_wq)"), work=COUNT)
        == "holds"
    )


def test_a_flush_of_one_workqueue_does_not_wait_for_another() -> None:
    body = "queue_work(wq, box.work)\nflush_workqueue({0})\nassert g.n == 1"
    more = "wq = Workqueue()"
    assert runs(body.format("wq"), work=COUNT, more=more) == "holds"
    assert runs(body.format("system_wq"), work=COUNT, more=more) == "assertion"


def test_a_flush_tells_whether_the_work_was_pending() -> None:
    assert runs("assert not flush_work(box.work)", work=COUNT) == "holds"


def test_a_cancelled_work_is_not_run() -> None:
    body = lines(
        "schedule_work(box.work)",
        "was_pending = cancel_work_sync(box.work)",
        "assert g.n == (0 if was_pending else 1)",
    )
    assert runs(body, work=COUNT) == "holds"
    assert runs(f"{body}\nassert g.n == 0", work=COUNT) == "assertion"


def test_a_cancelled_work_may_be_queued_again() -> None:
    body = "cancel_work_sync(box.work)\nassert schedule_work(box.work)"
    assert runs(body, work=COUNT, final="g.n == 1") == "holds"


QUEUED = """
@always
def is_queued_once(box: Box) -> bool:
    return count(
        p
        for p in processes()
        if workers.of(p).work == box.work and not workers.of(p).running
    ) == (1 if box.work.pending else 0)
"""


@pytest.mark.parametrize("cancels", [1, 2])
def test_a_work_is_queued_once_however_many_cancel_it(cancels: int) -> None:
    bodies = ["cancel_work_sync(box.work)"] * cancels + ["schedule_work(box.work)"] * 2
    assert runs(*bodies, work=COUNT, more=QUEUED, final="g.n <= 2") == "holds"


def test_who_cancels_second_keeps_a_work_from_being_queued() -> None:
    cancel = "cancel_work_sync(box.work)\nfetch_add(g.m, 1)"
    queue = "wait_until(g.m == {0})\nassert schedule_work(box.work)"
    assert runs(cancel, cancel, queue.format(2), work=COUNT, final="g.n == 1") == "holds"
    assert runs(cancel, cancel, queue.format(1), work=COUNT) == "assertion"
    assert runs(cancel, queue.format(1), work=COUNT, final="g.n == 1") == "holds"


def test_a_work_that_is_being_cancelled_is_not_initialised_again() -> None:
    cancel = "cancel_work_sync(box.work)\ng.a = True"
    again = "{0}INIT_WORK(box.work, count_it)"
    assert runs(cancel, again.format(""), work=COUNT) == "double-queue"
    assert runs(cancel, again.format("wait_until(g.a)\n"), work=COUNT) == "holds"


def test_the_object_of_a_work_lives_until_it_has_been_cancelled() -> None:
    cancel = "cancel_work_sync(box.work)\ng.a = True"
    assert runs(cancel, "wait_until(g.a)\nkfree(box)", work=COUNT) == "holds"
    early = "if box.work.disable > 0:\n    kfree(box)"
    assert runs(cancel, early, work=COUNT) == "use-after-free"


@pytest.mark.parametrize(
    "wait", ["flush_work(work)", "flush_workqueue(system_wq)", "cancel_work_sync(work)"]
)
def test_a_work_that_waits_for_itself(wait: str) -> None:
    itself = f"def itself(work: Work) -> None:\n    {wait}"
    assert runs("schedule_work(box.work)", work=itself) == "self-deadlock"


@pytest.mark.parametrize(
    "wait", ["flush_work(box.work)", "flush_workqueue(system_wq)", "cancel_work_sync(box.work)"]
)
def test_waiting_in_atomic_context(wait: str) -> None:
    assert runs(f"rcu_read_lock()\n{wait}", work=COUNT) == "sleep-in-atomic"


def test_waiting_with_a_lock_that_the_work_needs() -> None:
    queue = "mutex_lock(box.mutex)\nschedule_work(box.work)\n{0}mutex_unlock(box.mutex)"
    assert runs(queue.format(""), work=NEEDY) == "holds"
    assert runs(queue.format("flush_work(box.work)\n"), work=NEEDY) == "deadlock"
