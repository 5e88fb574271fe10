"""What a process may do now, and what it must have given back when it ends."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("might_sleep()", "holds"),
        ("rcu_read_lock()\nmight_sleep()", "sleep-in-atomic"),
        ("preempt_disable()\nmight_sleep()", "sleep-in-atomic"),
        ("spin_lock(box.lock)\nmight_sleep()", "sleep-in-atomic"),
        ("mutex_lock(box.mutex)\nmight_sleep()\nmutex_unlock(box.mutex)", "holds"),
        ("rcu_read_lock()\nrcu_read_unlock()\nmight_sleep()", "holds"),
    ],
)
def test_who_may_sleep(body: str, verdict: str) -> None:
    assert found(body, fields="lock: SpinLock\nmutex: Mutex") == verdict


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("rcu_read_lock()", "rcu-imbalance"),
        ("rcu_read_lock()\nrcu_read_lock()\nrcu_read_unlock()", "rcu-imbalance"),
        ("preempt_disable()", "lock-misuse"),
        ("spin_lock(box.lock)", "lock-misuse"),
        ("mutex_lock(box.mutex)", "lock-misuse"),
    ],
)
def test_a_process_gives_back_what_it_has_before_it_ends(body: str, verdict: str) -> None:
    assert found(body, fields="lock: SpinLock\nmutex: Mutex") == verdict


@pytest.mark.parametrize(
    ("taken", "given_back", "atomic"),
    [
        ("pause()", "pause()", False),
        ("rcu_read_lock()", "rcu_read_unlock()", True),
        ("preempt_disable()", "preempt_enable()", True),
        ("spin_lock(box.lock)", "spin_unlock(box.lock)", True),
        ("mutex_lock(box.mutex)", "mutex_unlock(box.mutex)", False),
    ],
)
def test_in_atomic_tells(taken: str, given_back: str, atomic: bool) -> None:
    body = f"{taken}\nassert in_atomic() == {atomic}\n{given_back}\nassert not in_atomic()"
    assert found(body, fields="lock: SpinLock\nmutex: Mutex") == "holds"


@pytest.mark.parametrize(
    ("taken", "given_back"),
    [("rcu_read_lock()", "rcu_read_unlock()"), ("preempt_disable()", "preempt_enable()")],
)
@pytest.mark.parametrize(("depth", "verdict"), [(255, "holds"), (256, "range")])
def test_nesting_goes_far_beyond_what_small_specs_need(
    taken: str, given_back: str, depth: int, verdict: str
) -> None:
    body = f"for i in range({depth}):\n    {taken}\nfor i in range({depth}):\n    {given_back}"
    assert found(body) == verdict
