"""Page counters of plain numbers: walks, limits, underflow."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "child: PageCounterNr\nparent: PageCounterNr"
BEGIN = lines(
    "page_counter_nr_init(box.parent, None)",
    "page_counter_nr_init(box.child, box.parent)",
    "page_counter_nr_set_max(box.parent, 2)",
)
CHARGE = "page_counter_nr_charge(box.child, {0})"
UNCHARGE = "page_counter_nr_uncharge(box.child, {0})"
TRY = "got = page_counter_nr_try_charge(box.child, {0})"


def counts(*bodies: str, final: str) -> str:
    """Verify bodies; `final` holds of the box when all is done."""
    law = f"@finally_\ndef final(box: Box) -> bool:\n    return {final}"
    return found(*bodies, fields=FIELDS, begin=BEGIN, more=law)


@pytest.mark.parametrize(
    ("body", "final"),
    [
        (CHARGE.format(2), "box.child.usage == 2 and box.parent.usage == 2"),
        (lines(CHARGE.format(2), UNCHARGE.format(1)), "box.child.usage == 1 == box.parent.usage"),
        (lines(TRY.format(2), "assert got"), "box.child.usage == 2 == box.parent.usage"),
        (lines(TRY.format(3), "assert not got"), "box.child.usage == 0 == box.parent.usage"),
        # the limit of a counter is not one of those below it
        (lines("page_counter_nr_charge(box.parent, 1)", TRY.format(2), "assert not got"),
         "box.child.usage == 0 and box.parent.usage == 1"),
        # charging without asking passes over the limit
        (CHARGE.format(3), "box.parent.usage == 3"),
    ],
)  # fmt: skip
def test_a_walk(body: str, final: str) -> None:
    assert counts(body, final=final) == "holds"


def test_who_tries_too_much_may_keep_another_from_charging() -> None:
    greedy = lines(TRY.format(3), "assert not got")
    modest = lines(TRY.format(2), "g.n = 1 if got else 0")
    assert counts(greedy, modest, final="box.parent.usage == 2 * g.n") == "holds"
    assert counts(greedy, modest, final="g.n == 1") == "final"


def test_others_see_a_walk_half_done() -> None:
    look = "with atomic():\n    assert box.child.usage == box.parent.usage"
    assert counts(CHARGE.format(1), look, final="True") == "assertion"


@pytest.mark.parametrize("late", ["page_counter_nr_cancel(box.parent, 1)", UNCHARGE.format(1)])
def test_a_counter_below_zero(late: str) -> None:
    assert counts(late, final="True") == "counter-underflow"
