"""Sequence counters and seqlocks."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "seq: SeqCount\nsl: SeqLock\nlock: SpinLock\nmutex: Mutex"
SPIN = "seqcount_spinlock_init(box.seq, box.lock)"
MUTEX = "seqcount_mutex_init(box.seq, box.mutex)"
BOTH = "write_seqcount_begin(box.seq)\ng.n += 1\ng.m += 1\nwrite_seqcount_end(box.seq)"
WRITE = f"spin_lock(box.lock)\n{BOTH}\nspin_unlock(box.lock)"
READ = """
seq = read_seqcount_begin(box.seq)
n = g.n
m = g.m
while read_seqcount_retry(box.seq, seq):
    seq = read_seqcount_begin(box.seq)
    n = g.n
    m = g.m
assert n == m
"""


def test_a_reader_that_looks_again_sees_all_or_nothing() -> None:
    assert found(WRITE, READ, fields=FIELDS, begin=SPIN) == "holds"


def test_a_reader_that_does_not_sees_a_half() -> None:
    body = "seq = read_seqcount_begin(box.seq)\nn = g.n\nassert n == g.m"
    assert found(WRITE, body, fields=FIELDS, begin=SPIN) == "assertion"


def test_a_seqlock_is_both() -> None:
    write = "write_seqlock(box.sl)\ng.n += 1\ng.m += 1\nwrite_sequnlock(box.sl)"
    read = lines(
        "seq = read_seqbegin(box.sl)",
        "n = g.n",
        "m = g.m",
        "if not read_seqretry(box.sl, seq):",
        "    assert n == m",
    )
    assert found(write, write, read, fields=FIELDS, begin="seqlock_init(box.sl)") == "holds"


@pytest.mark.parametrize(
    ("begin", "body", "verdict"),
    [
        (SPIN, WRITE, "holds"),
        (SPIN, BOTH, "guard-violation"),
        (SPIN, f"preempt_disable()\n{BOTH}\npreempt_enable()", "guard-violation"),
        (MUTEX, f"mutex_lock(box.mutex)\n{BOTH}\nmutex_unlock(box.mutex)", "holds"),
        (MUTEX, f"preempt_disable()\n{BOTH}\npreempt_enable()", "guard-violation"),
        ("pass", f"preempt_disable()\n{BOTH}\npreempt_enable()", "holds"),
        ("pass", BOTH, "lock-misuse"),
        ("pass", "write_seqcount_end(box.seq)", "lock-misuse"),
        (SPIN, "spin_lock(box.lock)\nwrite_seqcount_begin(box.seq)\nkfree(box)", "free-while-held"),
    ],
)
def test_one_writer(begin: str, body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS, begin=begin) == verdict


def test_two_writers_without_a_lock() -> None:
    body = f"preempt_disable()\n{BOTH}\npreempt_enable()"
    assert found(body, body, fields=FIELDS) == "guard-violation"


def test_nobody_sleeps_as_a_writer_under_a_mutex() -> None:
    body = "mutex_lock(box.mutex)\nwrite_seqcount_begin(box.seq)\nmight_sleep()"
    assert found(body, fields=FIELDS, begin=MUTEX) == "sleep-in-atomic"
