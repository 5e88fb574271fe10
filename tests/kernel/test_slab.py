"""Memory: allocations that may fail, uninitialised memory, lifetimes."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FREE = "if t:\n    kfree(t)"
THING = "class Thing(Object, limit=2):\n    n: int\n    lock: SpinLock"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        # they may fail
        ("t = kzalloc(Thing, Gfp.KERNEL)\nt.n = 1\nkfree(t)", "null-deref"),
        ("t = kmalloc(Thing, Gfp.KERNEL)\nt.n = 1\nkfree(t)", "null-deref"),
        ("t = kzalloc(Thing, Gfp.KERNEL)\nif t is not None:\n    t.n = 1\n    kfree(t)", "holds"),
        # kmalloc() does not zero
        (
            "t = kmalloc(Thing, Gfp.KERNEL)\nif t:\n    assert t.n == 0\n    kfree(t)",
            "uninitialised-read",
        ),
        (
            "t = kmalloc(Thing, Gfp.KERNEL)\nif t:\n    t.n = 1\n    assert t.n == 1\n    kfree(t)",
            "holds",
        ),
        ("t = kzalloc(Thing, Gfp.KERNEL)\nif t:\n    assert t.n == 0\n    kfree(t)", "holds"),
        # where one may sleep
        ("rcu_read_lock()\nkzalloc(Thing, Gfp.KERNEL)", "sleep-in-atomic"),
        ("rcu_read_lock()\nkmalloc(Thing, Gfp.KERNEL)", "sleep-in-atomic"),
        (
            lines("rcu_read_lock()", "t = kzalloc(Thing, Gfp.NOWAIT)", "rcu_read_unlock()", FREE),
            "holds",
        ),
        ("rcu_read_lock()\nkzalloc(Thing, GFP_KERNEL)", "sleep-in-atomic"),
        (
            lines("rcu_read_lock()", "t = kzalloc(Thing, GFP_ATOMIC)", "rcu_read_unlock()", FREE),
            "holds",
        ),
        (
            lines("rcu_read_lock()", "t = kmalloc(Thing, GFP_NOWAIT)", "rcu_read_unlock()", FREE),
            "holds",
        ),
        # lifetimes
        ("kfree(box)\nkfree(box)", "double-free"),
        ("kfree(box)\nbox.n = 1", "use-after-free"),
        ("t = kzalloc(Thing, Gfp.KERNEL)", "leak"),
        ("t = kzalloc(Thing, Gfp.KERNEL)\ng.thing = t", "holds"),
        (
            "t = kzalloc(Thing, Gfp.KERNEL)\nif t:\n    spin_lock(t.lock)\n    kfree(t)",
            "free-while-held",
        ),
    ],
)
def test_by_one(body: str, verdict: str) -> None:
    more = THING + "\nclass Root(Object):\n    thing: Ref[Thing]\nroot = Root()"
    body = body.replace("g.thing", "root.thing")
    assert found(body, fields="n: int", more=more) == verdict


def test_an_old_pointer_to_a_reused_slot_is_found() -> None:
    body = """
    old = kzalloc(Thing, Gfp.KERNEL)
    if old is not None:
        kfree(old)
        new = kzalloc(Thing, Gfp.KERNEL)
        if new is not None:
            old.n = 1
            kfree(new)
    """
    assert found(body, more=THING.replace("limit=2", "limit=1")) == "use-after-free"


def test_a_pool_that_is_too_small_is_said() -> None:
    body = lines(
        "a = kzalloc(Thing, Gfp.KERNEL)",
        "b = kzalloc(Thing, Gfp.KERNEL)",
        "if a:",
        "    kfree(a)",
        "if b:",
        "    kfree(b)",
    )
    assert found(body, more=THING) == "holds"
    assert found(body, more=THING.replace("limit=2", "limit=1")).startswith(
        "unknown: bound reached"
    )


INNER = """
class Inner(Object, limit=1):
    n: int
class Outer(Object, limit=1):
    inner: Inner
    rcu: RcuHead
"""
OUTER = "t = kzalloc(Outer, Gfp.KERNEL)\nif t:\n    {0}"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        # a pointer into an object is none that an allocation returned
        (OUTER.format("kfree(t.inner)"), "bad-free"),
        (OUTER.format("kfree(t)"), "holds"),
        (OUTER.format("kfree(container_of(t.inner, Outer, Outer.inner))"), "holds"),
        # an object of the same class that is in no other is freed as any
        ("t = kzalloc(Inner, Gfp.KERNEL)\nif t:\n    kfree(t)", "holds"),
        # RCU frees the object of a head by the head
        (OUTER.format("kfree_rcu(t, t.rcu)"), "holds"),
        ("kfree(g)", "bad-free"),
    ],
)
def test_what_is_freed_is_what_was_allocated(body: str, verdict: str) -> None:
    assert found(body, more=INNER) == verdict


@pytest.mark.parametrize(
    ("free", "verdict"),
    [
        ("kfree(t)", "holds"),
        ("if t:\n    kfree(t)", "holds"),
        ("free(t)", "null-deref"),
        ("kfree_rcu(t, t.rcu)", "null-deref"),
    ],
)
def test_kfree_passes_over_null(free: str, verdict: str) -> None:
    assert found(f"t = kzalloc(Outer, Gfp.KERNEL)\n{free}", more=INNER) == verdict
