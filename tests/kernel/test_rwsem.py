"""Sleeping readers/writer locks."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "lock: RwSemaphore\nother: RwSemaphore\nn: int"
WRITE = "down_write(box.lock)\nn = box.n\nbox.n = n + 1\nup_write(box.lock)"
READ = "down_read(box.lock)\nn = box.n\nassert n == box.n\nup_read(box.lock)"
TWO = "@finally_\ndef two() -> bool:\n    return all(box.n == 2 for box in alive(Box))"


def test_a_writer_is_alone() -> None:
    assert found(WRITE, WRITE, fields=FIELDS, more=TWO) == "holds"
    assert found(WRITE, READ, fields=FIELDS) == "holds"
    assert found("box.n = 1", READ, fields=FIELDS) == "assertion"


def test_readers_are_not_alone() -> None:
    body = "down_read(box.lock)\nfetch_add(box.n, 1)\nwait_until(box.n == 2)\nup_read(box.lock)"
    assert found(body, body, fields=FIELDS) == "holds"


def test_readers_wait_for_a_writer_that_waits() -> None:
    reader = "down_read(box.lock)\ng.a = True\nwait_until(g.b)\nup_read(box.lock)"
    second = "wait_until(g.a)\ndown_read(box.lock)\nup_read(box.lock)\ng.b = True"
    assert found(reader, second, fields=FIELDS) == "holds"
    assert found(reader, second, WRITE, fields=FIELDS) == "deadlock"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("down_read(box.lock)\ndown_read(box.lock)", "self-deadlock"),
        ("down_read(box.lock)\ndown_write(box.lock)", "self-deadlock"),
        ("down_write(box.lock)\ndown_read(box.lock)", "self-deadlock"),
        ("down_write(box.lock)\ndown_write(box.lock)", "self-deadlock"),
        ("up_read(box.lock)", "lock-misuse"),
        ("up_write(box.lock)", "lock-misuse"),
        ("down_read(box.lock)\nup_write(box.lock)", "lock-misuse"),
        ("down_write(box.lock)\nup_read(box.lock)", "lock-misuse"),
        ("down_read(box.lock)", "lock-misuse"),
        ("down_write(box.lock)", "lock-misuse"),
        ("down_read(box.lock)\nkfree(box)", "free-while-held"),
        ("down_write(box.lock)\nkfree(box)", "free-while-held"),
        ("down_read(box.lock)\nmight_sleep()\nup_read(box.lock)", "holds"),
        ("rcu_read_lock()\ndown_read(box.lock)", "sleep-in-atomic"),
        ("rcu_read_lock()\ndown_write(box.lock)", "sleep-in-atomic"),
        ("down_write(box.lock)\ndowngrade_write(box.lock)\nup_read(box.lock)", "holds"),
        ("down_read(box.lock)\ndowngrade_write(box.lock)", "lock-misuse"),
        (
            lines(
                "assert down_read_trylock(box.lock)",
                "assert not down_write_trylock(box.lock)",
                "up_read(box.lock)",
            ),
            "holds",
        ),
        (
            lines(
                "assert down_write_trylock(box.lock)",
                "assert not down_read_trylock(box.lock)",
                "up_write(box.lock)",
            ),
            "holds",
        ),
        ("down_write(box.lock)\nassert rwsem_is_mine(box.lock)\nup_write(box.lock)", "holds"),
    ],
)
def test_one_process(body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS) == verdict


def test_nobody_writes_between_a_writer_and_what_it_becomes() -> None:
    body = """
    down_write(box.lock)
    box.n += 1
    n = box.n
    downgrade_write(box.lock)
    assert box.n == n
    up_read(box.lock)
    """
    assert found(body, WRITE, fields=FIELDS, more=TWO) == "holds"
