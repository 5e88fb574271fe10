"""Wait queues."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

FIELDS = "wq: WaitQueueHead\nready: bool\nlock: SpinLock"
READY = "def is_ready(box: Box) -> bool:\n    return box.ready"
WAIT = "wait_event(box.wq, is_ready, box)\nassert box.ready"


def waits(*bodies: str) -> str:
    """Verify bodies that may wait for the box to be ready."""
    return found(*bodies, fields=FIELDS, more=READY)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        ("box.ready = True\nwake_up(box.wq)", "holds"),
        ("box.ready = True", "deadlock"),
        ("wake_up(box.wq)\nbox.ready = True", "deadlock"),
        ("box.ready = True\nif waitqueue_active(box.wq):\n    wake_up(box.wq)", "holds"),
        ("wake_up(box.wq)\nwake_up(box.wq)\nbox.ready = True\nwake_up(box.wq)", "holds"),
    ],
)
def test_a_waiter_sleeps_until_it_is_woken(other: str, verdict: str) -> None:
    assert waits(WAIT, other) == verdict


def test_all_waiters_are_woken() -> None:
    assert waits(WAIT, WAIT, "box.ready = True\nwake_up(box.wq)") == "holds"


def test_a_loop_of_ones_own_has_to_look_again_before_it_sleeps() -> None:
    first = (
        "if not box.ready:\n    prepare_to_wait(box.wq)\n    schedule()\n    finish_wait(box.wq)"
    )
    assert waits(first, "box.ready = True\nwake_up(box.wq)") == "deadlock"


def test_waiting_in_atomic_context() -> None:
    assert waits(f"box.ready = True\nspin_lock(box.lock)\n{WAIT}") == "sleep-in-atomic"


def test_freeing_a_queue_with_a_waiter_on_it() -> None:
    free = "box.ready = True\nwake_up(box.wq)\n{0}kfree(box)"
    wait = "wait_event(box.wq, is_ready, box)\ng.a = True"
    queued = "prepare_to_wait(box.wq)\ng.b = True\nfinish_wait(box.wq)"
    assert waits(queued, "wait_until(g.b)\nkfree(box)") == "free-while-waited"
    assert waits(wait, free.format("wait_until(g.a)\n")) == "holds"
