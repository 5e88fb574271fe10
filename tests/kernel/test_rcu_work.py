"""Works that are queued after a grace period."""

from __future__ import annotations

from tests.kernel.boxes import found

FIELDS = "rwork: RcuWork\nn: int"
INIT = "INIT_RCU_WORK(box.rwork, {0})"
COUNT = "def count_it(work: Work) -> None:\n    fetch_add(g.n, 1)"
FREE = """
def free_it(work: Work) -> None:
    kfree(container_of(to_rcu_work(work), Box, Box.rwork))
"""
QUEUE = "queue_rcu_work(system_wq, box.rwork)"
ONE = "@finally_\ndef one() -> bool:\n    return g.n == 1"


def counts(*bodies: str, more: str = "") -> str:
    """Verify bodies with a work that counts."""
    return found(*bodies, fields=FIELDS, begin=INIT.format("count_it"), more=f"{COUNT}\n{more}")


def test_it_runs_once_if_it_is_queued_while_pending() -> None:
    assert counts(f"assert {QUEUE}", more=ONE) == "holds"
    assert (
        counts(f"{QUEUE}\nif {QUEUE}:\n    g.a = True", more=ONE.replace("== 1", "== 1 or g.a"))
        == "holds"
    )


def test_it_runs_behind_all_who_read_when_it_was_queued() -> None:
    reader = (
        "rcu_read_lock()\nmine = g.box\nif mine is not None:\n    mine.n = 1\nrcu_read_unlock()"
    )
    remove = f"g.box = None\n{QUEUE}"
    begin = f"g.box = box\n{INIT.format('free_it')}"
    assert found(reader, remove, fields=FIELDS, begin=begin, more=FREE) == "holds"
    late = f"{QUEUE}\ng.box = None"
    assert found(reader, late, fields=FIELDS, begin=begin, more=FREE) == "use-after-free"


def test_a_flush_waits_for_the_grace_period_and_the_work() -> None:
    assert counts(f"{QUEUE}\nflush_rcu_work(box.rwork)\nassert g.n == 1") == "holds"
    assert counts(f"{QUEUE}\nflush_work(box.rwork.work)\nassert g.n == 1") == "assertion"


def test_misuse() -> None:
    assert counts(f"{QUEUE}\nkfree(box)") == "free-while-pending"
    assert counts(f"{QUEUE}\nflush_rcu_work(box.rwork)\nkfree(box)") == "holds"
    assert counts("rcu_read_lock()\nflush_rcu_work(box.rwork)") == "sleep-in-atomic"
    cancel = f"{QUEUE}\ncancel_work_sync(box.rwork.work)"
    assert counts(cancel) == "rcu-work-cancelled"
