"""Sleep and wake-up of one task."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

SLEEP = "set_current_state(TaskState.UNINTERRUPTIBLE)"
WAKE = "g.a = True\nif g.c:\n    wake_up_process(sleeper.task)"
FIRST = "class Sleepy(Object):\n    task: Process\nsleeper = Sleepy()"


def waits(body: str) -> str:
    """Verify a process that sleeps until `g.a`, which another one sets and wakes it."""
    return found(f"sleeper.task = me()\ng.c = True\n{body}", f"wait_until(g.c)\n{WAKE}", more=FIRST)


def test_one_who_looks_between_the_two_is_woken() -> None:
    careful = f"{SLEEP}\nif not g.a:\n    schedule()\nset_current_state(TaskState.RUNNING)"
    assert waits(careful) == "holds"


def test_a_wake_up_that_comes_too_early_is_lost() -> None:
    careless = f"if not g.a:\n    {SLEEP}\n    schedule()"
    assert waits(careless) == "deadlock"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("schedule()", "holds"),
        (f"{SLEEP}\nschedule()", "deadlock"),
        (f"{SLEEP}\nassert wake_up_process(me())\nschedule()", "holds"),
        ("assert not wake_up_process(me())", "holds"),
        ("rcu_read_lock()\nschedule()", "sleep-in-atomic"),
    ],
)
def test_one_task(body: str, verdict: str) -> None:
    assert found(body) == verdict
