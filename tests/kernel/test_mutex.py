"""Mutexes."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

ADD = "mutex_lock(box.mutex)\nn = g.n\ng.n = n + 1\nmutex_unlock(box.mutex)"
TWO = "@finally_\ndef two() -> bool:\n    return g.n == 2"


def test_one_holder_at_a_time() -> None:
    assert found(ADD, ADD, fields="mutex: Mutex", more=TWO) == "holds"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("mutex_lock(box.mutex)\nmutex_lock(box.mutex)", "self-deadlock"),
        ("mutex_unlock(box.mutex)", "lock-misuse"),
        ("mutex_lock(box.mutex)\nmutex_unlock(box.mutex)\nmutex_unlock(box.mutex)", "lock-misuse"),
        ("mutex_lock(box.mutex)", "lock-misuse"),
        ("mutex_lock(box.mutex)\nkfree(box)", "free-while-held"),
        ("mutex_lock(box.mutex)\nmutex_unlock(box.mutex)\nkfree(box)", "holds"),
        ("rcu_read_lock()\nmutex_lock(box.mutex)", "sleep-in-atomic"),
        ("spin_lock(box.lock)\nmutex_lock(box.mutex)", "sleep-in-atomic"),
        ("kfree(box)\nmutex_lock(box.mutex)", "use-after-free"),
        (
            lines(
                "rcu_read_lock()",
                "assert mutex_trylock(box.mutex)",
                "rcu_read_unlock()",
                "mutex_unlock(box.mutex)",
            ),
            "holds",
        ),
    ],
)
def test_misuse_by_one(body: str, verdict: str) -> None:
    assert found(body, fields="mutex: Mutex\nlock: SpinLock") == verdict


def test_unlocking_what_another_has_locked() -> None:
    locker = "mutex_lock(box.mutex)\ng.a = True\nmutex_unlock(box.mutex)"
    other = "wait_until(g.a)\nmutex_unlock(box.mutex)"
    assert found(locker, other, fields="mutex: Mutex") == "lock-misuse"


def test_a_trylock_that_fails_is_not_to_be_ignored() -> None:
    careful = "taken = mutex_trylock(box.mutex)\nif taken:\n    mutex_unlock(box.mutex)"
    careless = "mutex_trylock(box.mutex)\nmutex_unlock(box.mutex)"
    assert found(ADD, careful, fields="mutex: Mutex") == "holds"
    assert found(ADD, careless, fields="mutex: Mutex") == "lock-misuse"


def test_the_holder_may_sleep_and_holds_up_no_grace_period() -> None:
    body = "mutex_lock(box.mutex)\nsynchronize_rcu()\nmutex_unlock(box.mutex)"
    assert found(body, body, fields="mutex: Mutex") == "holds"


def test_two_mutexes_in_either_order() -> None:
    body = "mutex_lock(box.{0})\nmutex_lock(box.{1})\nmutex_unlock(box.{1})\nmutex_unlock(box.{0})"
    fields = "one: Mutex\ntwo: Mutex"
    assert found(body.format("one", "two"), body.format("two", "one"), fields=fields) == "deadlock"
    assert found(body.format("one", "two"), body.format("one", "two"), fields=fields) == "holds"
