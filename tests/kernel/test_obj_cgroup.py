"""Objects that are charged by the byte: stocks, residues, reparenting, release."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

# `box.memcg` is below `box.root`; a page has 2 bytes, a batch 2 pages.
FIELDS = "root: Ref[MemCgroup]\nmemcg: Ref[MemCgroup]\nobjcg: Ref[ObjCgroup]\nother: Ref[MemCgroup]"
BEGIN = lines(
    "box.root = MemCgroup()",
    "box.memcg = MemCgroup()",
    "mem_cgroup_init(box.root, None)",
    "mem_cgroup_init(box.memcg, box.root)",
    "memcg_online_kmem(box.memcg)",
    "box.objcg = box.memcg.objcg",
    "start(elsewhere, box, cpu=1)",
)
ELSEWHERE = """
@process
def elsewhere(box: Box) -> None:
    stock = this_cpu(memcg_stock)
    other = this_cpu(obj_stock)
    {0}
"""
OFFLINE = """
def offline(css: Css) -> None:
    memcg = mem_cgroup_from_css(css)
    memcg_reparent_objcgs(memcg, memcg.parent)
"""
LAW = """
def accounted(box: Box) -> bool:
    return PAGE_SIZE * box.root.memory.usage == g.n + total(
        PAGE_SIZE * memcg_stock.on(cpu).nr_pages + obj_stock.on(cpu).nr_bytes for cpu in range(2)
    ) + total(objcg.nr_charged_bytes for objcg in alive(ObjCgroup))
"""
GET = "obj_cgroup_get(box.objcg)"
PUT = "obj_cgroup_put(box.objcg)"
CHARGE = "assert obj_cgroup_charge(box.objcg, {0})"
UNCHARGE = "obj_cgroup_uncharge(box.objcg, {0})"
RMDIR = "cgroup_rmdir(box.memcg.css, offline)"
DRAIN = "drain_local_obj_stock(this_cpu(obj_stock).work)"
NO_ROOM = "page_counter_nr_set_max(box.root.memory, 0)"
HERE, THERE = "obj_stock.on(0)", "obj_stock.on(1)"


def objects(
    *bodies: str,
    elsewhere: str = "pause()",
    final: str = "True",
    live: int = 0,
    begin: str = "g.a = False",
) -> str:
    """Verify bodies on CPU 0, and one on CPU 1; `live` bytes are in use when all is done."""
    law = f"{LAW}\n@finally_\ndef final(box: Box) -> bool:\n    return {final}"
    law += "\n@finally_\ndef law(box: Box) -> bool:\n    return accounted(box)"
    there = ELSEWHERE.format(elsewhere.replace("\n", "\n    "))
    begin = f"g.n = {live}\n{BEGIN}\n{begin}"
    return found(*bodies, fields=FIELDS, begin=begin, more=f"{there}\n{OFFLINE}\n{law}")


@pytest.mark.parametrize(
    ("body", "live", "final"),
    [
        (CHARGE.format(1), 1, f"{HERE}.nr_bytes == 1 and {HERE}.cached_objcg == box.objcg"),
        (lines(CHARGE.format(1), CHARGE.format(1)), 2, f"{HERE}.nr_bytes == 0"),
        (CHARGE.format(2), 2, f"{HERE}.cached_objcg is None"),
        (CHARGE.format(3), 3, f"{HERE}.nr_bytes == 1"),
        # more than a page: whole pages go back, the rest to nr_charged_bytes
        (lines(CHARGE.format(3), UNCHARGE.format(3)), 0,
         f"box.objcg.nr_charged_bytes == 0 and {HERE}.cached_objcg is None"),
        (lines(CHARGE.format(1), CHARGE.format(2), UNCHARGE.format(1), UNCHARGE.format(1)), 1,
         f"box.objcg.nr_charged_bytes == 1 and {HERE}.cached_objcg is None"),
        # the next stock takes the rest
        (lines(CHARGE.format(1), CHARGE.format(2), *[UNCHARGE.format(1)] * 3), 0,
         f"box.objcg.nr_charged_bytes == 0 and {HERE}.nr_bytes == 2"),
        # no room
        (lines(NO_ROOM, "assert not obj_cgroup_charge(box.objcg, 1)"), 0,
         f"{HERE}.cached_objcg is None"),
    ],
)  # fmt: skip
def test_by_one(body: str, live: int, final: str) -> None:
    assert objects(body, live=live, final=final) == "holds"


def test_a_page_in_two_stocks_is_uncharged_at_release() -> None:
    """The sequence 1) to 6) in the comment of obj_cgroup_release(); two objects are never freed."""
    charged = lines(GET, CHARGE.format(1), CHARGE.format(1), "g.a = True", "wait_until(g.b)")
    freed = lines(UNCHARGE.format(1), DRAIN, "assert box.objcg.nr_charged_bytes == PAGE_SIZE")
    here = lines(charged, freed, "memcg_reparent_objcgs(box.memcg, box.root)", PUT)
    there = lines("wait_until(g.a)", CHARGE.format(1), DRAIN, "g.b = True")
    gone = "count(objcg for objcg in alive(ObjCgroup)) == 0"
    assert objects(here, elsewhere=there, final=gone, live=2) == "holds"


def test_an_obj_cgroup_holds_the_parent_that_it_is_handed_over_to() -> None:
    begin = lines(
        "box.other = MemCgroup()",
        "mem_cgroup_init(box.other, box.memcg)",
        "memcg_online_kmem(box.other)",
    )
    body = lines(
        "objcg = box.other.objcg",
        "percpu_ref_get(objcg.refcnt)",
        "memcg_reparent_objcgs(box.other, box.memcg)",
        "assert box.memcg.css.refcnt.refs == 3",  # base, child, obj_cgroup
        "percpu_ref_put(objcg.refcnt)",
    )
    final = "box.memcg.css.refcnt.refs == 2 and len(box.memcg.objcg_list) == 0"
    assert objects(body, begin=begin, final=final) == "holds"


def test_the_stocks_of_a_tree_are_drained_by_works() -> None:
    body = lines("wait_until(g.a)", "drain_all_obj_stock(box.{0})")
    there = lines(CHARGE.format(1), "g.a = True")
    for root, cached in (("root", "None"), ("other", "box.objcg")):
        law = f"{THERE}.cached_objcg == {cached}"
        begin = "obj_stock_init()\nbox.other = MemCgroup()"
        found_it = objects(body.format(root), elsewhere=there, final=law, live=1, begin=begin)
        assert found_it == "holds"


def test_a_lookup_finds_the_nearest_ancestor_with_an_obj_cgroup() -> None:
    body = lines(
        "found_it = get_obj_cgroup_from_memcg(box.memcg)",
        "assert found_it == box.objcg",
        PUT,
        "assert get_obj_cgroup_from_memcg(box.root) is None",
    )
    assert objects(body) == "holds"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (lines("obj_stock_cpu_dead(1)"), "holds"),
        (lines("drain_obj_stock(obj_stock.on(1))"), "guard-violation"),
        (lines("cpu_dies(0)", CHARGE.format(1)), "cpu-is-dead"),
        (lines("cpu_dies(0)", UNCHARGE.format(1)), "cpu-is-dead"),
        # a byte that is never uncharged
        (lines(CHARGE.format(1), DRAIN, RMDIR), "bytes-lost"),
        (lines("percpu_ref_exit(box.objcg.refcnt)", GET), "use-after-exit"),
        (lines(GET, RMDIR, PUT, GET), "ref-resurrect"),
    ],
)  # fmt: skip
def test_misuse(body: str, verdict: str) -> None:
    assert objects(body) == verdict
