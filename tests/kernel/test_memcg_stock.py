"""A CPU's stock of pages: what is charged, who holds the memcg, who may drain it."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

# `box.memcg` and `box.sibling` are below `box.root`; a batch has 2 pages.
FIELDS = "root: Ref[MemCgroup]\nmemcg: Ref[MemCgroup]\nsibling: Ref[MemCgroup]"
BEGIN = lines(
    "box.root = MemCgroup()",
    "box.memcg = MemCgroup()",
    "box.sibling = MemCgroup()",
    "mem_cgroup_init(box.root, None)",
    "mem_cgroup_init(box.memcg, box.root)",
    "mem_cgroup_init(box.sibling, box.root)",
    "start(elsewhere, box, cpu=1)",
)
ELSEWHERE = """
@process
def elsewhere(box: Box) -> None:
    stock = this_cpu(memcg_stock)
    {0}
"""
CHARGE = "assert try_charge(box.memcg, 1)"
LIMIT = "page_counter_nr_set_max(box.{0}.memory, {1})"
HERE, THERE = "memcg_stock.on(0)", "memcg_stock.on(1)"
MEMCG, ROOT = "box.memcg.memory.usage", "box.root.memory.usage"


def stocks(
    *bodies: str,
    elsewhere: str = "pause()",
    final: str = "True",
    more: str = "",
    begin: str = BEGIN,
) -> str:
    """Verify bodies on CPU 0, and one on CPU 1; `final` holds of the box when all is done."""
    law = f"@finally_\ndef final(box: Box) -> bool:\n    return {final}"
    there = ELSEWHERE.format(elsewhere.replace("\n", "\n    "))
    return found(*bodies, fields=FIELDS, begin=begin, more=f"{there}\n{more}\n{law}")


@pytest.mark.parametrize(
    ("body", "final"),
    [
        # a batch is charged; what is not used stays in the stock, which holds the memcg
        (CHARGE, f"{MEMCG} == 2 and {HERE}.nr_pages == 1 and box.memcg.css.refcnt.refs == 2"),
        (lines(CHARGE, CHARGE), f"{MEMCG} == 2 and {HERE}.nr_pages == 0"),
        (lines(CHARGE, CHARGE, CHARGE), f"{MEMCG} == 4 and {HERE}.nr_pages == 1"),
        ("assert try_charge(box.memcg, 3)", f"{MEMCG} == 3 and {HERE}.cached is None"),
        # more than a batch is drained
        (lines(CHARGE, "refill_stock(box.memcg, 1)"), f"{MEMCG} == 2 and {HERE}.nr_pages == 2"),
        (lines(CHARGE, CHARGE, CHARGE, "refill_stock(box.memcg, 2)"),
         f"{MEMCG} == 1 and {HERE}.cached is None and box.memcg.css.refcnt.refs == 1"),
        # a stock is of one memcg
        (lines(CHARGE, "assert try_charge(box.sibling, 1)"),
         f"{MEMCG} == 1 == {HERE}.nr_pages and {HERE}.cached == box.sibling"),
        # the root is not charged, except by who says so
        ("assert try_charge(box.root, 1)", f"{ROOT} == 0"),
        ("assert try_charge_memcg(box.root, 1)", f"{ROOT} == 2 and {HERE}.cached == box.root"),
        # no room for a batch, for a page, at all
        (lines(LIMIT.format("memcg", 1), CHARGE), f"{MEMCG} == 1 and {HERE}.cached is None"),
        (lines(LIMIT.format("memcg", 0), "assert not try_charge(box.memcg, 1)"), f"{ROOT} == 0"),
    ],
)  # fmt: skip
def test_by_one(body: str, final: str) -> None:
    assert stocks(body, final=final) == "holds"


def test_two_processes_of_a_cpu_share_its_stock() -> None:
    law = f"{MEMCG} == {HERE}.nr_pages + 2"
    assert stocks(CHARGE, CHARGE, final=law) == "holds"
    drain = "drain_local_stock(this_cpu(memcg_stock).work)"
    assert stocks(lines(CHARGE, CHARGE), drain, final=law) == "holds"
    assert stocks(CHARGE, elsewhere=CHARGE, final=f"{MEMCG} == {HERE}.nr_pages + 3") == "holds"


def test_a_stock_of_another_cpu_is_drained_there() -> None:
    drained = f"{MEMCG} == 1 and {THERE}.cached is None"
    drain = lines("wait_until(g.a)", "drain_all_stock(box.{0})")
    args = {"elsewhere": lines(CHARGE, "g.a = True"), "begin": f"memcg_stock_init()\n{BEGIN}"}
    assert stocks(drain.format("root"), **args, final=drained) == "holds"
    assert stocks(drain.format("sibling"), **args, final=f"not ({drained})") == "holds"
    # one work for each CPU, however many drain
    assert stocks(*[drain.format("root")] * 2, **args, final=drained) == "holds"


def test_a_stock_holds_its_memcg() -> None:
    offline = "def offline(css: Css) -> None:\n    {0}"
    rmdir = lines(CHARGE, "cgroup_rmdir(box.memcg.css, offline)")
    law = "not any(css_is_zombie(memcg.css) for memcg in alive(MemCgroup))"
    assert stocks(rmdir, more=offline.format("g.n = 1"), final=law) == "final"
    drain = offline.format("drain_local_stock(this_cpu(memcg_stock).work)")
    assert stocks(rmdir, more=drain, final=law) == "holds"


# --- a CPU that goes away


def test_the_stock_of_a_dead_cpu_is_not_drained_with_the_others() -> None:
    body = lines("wait_until(g.a)", "cpu_dies(1)", "drain_all_stock(box.root)")
    there, law = lines(CHARGE, "g.a = True"), f"{THERE}.cached == box.memcg"
    assert stocks(body, elsewhere=there, final=law, begin=f"memcg_stock_init()\n{BEGIN}") == "holds"


DEAD = lines("wait_until(g.a)", "cpu_dies(1)", "memcg_hotplug_cpu_dead(1)")


@pytest.mark.parametrize(
    ("body", "elsewhere", "verdict"),
    [
        (DEAD, lines(CHARGE, "g.a = True"), "holds"),
        (DEAD.replace("memcg_hotplug_cpu_dead(1)", ""), lines(CHARGE, "g.a = True"), "final"),
        (DEAD, lines("g.a = True", CHARGE), "cpu-is-dead"),
        (lines(DEAD, "cpu_dies(1)"), "g.a = True", "double-kill"),
        ("memcg_hotplug_cpu_dead(1)", "pause()", "guard-violation"),
        ("drain_stock(memcg_stock.on(1))", "pause()", "guard-violation"),
    ],
)
def test_a_cpu_that_dies(body: str, elsewhere: str, verdict: str) -> None:
    assert stocks(body, elsewhere=elsewhere, final=f"{THERE}.cached is None") == verdict
