"""Spinning readers/writer locks."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "lock: RwLock\nother: RwLock\nn: int"
WRITE = "write_lock(box.lock)\nn = box.n\nbox.n = n + 1\nwrite_unlock(box.lock)"
READ = "read_lock(box.lock)\nn = box.n\nassert n == box.n\nread_unlock(box.lock)"
TWO = "@finally_\ndef two() -> bool:\n    return all(box.n == 2 for box in alive(Box))"


def test_a_writer_is_alone() -> None:
    assert found(WRITE, WRITE, fields=FIELDS, more=TWO) == "holds"
    assert found(WRITE, READ, fields=FIELDS) == "holds"
    assert found("box.n = 1", READ, fields=FIELDS) == "assertion"


def test_readers_are_not_alone() -> None:
    body = "read_lock(box.lock)\nfetch_add(box.n, 1)\nwait_until(box.n == 2)\nread_unlock(box.lock)"
    assert found(body, body, fields=FIELDS) == "holds"


def test_readers_wait_for_a_writer_that_waits() -> None:
    reader = "read_lock(box.lock)\ng.a = True\nwait_until(g.b)\nread_unlock(box.lock)"
    second = "wait_until(g.a)\nread_lock(box.lock)\nread_unlock(box.lock)\ng.b = True"
    assert found(reader, second, fields=FIELDS) == "holds"
    assert found(reader, second, WRITE, fields=FIELDS) == "deadlock"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("read_lock(box.lock)\nread_lock(box.lock)", "self-deadlock"),
        ("read_lock(box.lock)\nwrite_lock(box.lock)", "self-deadlock"),
        ("write_lock(box.lock)\nread_lock(box.lock)", "self-deadlock"),
        ("write_lock(box.lock)\nwrite_lock(box.lock)", "self-deadlock"),
        ("read_unlock(box.lock)", "lock-misuse"),
        ("write_unlock(box.lock)", "lock-misuse"),
        ("read_lock(box.lock)\nwrite_unlock(box.lock)", "lock-misuse"),
        ("write_lock(box.lock)\nread_unlock(box.lock)", "lock-misuse"),
        ("read_lock(box.lock)", "lock-misuse"),
        ("write_lock(box.lock)", "lock-misuse"),
        ("read_lock(box.lock)\nkfree(box)", "free-while-held"),
        ("write_lock(box.lock)\nkfree(box)", "free-while-held"),
        ("read_lock(box.lock)\nmight_sleep()", "sleep-in-atomic"),
        ("write_lock(box.lock)\nmight_sleep()", "sleep-in-atomic"),
        ("read_lock_unfair(box.lock)\nread_lock_unfair(box.lock)", "self-deadlock"),
        (
            lines(
                "assert read_trylock(box.lock)",
                "assert not write_trylock(box.lock)",
                "read_unlock(box.lock)",
            ),
            "holds",
        ),
        (
            lines(
                "assert write_trylock(box.lock)",
                "assert not read_trylock(box.lock)",
                "write_unlock(box.lock)",
            ),
            "holds",
        ),
        ("write_lock(box.lock)\nassert rwlock_is_mine(box.lock)\nwrite_unlock(box.lock)", "holds"),
    ],
)
def test_one_process(body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS) == verdict


def test_a_reader_in_an_interrupt_does_not_wait_for_a_writer_that_waits() -> None:
    reader = "read_lock(box.lock)\ng.a = True\nwait_until(g.b)\nread_unlock(box.lock)"
    second = "wait_until(g.a)\nread_lock_unfair(box.lock)\nread_unlock(box.lock)\ng.b = True"
    assert found(reader, second, WRITE, fields=FIELDS) == "holds"
