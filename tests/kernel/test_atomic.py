"""Atomic counters."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("atomic_set(box.v, 7)", 7),
        ("atomic_add(3, box.v)", 8),
        ("atomic_sub(3, box.v)", 2),
        ("atomic_inc(box.v)", 6),
        ("atomic_dec(box.v)", 4),
        ("assert atomic_add_return(3, box.v) == 8", 8),
        ("assert atomic_sub_return(3, box.v) == 2", 2),
        ("assert atomic_inc_return(box.v) == 6", 6),
        ("assert atomic_dec_return(box.v) == 4", 4),
        ("assert atomic_fetch_add(3, box.v) == 5", 8),
        ("assert atomic_xchg(box.v, 9) == 5", 9),
        ("assert atomic_cmpxchg(box.v, 5, 1) == 5", 1),
        ("assert atomic_cmpxchg(box.v, 4, 1) == 5", 5),
        ("assert atomic_sub_and_test(5, box.v)", 0),
        ("assert not atomic_sub_and_test(4, box.v)", 1),
        ("atomic_set(box.v, 1)\nassert atomic_dec_and_test(box.v)", 0),
        ("assert not atomic_dec_and_test(box.v)", 4),
        ("atomic_set(box.v, -1)\nassert atomic_inc_and_test(box.v)", 0),
        ("assert not atomic_inc_and_test(box.v)", 6),
        ("assert atomic_add_unless(box.v, 2, 4)", 7),
        ("assert not atomic_add_unless(box.v, 2, 5)", 5),
        ("assert atomic_inc_not_zero(box.v)", 6),
        ("atomic_set(box.v, 0)\nassert not atomic_inc_not_zero(box.v)", 0),
        ("assert atomic_dec_if_positive(box.v) == 4", 4),
        ("atomic_set(box.v, 0)\nassert atomic_dec_if_positive(box.v) == -1", 0),
    ],
)
def test_alone(body: str, value: int) -> None:
    text = f"{body}\nassert atomic_read(box.v) == {value}"
    assert found(text, fields="v: Atomic", begin="box.v.counter = 5") == "holds"


@pytest.mark.parametrize(
    "change",
    [
        "atomic_inc(box.v)",
        "atomic_inc_return(box.v)",
        "atomic_fetch_add(1, box.v)",
        "atomic_add_unless(box.v, 1, 9)",
    ],
)
def test_no_change_is_lost(change: str) -> None:
    law = "@finally_\ndef both(box: Box) -> bool:\n    return box.v.counter == 2"
    assert found(change, change, fields="v: Atomic", more=law) == "holds"
    halves = "n = atomic_read(box.v)\natomic_set(box.v, n + 1)"
    assert found(change, halves, fields="v: Atomic", more=law) == "both"


def test_one_of_two_gets_the_last() -> None:
    body = "if atomic_dec_and_test(box.v):\n    kfree(box)"
    begin = "box.v.counter = 2"
    assert found(body, body, fields="v: Atomic", begin=begin) == "holds"
    late = lines("atomic_dec(box.v)", "if atomic_read(box.v) == 0:", "    kfree(box)")
    assert found(late, late, fields="v: Atomic", begin=begin) == "use-after-free"


def test_it_overflows() -> None:
    assert found("atomic_inc(box.v)", fields="v: Atomic", begin="box.v.counter = 32767") == "range"
