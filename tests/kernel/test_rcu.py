"""Read sections, grace periods, callbacks."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

READER = """
rcu_read_lock()
mine = rcu_dereference(g.box)
if mine is not None:
    mine.n = 1
rcu_read_unlock()
"""
FIELDS = "n: int\nrcu: RcuHead"
PUBLISHED = "g.box = box"
COUNT = """
def count_it(head: RcuHead) -> None:
    g.n += 1
"""
CHAIN = """
def second(head: RcuHead) -> None:
    g.m = 1

def first(head: RcuHead) -> None:
    call_rcu(head, second)
    g.n = 1
"""


# --- read sections


def test_a_section_protects_what_is_loaded_inside_it() -> None:
    remover = "rcu_assign_pointer(g.box, None)\nsynchronize_rcu()\nkfree(box)"
    assert found(READER, READER, remover, fields=FIELDS, begin=PUBLISHED) == "holds"


def test_nothing_protects_what_is_used_after_it() -> None:
    reader = """
    rcu_read_lock()
    mine = g.box
    rcu_read_unlock()
    if mine is not None:
        mine.n = 1
    """
    remover = "g.box = None\nsynchronize_rcu()\nkfree(box)"
    assert found(reader, remover, fields=FIELDS, begin=PUBLISHED) == "use-after-free"


def test_the_outermost_unlock_ends_the_section() -> None:
    reader = """
    rcu_read_lock()
    rcu_read_lock()
    mine = g.box
    rcu_read_unlock()
    if mine is not None:
        mine.n = 1
    rcu_read_unlock()
    """
    remover = "g.box = None\nsynchronize_rcu()\nkfree(box)"
    assert found(reader, remover, fields=FIELDS, begin=PUBLISHED) == "holds"


@pytest.mark.parametrize(
    "body", ["pause()\nrcu_read_unlock()", "rcu_read_lock()\nrcu_read_unlock()\nrcu_read_unlock()"]
)
def test_an_unlock_too_many(body: str) -> None:
    assert found(body) == "rcu-imbalance"


# --- grace periods


def test_a_grace_period_must_come_after_the_pointer_is_gone() -> None:
    remover = "synchronize_rcu()\ng.box = None\nkfree(box)"
    assert found(READER, remover, fields=FIELDS, begin=PUBLISHED) == "use-after-free"


def test_a_grace_period_does_not_wait_for_later_readers() -> None:
    late = "wait_until(g.a)\nrcu_read_lock()\nwait_until(g.b)\nrcu_read_unlock()"
    waiter = "rcu_gp_begin(me())\ng.a = True\nwait_until(rcu_gp_over())\ng.b = True"
    assert found(late, waiter) == "holds"


def test_a_grace_period_waits_for_a_reader_that_waits_for_it() -> None:
    reader = "rcu_read_lock()\nwait_until(g.b)\nrcu_read_unlock()"
    assert found(reader, "synchronize_rcu()\ng.b = True") == "deadlock"


@pytest.mark.parametrize("wait", ["synchronize_rcu()", "rcu_barrier()"])
@pytest.mark.parametrize("taken", ["rcu_read_lock()", "preempt_disable()", "spin_lock(box.lock)"])
def test_waiting_in_atomic_context(taken: str, wait: str) -> None:
    assert found(f"{taken}\n{wait}", fields="lock: SpinLock") == "sleep-in-atomic"


# --- callbacks


def test_a_callback_runs_once_after_the_readers() -> None:
    free_it = """
    def free_box(head: RcuHead) -> None:
        kfree(container_of(head, Box, Box.rcu))
    """
    remover = "g.box = None\ncall_rcu(box.rcu, free_box)"
    assert found(READER, remover, fields=FIELDS, begin=PUBLISHED, more=free_it) == "holds"


def test_kfree_rcu_frees_after_the_readers() -> None:
    remover = "g.box = None\nkfree_rcu(box, box.rcu)"
    assert found(READER, READER, remover, fields=FIELDS, begin=PUBLISHED) == "holds"


def test_kfree_rcu_does_not_wait_for_those_who_are_no_readers() -> None:
    user = "mine = g.box\nif mine is not None:\n    mine.n = 1"
    remover = "g.box = None\nkfree_rcu(box, box.rcu)"
    assert found(user, remover, fields=FIELDS, begin=PUBLISHED) == "use-after-free"


def test_call_rcu_does_not_wait() -> None:
    body = "call_rcu(box.rcu, count_it)\nassert g.n == 0"
    assert found(body, fields=FIELDS, more=COUNT) == "assertion"
    assert (
        found("rcu_read_lock()\n" + body + "\nrcu_read_unlock()", fields=FIELDS, more=COUNT)
        == "holds"
    )


@pytest.mark.parametrize(
    "body",
    [
        "call_rcu(box.rcu, count_it)\ncall_rcu(box.rcu, count_it)",
        "kfree_rcu(box, box.rcu)\nkfree_rcu(box, box.rcu)",
    ],
)
def test_a_head_that_is_queued_is_not_queued_again(body: str) -> None:
    guarded = f"rcu_read_lock()\n{body}\nrcu_read_unlock()"
    assert found(guarded, fields=FIELDS, more=COUNT) == "double-queue"


def test_a_callback_may_queue_its_own_head_again() -> None:
    body = "call_rcu(box.rcu, first)"
    ends = "@finally_\ndef both() -> bool:\n    return g.n == 1 and g.m == 1"
    assert found(body, fields=FIELDS, more=CHAIN + ends) == "holds"


def test_an_object_with_its_head_queued_is_not_freed() -> None:
    body = "call_rcu(box.rcu, count_it)\nkfree(box)"
    assert found(body, fields=FIELDS, more=COUNT) == "free-while-pending"


def test_a_head_whose_callback_runs_is_not_looked_at_any_more() -> None:
    body = "call_rcu(box.rcu, {0})\nwait_until(not box.rcu.queued)\nkfree(box)"
    assert found(body.format("count_it"), fields=FIELDS, more=COUNT) == "holds"
    touch = """
    def touch(head: RcuHead) -> None:
        head.func = touch
    """
    assert found(body.format("touch"), fields=FIELDS, more=touch) == "use-after-free"


@pytest.mark.parametrize("wait", ["synchronize_rcu()", "mutex_lock(box.mutex)", "rcu_barrier()"])
def test_a_callback_that_sleeps(wait: str) -> None:
    sleepy = f"""
    def sleepy(head: RcuHead) -> None:
        box = container_of(head, Box, Box.rcu)
        {wait}
    """
    fields = FIELDS + "\nmutex: Mutex"
    assert found("call_rcu(box.rcu, sleepy)", fields=fields, more=sleepy) == "sleep-in-atomic"


def test_two_callbacks_run_in_either_order() -> None:
    say = """
    def one(head: RcuHead) -> None:
        g.a = True
        assert not g.b

    def two(head: RcuHead) -> None:
        g.b = True
    """
    body = "call_rcu(box.rcu, one)\ncall_rcu(box.other, two)"
    assert found(body, fields=FIELDS + "\nother: RcuHead", more=say) == "assertion"
    assert (
        found(body, fields=FIELDS + "\nother: RcuHead", more=say.replace("not g.b", "True"))
        == "holds"
    )


# --- barriers


def test_a_barrier_waits_for_the_callbacks_before_it() -> None:
    body = "call_rcu(box.rcu, count_it)\nrcu_barrier()\nassert g.n == 1"
    assert found(body, fields=FIELDS, more=COUNT) == "holds"


def test_a_grace_period_is_no_barrier() -> None:
    body = "call_rcu(box.rcu, count_it)\nsynchronize_rcu()\nassert g.n == 1"
    assert found(body, fields=FIELDS, more=COUNT) == "assertion"


def test_a_barrier_does_not_wait_for_what_those_callbacks_queue() -> None:
    """The shape of a264df74df38, "wait for !root kmem_cache refcnt killing"."""
    body = "call_rcu(box.rcu, first)\nrcu_barrier()\nassert g.n == 1\nassert g.m == 1"
    assert found(body, fields=FIELDS, more=CHAIN) == "assertion"
    twice = "call_rcu(box.rcu, first)\nrcu_barrier()\nrcu_barrier()\nassert g.m == 1"
    assert found(twice, fields=FIELDS, more=CHAIN) == "holds"


def test_a_barrier_without_callbacks_does_not_wait_for_readers() -> None:
    reader = "rcu_read_lock()\nwait_until(g.a)\nrcu_read_unlock()"
    assert found(reader, "rcu_barrier()\ng.a = True") == "holds"
