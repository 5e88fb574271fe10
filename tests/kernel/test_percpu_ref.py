"""Percpu references: what is noticed in which mode, who runs release(), the switch."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "ref: PercpuRef\nn: int\nlock: SpinLock\nmutex: Mutex"
BEGIN = "percpu_ref_init(box.ref, release)"
RELEASE = "def release(ref: PercpuRef) -> None:\n    g.n += 1"
CONFIRM = "def confirm(ref: PercpuRef) -> None:\n    g.m += 1"
KILL = "percpu_ref_kill(box.ref)"
SWITCHED = "wait_until(box.ref.mode == RefMode.ATOMIC)"
GET = "percpu_ref_get(box.ref)"
PUT = "percpu_ref_put(box.ref)"


def refs(*bodies: str, final: str = "True", release: str = RELEASE, begin: str = BEGIN) -> str:
    """Verify bodies that work on a ref; `final` holds when all is done."""
    law = f"@finally_\ndef final() -> bool:\n    return {final}"
    return found(*bodies, fields=FIELDS, begin=begin, more=f"{release}\n{CONFIRM}\n{law}")


# --- modes


@pytest.mark.parametrize(
    ("body", "final"),
    [
        # zero is not noticed in percpu mode, nor before the switch is over
        (lines(PUT, "assert not percpu_ref_is_zero(box.ref)", GET), "g.n == 0"),
        (lines(GET, PUT), "g.n == 0"),
        (lines("rcu_read_lock()", KILL, PUT, GET, "rcu_read_unlock()"), "g.n == 1"),
        # the last put runs release(), once
        (lines(KILL), "g.n == 1"),
        (lines(GET, KILL), "g.n == 0"),
        (lines(GET, KILL, PUT), "g.n == 1"),
        (lines(GET, KILL, SWITCHED, "assert g.n == 0", PUT, "assert g.n == 1"), "g.n == 1"),
        (lines("percpu_ref_get_many(box.ref, 3)", KILL, "percpu_ref_put_many(box.ref, 3)"),
         "g.n == 1"),
        (lines("percpu_ref_get_many(box.ref, 3)", KILL, "percpu_ref_put_many(box.ref, 2)"),
         "g.n == 0"),
        # the confirmation comes after the switch, and before the switch's reference is dropped
        ("percpu_ref_kill_and_confirm(box.ref, confirm)", "g.n == 1 and g.m == 1"),
    ],
)  # fmt: skip
def test_who_notices_zero(body: str, final: str) -> None:
    assert refs(body, final=final) == "holds"
    assert refs(body, final=f"not ({final})") == "final"


def test_one_of_those_who_put_runs_release() -> None:
    user = lines("wait_until(g.a)", PUT)
    killer = lines("percpu_ref_get_many(box.ref, 2)", "g.a = True", KILL)
    assert refs(user, user, killer, final="g.n == 1") == "holds"


def test_release_runs_in_any_context() -> None:
    in_softirq = """
def release(ref: PercpuRef) -> None:
    assert mine(current).preempt_count == 0
"""
    assert refs(lines(GET, KILL, SWITCHED, PUT), release=in_softirq) == "holds"
    assert refs(lines(GET, KILL, PUT), release=in_softirq) == "assertion"


def test_no_count_is_lost_between_the_modes() -> None:
    user = lines("got = percpu_ref_tryget(box.ref)", "if got:", "    assert g.n == 0", f"    {PUT}")
    assert refs(user, user, KILL, final="g.n == 1") == "holds"


# --- tryget


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("assert percpu_ref_tryget(box.ref)", "holds"),
        ("assert percpu_ref_tryget_live(box.ref)", "holds"),
        (lines(GET, KILL, SWITCHED, "assert percpu_ref_tryget(box.ref)"), "holds"),
        (lines(KILL, SWITCHED, "assert not percpu_ref_tryget(box.ref)"), "holds"),
        (lines(GET, KILL, SWITCHED, "assert not percpu_ref_tryget_live(box.ref)"), "holds"),
        # until the switch both may be, also in a section that begins after the kill
        (lines(KILL, "assert not percpu_ref_tryget_live(box.ref)"), "assertion"),
        (lines("rcu_read_lock()", KILL, "assert percpu_ref_tryget_live(box.ref)",
               "rcu_read_unlock()"), "assertion"),
        (lines("rcu_read_lock()", KILL, "assert not percpu_ref_tryget_live(box.ref)",
               "rcu_read_unlock()"), "assertion"),
        (lines(GET, "rcu_read_lock()", KILL, "assert percpu_ref_is_dying(box.ref)",
               "rcu_read_unlock()"), "holds"),
        ("assert not percpu_ref_is_dying(box.ref)", "holds"),
    ],
)  # fmt: skip
def test_tryget(body: str, verdict: str) -> None:
    assert refs(body) == verdict


QUIET = """
def quiet(ref: PercpuRef) -> None:
    box = container_of(ref, Box, Box.ref)
    assert box.n == 0
    assert not percpu_ref_tryget_live(ref)
"""


def test_a_kill_that_is_not_confirmed_need_not_be_seen() -> None:
    user = "if g.a:\n    assert not percpu_ref_tryget_live(box.ref)"
    assert refs(user, lines(KILL, "g.a = True")) == "assertion"
    assert refs(user, lines(KILL, SWITCHED, "g.a = True")) == "holds"


def test_who_got_it_live_in_a_section_is_through_when_the_kill_is_confirmed() -> None:
    user = """
    rcu_read_lock()
    if percpu_ref_tryget_live(box.ref):
        fetch_add(box.n, 1)
        fetch_add(box.n, -1)
        percpu_ref_put(box.ref)
    rcu_read_unlock()
    """
    kill = "percpu_ref_kill_and_confirm(box.ref, quiet)"
    assert refs(user, user, kill, release=RELEASE + QUIET) == "holds"
    asleep = user.replace("rcu_read_lock()", "pause()").replace("rcu_read_unlock()", "pause()")
    assert refs(asleep, kill, release=RELEASE + QUIET) == "assertion"


def test_a_reader_that_waits_for_the_switch_waits_for_ever() -> None:
    assert refs(lines("rcu_read_lock()", KILL, SWITCHED)) == "deadlock"


# --- release runs where the last put is


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        ("mutex_lock(box.mutex)", "sleep-in-atomic"),
        ("synchronize_rcu()", "sleep-in-atomic"),
        ("spin_lock(box.lock)", "self-deadlock"),
        ("assert spin_is_mine(box.lock)", "assertion"),
        ("g.n += 1", "holds"),
    ],
)
def test_release_has_the_putters_locks(inside: str, verdict: str) -> None:
    release = f"""
def release(ref: PercpuRef) -> None:
    box = container_of(ref, Box, Box.ref)
    {inside}
"""
    body = lines(GET, KILL, "spin_lock(box.lock)", PUT, "spin_unlock(box.lock)")
    assert refs(body, release=release) == verdict


def test_release_may_free_the_object() -> None:
    release = """
def release(ref: PercpuRef) -> None:
    percpu_ref_exit(ref)
    kfree(container_of(ref, Box, Box.ref))
"""
    assert refs(KILL, release=release) == "holds"
    assert refs(lines(GET, KILL, PUT), release=release) == "holds"


# --- misuse


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (lines(KILL, KILL), "double-kill"),
        (lines(GET, KILL, SWITCHED, KILL), "double-kill"),
        (lines(PUT, PUT), "ref-underflow"),
        (lines(KILL, SWITCHED, PUT), "ref-underflow"),
        # one put too many is not noticed before the switch
        (lines(PUT, GET, KILL), "holds"),
        (lines(PUT, KILL), "ref-underflow"),
        (lines(KILL, SWITCHED, GET), "ref-resurrect"),
        (lines(GET, KILL, SWITCHED, GET), "holds"),
        # exit
        ("percpu_ref_exit(box.ref)", "holds"),
        (lines("percpu_ref_exit(box.ref)", "kfree(box)"), "holds"),
        (lines("percpu_ref_exit(box.ref)", "percpu_ref_exit(box.ref)"), "use-after-exit"),
        (lines("percpu_ref_exit(box.ref)", PUT), "use-after-exit"),
        (lines("percpu_ref_exit(box.ref)", KILL), "use-after-exit"),
        (lines(GET, "percpu_ref_exit(box.ref)"), "free-while-referenced"),
        (lines(GET, KILL, SWITCHED, "percpu_ref_exit(box.ref)"), "free-while-referenced"),
        (lines(KILL, SWITCHED, "wait_until(box.ref.count == 0)", "percpu_ref_exit(box.ref)",
               "kfree(box)"), "holds"),
        (lines(KILL, "percpu_ref_exit(box.ref)"), "exit-while-switching"),
        (lines(KILL, "rcu_barrier()", "percpu_ref_exit(box.ref)", "kfree(box)"), "holds"),
        # freed
        ("kfree(box)", "ref-leak"),
        (lines(KILL, "kfree(box)"), "ref-leak"),
    ],
)  # fmt: skip
def test_misuse(body: str, verdict: str) -> None:
    assert refs(body) == verdict


def test_a_ref_is_initialised_before_it_is_used() -> None:
    assert refs(GET, begin="g.a = True") == "use-after-exit"


def test_an_object_with_its_switch_pending_is_not_freed() -> None:
    """What free-while-pending of the rcu_head says where nobody asks for percpu_ref_exit()."""
    body = lines(KILL, "box.ref.mode = RefMode.EXITED", "kfree(box)")
    assert refs(body) == "free-while-pending"
