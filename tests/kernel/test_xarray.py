"""XArrays."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

MORE = """
class Table(Object):
    xa: XArray
    slots: Annotated[ArrayOf[Ref[Box]], 3]

table = Table()
"""
XA = "table.xa, table.slots"


def tables(*bodies: str, final: str = "True") -> str:
    """Verify bodies that share a table of three boxes."""
    more = f"{MORE}\n@finally_\ndef final() -> bool:\n    return {final}"
    return found(*(body.replace("XA", XA) for body in bodies), fields="n: int", more=more)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("assert xa_store(XA, 1, box) is None\nassert xa_load(table.slots, 1) == box", "holds"),
        ("xa_store(XA, 1, box)\nassert xa_erase(XA, 1) == box", "holds"),
        ("xa_store(XA, 1, box)\nxa_erase(XA, 1)\nassert xa_load(table.slots, 1) is None", "holds"),
        (
            "assert xa_cmpxchg(XA, 1, None, box) is None\nassert xa_load(table.slots, 1) == box",
            "holds",
        ),
        ("xa_store(XA, 1, box)\nassert xa_cmpxchg(XA, 1, None, None) == box", "holds"),
        ("assert xa_insert(XA, 1, box)\nassert not xa_insert(XA, 1, box)", "holds"),
        ("xa_store(XA, 1, box)\nassert xa_alloc(XA, 0, box) == 0", "holds"),
        ("xa_store(XA, 1, box)\nassert xa_alloc(XA, 1, box) == 2", "holds"),
        ("xa_store(XA, 2, box)\nassert xa_alloc(XA, 2, box) == -1", "holds"),
        ("xa_store(XA, 3, box)", "range"),
        (
            "xa_lock(table.xa)\n__xa_store(XA, 1, box)\n__xa_erase(XA, 1)\nxa_unlock(table.xa)",
            "holds",
        ),
        ("__xa_store(XA, 1, box)", "guard-violation"),
        ("__xa_erase(XA, 1)", "guard-violation"),
        ("xa_lock(table.xa)\nxa_store(XA, 1, box)", "self-deadlock"),
        ("xa_lock(table.xa)\nxa_erase(XA, 1)", "self-deadlock"),
    ],
)
def test_one_process(body: str, verdict: str) -> None:
    assert tables(body) == verdict


def test_one_of_two_gets_the_slot() -> None:
    body = "if xa_insert(XA, 1, box):\n    fetch_add(g.n, 1)"
    assert tables(body, body, final="g.n == 1") == "holds"


def test_several_changes_under_the_lock_are_one() -> None:
    move = "xa_lock(table.xa)\n__xa_erase(XA, 0)\n__xa_store(XA, 0, box)\nxa_unlock(table.xa)"
    apart = "xa_erase(XA, 0)\nxa_store(XA, 0, box)"
    insert = "assert not xa_insert(XA, 0, box)"
    begin = "xa_store(XA, 0, box)\ng.a = True\n"
    assert tables(begin + move, f"wait_until(g.a)\n{insert}") == "holds"
    assert tables(begin + apart, f"wait_until(g.a)\n{insert}") == "assertion"


def test_what_is_found_is_freed_after_a_grace_period_only() -> None:
    find = "{0}\nfound = xa_load(table.slots, 1)\nif found is not None:\n    found.n = 1\n{1}"
    drop = "xa_store(XA, 1, box)\nold = xa_erase(XA, 1)\nsynchronize_rcu()\nkfree(old)"
    assert tables(find.format("rcu_read_lock()", "rcu_read_unlock()"), drop) == "holds"
    assert tables(find.format("", ""), drop) == "use-after-free"


def test_freeing_it_with_its_lock_held() -> None:
    assert found("xa_lock(box.xa)\nkfree(box)", fields="xa: XArray") == "free-while-held"
