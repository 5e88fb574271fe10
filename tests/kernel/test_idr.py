"""IDs that lead to objects."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

MORE = """
class Table(Object):
    idr: Idr
    slots: Annotated[ArrayOf[Ref[Box]], 3]

table = Table()
lock = SpinLock()

"""
IDR = "table.idr, table.slots"


def tables(*bodies: str, begin: str = "") -> str:
    """Verify bodies that share a table of three boxes."""
    texts = [body.replace("IDR", IDR).replace("SLOTS", "table.slots") for body in bodies]
    return found(*texts, fields="n: int", begin=begin, more=MORE)


def test_setup_may_fill_it() -> None:
    begin = "assert idr_alloc(table.idr, table.slots, box, 1) == 1"
    body = "assert idr_find(SLOTS, 1) == box\nassert idr_remove(IDR, 1) == box"
    assert tables(body, begin=begin) == "holds"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("assert idr_alloc(IDR, box, 0) == 0\nassert idr_alloc(IDR, box, 0) == 1", "holds"),
        ("assert idr_alloc(IDR, box, 2) == 2\nassert idr_alloc(IDR, box, 2) == -1", "holds"),
        ("idr_alloc(IDR, box, 0)\nidr_remove(IDR, 0)\nassert idr_alloc(IDR, box, 0) == 0", "holds"),
        (
            lines(
                "idr_alloc_cyclic(IDR, box, 1)",
                "idr_remove(IDR, 1)",
                "assert idr_alloc_cyclic(IDR, box, 1) == 2",
                "assert idr_alloc_cyclic(IDR, box, 1) == 1",
                "assert idr_alloc_cyclic(IDR, box, 1) == -1",
            ),
            "holds",
        ),
        ("assert idr_alloc(IDR, None, 0) == 0\nassert idr_find(SLOTS, 0) is None", "holds"),
        ("idr_alloc(IDR, None, 0)\nassert idr_alloc(IDR, box, 0) == 1", "holds"),
        (
            "idr_alloc(IDR, None, 0)\nidr_replace(IDR, box, 0)\nassert idr_find(SLOTS, 0) == box",
            "holds",
        ),
        ("idr_alloc(IDR, box, 0)\nassert idr_remove(IDR, 0) == box", "holds"),
        ("idr_alloc(IDR, box, 0)\nassert idr_find_same(SLOTS, 0, box) == box", "holds"),
        ("idr_find(SLOTS, 3)", "range"),
        ("idr_remove(IDR, 0)", "stale-index"),
        ("idr_replace(IDR, box, 0)", "stale-index"),
        ("idr_alloc(IDR, box, 0)\nidr_remove(IDR, 0)\nidr_remove(IDR, 0)", "stale-index"),
    ],
)
def test_one_process(body: str, verdict: str) -> None:
    assert tables(body) == verdict


def test_it_has_no_lock_of_its_own() -> None:
    body = "idr_alloc(IDR, box, 0)"
    assert tables(body, body) == "guard-violation"
    assert tables(body, "idr_replace(IDR, box, 0)", begin="table.idr.taken.add(0)") == (
        "guard-violation"
    )
    locked = f"spin_lock(lock)\n{body}\nspin_unlock(lock)"
    assert tables(locked, locked) == "holds"


def test_an_id_that_is_used_again_leads_its_old_user_to_another_object() -> None:
    user = "wait_until(g.a)\nfound = idr_find_same(SLOTS, 0, box)\n"
    reuse = """
    spin_lock(lock)
    idr_alloc(IDR, box, 0)
    g.a = True
    idr_remove(IDR, 0)
    idr_alloc(IDR, {0}, 0)
    spin_unlock(lock)
    """
    assert tables(user, reuse.format("g.box")) == "holds"
    assert tables(user, reuse.format("g.box"), begin="g.box = Box()") == "stale-index"
