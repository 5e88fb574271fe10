"""Completions."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "done: Completion\nlock: SpinLock\nn: int"
WAIT = "wait_for_completion(box.done)\nassert box.n == 1"


def test_a_waiter_goes_on_when_it_is_completed() -> None:
    assert found(WAIT, "box.n = 1\ncomplete(box.done)", fields=FIELDS) == "holds"
    assert found(WAIT, "complete(box.done)\nbox.n = 1", fields=FIELDS) == "assertion"


@pytest.mark.parametrize(
    ("times", "verdict"), [("complete(box.done)", "deadlock"), ("complete_all(box.done)", "holds")]
)
def test_each_completion_lets_one_go_on_and_complete_all_lets_all(times: str, verdict: str) -> None:
    wait = "wait_for_completion(box.done)"
    assert found(wait, wait, times, fields=FIELDS) == verdict


def test_two_completions_let_two_go_on() -> None:
    wait = "wait_for_completion(box.done)"
    assert found(wait, wait, lines(*["complete(box.done)"] * 2), fields=FIELDS) == "holds"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("wait_for_completion(box.done)", "deadlock"),
        ("assert not wait_for_completion_timeout(box.done)", "holds"),
        ("complete(box.done)\nassert try_wait_for_completion(box.done)", "holds"),
        ("assert not try_wait_for_completion(box.done)", "holds"),
        ("complete_all(box.done)\nassert try_wait_for_completion(box.done)", "holds"),
        ("complete(box.done)\nassert completion_done(box.done)", "holds"),
        ("complete_all(box.done)\ncomplete(box.done)\nwait_for_completion(box.done)", "holds"),
        ("complete(box.done)\nreinit_completion(box.done)\nWAIT", "deadlock"),
        ("spin_lock(box.lock)\nwait_for_completion(box.done)", "sleep-in-atomic"),
        ("rcu_read_lock()\nwait_for_completion_timeout(box.done)", "sleep-in-atomic"),
    ],
)
def test_one_process(body: str, verdict: str) -> None:
    assert found(body.replace("WAIT", "wait_for_completion(box.done)"), fields=FIELDS) == verdict


def test_no_more_completions_than_are_counted() -> None:
    body = "for i in range({0}):\n    complete(box.done)"
    assert found(body.format(254), fields=FIELDS) == "holds"
    assert found(body.format(255), fields=FIELDS) == "range"


def test_initialising_it_again_forgets_who_waits() -> None:
    again = "init_completion(box.done)\ncomplete(box.done)"
    assert found("wait_for_completion(box.done)", again, fields=FIELDS) == "lost-waiter"
    assert found("pause()", again, fields=FIELDS) == "holds"


def test_taking_it_back_from_a_waiter() -> None:
    again = "complete_all(box.done)\nreinit_completion(box.done)"
    assert found("wait_for_completion(box.done)", again, fields=FIELDS) == "deadlock"


def test_freeing_it_under_a_waiter() -> None:
    wait = "wait_for_completion(box.done)\ng.a = True"
    free = "complete(box.done)\n{0}kfree(box)"
    assert found(wait, free.format(""), fields=FIELDS) == "free-while-waited"
    assert found(wait, free.format("wait_until(g.a)\n"), fields=FIELDS) == "holds"


@pytest.mark.parametrize(
    ("wait", "verdict"),
    [
        ("wait_for_completion(box.done)", "holds"),
        ("wait_for_completion_timeout(box.done)", "use-after-free"),
    ],
)
def test_the_waiter_frees_it_unless_it_may_still_be_completed(wait: str, verdict: str) -> None:
    assert found(f"{wait}\nkfree(box)", "complete(box.done)", fields=FIELDS) == verdict
