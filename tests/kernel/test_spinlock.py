"""Spinlocks."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

ADD = "spin_lock(box.lock)\nn = g.n\ng.n = n + 1\nspin_unlock(box.lock)"
TWO = "@finally_\ndef two() -> bool:\n    return g.n == 2"


def test_one_holder_at_a_time() -> None:
    assert found(ADD, ADD, fields="lock: SpinLock", more=TWO) == "holds"


def test_without_it_an_update_is_lost() -> None:
    assert found("n = g.n\ng.n = n + 1", "n = g.n\ng.n = n + 1", more=TWO) == "two"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("spin_lock(box.lock)\nspin_lock(box.lock)", "self-deadlock"),
        ("spin_unlock(box.lock)", "lock-misuse"),
        ("spin_lock(box.lock)\nspin_unlock(box.lock)\nspin_unlock(box.lock)", "lock-misuse"),
        ("spin_lock(box.lock)", "lock-misuse"),
        ("spin_lock(box.lock)\nkfree(box)", "free-while-held"),
        ("spin_lock(box.lock)\nspin_unlock(box.lock)\nkfree(box)", "holds"),
        ("spin_lock(box.lock)\nsynchronize_rcu()", "sleep-in-atomic"),
        ("kfree(box)\nspin_lock(box.lock)", "use-after-free"),
        ("spin_trylock(box.lock)\nspin_unlock(box.lock)", "holds"),
    ],
)
def test_misuse_by_one(body: str, verdict: str) -> None:
    assert found(body, fields="lock: SpinLock") == verdict


def test_unlocking_what_another_has_locked() -> None:
    locker = "spin_lock(box.lock)\ng.a = True\nspin_unlock(box.lock)"
    other = "wait_until(g.a)\nspin_unlock(box.lock)"
    assert found(locker, other, fields="lock: SpinLock") == "lock-misuse"


def test_freeing_what_another_has_locked() -> None:
    locker = "spin_lock(box.lock)\nspin_unlock(box.lock)\ng.a = True"
    assert found(locker, "kfree(box)", fields="lock: SpinLock") == "free-while-held"
    assert found(locker, "wait_until(g.a)\nkfree(box)", fields="lock: SpinLock") == "holds"


def test_a_trylock_that_fails_is_not_to_be_ignored() -> None:
    careful = "taken = spin_trylock(box.lock)\nif taken:\n    spin_unlock(box.lock)"
    careless = "spin_trylock(box.lock)\nspin_unlock(box.lock)"
    assert found(ADD, careful, fields="lock: SpinLock") == "holds"
    assert found(ADD, careless, fields="lock: SpinLock") == "lock-misuse"


def test_two_locks_in_either_order() -> None:
    body = "spin_lock(box.{0})\nspin_lock(box.{1})\nspin_unlock(box.{1})\nspin_unlock(box.{0})"
    fields = "one: SpinLock\ntwo: SpinLock"
    assert found(body.format("one", "two"), body.format("two", "one"), fields=fields) == "deadlock"
    assert found(body.format("one", "two"), body.format("one", "two"), fields=fields) == "holds"


def test_grace_periods_wait_for_the_holder() -> None:
    user = """
    spin_lock(g_lock)
    mine = g.box
    if mine is not None:
        mine.n = 1
    spin_unlock(g_lock)
    """
    remover = "g.box = None\nsynchronize_rcu()\nkfree(box)"
    lock = "g_lock = SpinLock()"
    assert found(user, remover, fields="n: int", begin="g.box = box", more=lock) == "holds"


def test_it_knows_its_holder() -> None:
    body = """
    spin_lock(box.lock)
    assert spin_is_mine(box.lock)
    spin_unlock(box.lock)
    assert not spin_is_mine(box.lock)
    """
    assert found(body, body, fields="lock: SpinLock") == "holds"
