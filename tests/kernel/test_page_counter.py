"""Hierarchical page counters, for all sizes."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "size: Size\nother: Size\nparent: PageCounter\nchild: PageCounter\ncharged: bool"
LINKED = "page_counter_init(box.child, box.parent)"
CHARGED = f"{LINKED}\npage_counter_charge(box.child, box.size)\nbox.charged = True"
LAW = """
@conserved
def law(box: Box) -> bool:
    held = total(b.size for b in alive(Box) if b.charged)
    return box.child.usage == held and box.parent.usage == held
"""
UNCHARGE = "size = box.size\npage_counter_uncharge(box.child, size)\nbox.charged = False"


def test_a_charge_and_an_uncharge_climb_to_the_root() -> None:
    charge = "size = box.size\npage_counter_charge(box.child, size)\nbox.charged = True"
    assert found(charge, fields=FIELDS, begin=LINKED, more=LAW) == "holds"
    assert found(UNCHARGE, fields=FIELDS, begin=CHARGED, more=LAW) == "holds"


def test_a_counter_that_is_not_linked_leaves_its_parent_alone() -> None:
    charge = "size = box.size\npage_counter_charge(box.child, size)\nbox.charged = True"
    assert found(charge, fields=FIELDS, more=LAW) == "law"


def test_others_see_a_charge_half_done() -> None:
    charge = "size = box.size\npage_counter_charge(box.child, size)"
    law = lines(
        "@conserved(when='always')",
        "def law(box: Box) -> bool:",
        "    return box.child.usage == box.parent.usage",
    )
    assert found(charge, fields=FIELDS, begin=LINKED, more=law) == "law"
    assert (
        found(charge, fields=FIELDS, begin=LINKED, more=law.replace("always", "at rest")) == "holds"
    )


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (UNCHARGE, "holds"),
        (f"{UNCHARGE}\n{UNCHARGE}", "counter-underflow"),
        ("size = box.other\npage_counter_uncharge(box.child, size)", "counter-underflow"),
        (
            lines(
                "size = box.size",
                "page_counter_uncharge(box.parent, size)",
                "page_counter_cancel(box.child, size)",
            ),
            "holds",
        ),
        (
            lines(
                "size = box.size",
                "page_counter_uncharge(box.parent, size)",
                "page_counter_uncharge(box.child, size)",
            ),
            "counter-underflow",
        ),
    ],
)
def test_an_uncharge_must_have_its_charge(body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS, begin=CHARGED) == verdict


def test_errors_that_cancel_at_size_one_are_found() -> None:
    """One page is uncharged twice, another never: for equal sizes nobody would notice."""
    begin = f"{CHARGED}\npage_counter_charge(box.child, box.other)"
    body = lines(
        "size = box.size",
        "page_counter_uncharge(box.child, size)",
        "page_counter_uncharge(box.child, size)",
    )
    assert found(body, fields=FIELDS, begin=begin) == "counter-underflow"


TRY = "size = box.size\ntaken = page_counter_try_charge(box.child, size)\n"


def test_a_charge_that_fails_takes_back_what_it_has_charged() -> None:
    assert found(TRY + "box.charged = taken", fields=FIELDS, begin=LINKED, more=LAW) == "holds"
    twice = TRY + "if taken:\n    page_counter_uncharge(box.child, size)"
    assert found(twice, fields=FIELDS, begin=LINKED, more=LAW) == "holds"


def test_a_charge_that_fails_is_not_to_be_uncharged() -> None:
    body = TRY + "page_counter_uncharge(box.child, size)"
    assert found(body, fields=FIELDS, begin=LINKED) == "counter-underflow"


def test_a_charge_that_fails_overshoots_for_a_while() -> None:
    """The other end may see more than was ever granted."""
    law = lines(
        "@conserved(when='always')",
        "def granted(box: Box) -> bool:",
        "    return box.child.usage == 0 or g.a",
    )
    body = TRY + "if taken:\n    g.a = True"
    assert found(body, fields=FIELDS, begin=LINKED, more=law) == "granted"


def test_the_walk_must_not_come_to_a_freed_counter() -> None:
    more = "class Top(Object):\n    counter: PageCounter\n    size: Size"
    begin = lines(
        "top = Top()",
        "page_counter_init(box.child, top.counter)",
        "page_counter_charge(box.child, top.size)",
        "box.top = top",
        "",
    )
    fields = "child: PageCounter\ntop: Ref[Top]"
    body = "top = box.top\nsize = top.size\npage_counter_uncharge(box.child, size)"
    assert (
        found(body, "top = box.top\nkfree(top)", fields=fields, begin=begin, more=more)
        == "use-after-free"
    )
    assert found(body, fields=fields, begin=begin, more=more) == "holds"
