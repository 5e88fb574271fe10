"""Lists of reclaimable objects, their locks, their counts, their shrinker bits."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "child: ListLruOne\nparent: ListLruOne\nitem: ListHead\nother: ListHead"
LRU = "lru = ListLru()\n"
NODE = """
list_lru_init(lru, LockMap.NODE)
memcg_init_list_lru_one(lru, box.parent, None)
memcg_init_list_lru_one(lru, box.child, box.parent)
"""
MEMCG = NODE.replace("NODE", "MEMCG")
LISTED = "list_lru_fill(box.child, box.item)\n"
ISOLATE = """
def isolate(item: ListHead, one: ListLruOne) -> LruStatus:
    list_lru_isolate(one, item)
    return LruStatus.REMOVED

def skip(item: ListHead, one: ListLruOne) -> LruStatus:
    return LruStatus.SKIP
"""
SETTLED = """
@finally_
def settled(box: Box) -> bool:
    child = box.child
    parent = box.parent
    return child.nr_items == len(child.items) and parent.nr_items == len(parent.items)
"""


@pytest.mark.parametrize("items", [5, 40])
def test_a_list_takes_more_objects_than_small_specs_need(items: int) -> None:
    more = "class Item(Object):\n    head: ListHead"
    fill = "for i in range({0}):\n    list_lru_fill(box.child, Item().head)"
    begin = LRU + NODE + fill.format(items)
    assert found("pause()", fields=FIELDS, begin=begin, more=more) == "holds"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        # each object is on one list, once
        ("assert list_lru_add(lru, box.item, box.child)", "holds"),
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "assert not list_lru_add(lru, box.item, box.child)",
            ),
            "holds",
        ),
        ("assert not list_lru_del(lru, box.item, box.child)", "holds"),
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "assert list_lru_del(lru, box.item, box.child)",
                "assert box.child.nr_items == 0",
            ),
            "holds",
        ),
        # the lock
        (
            "list_lru_add(lru, box.item, box.child)\nlist_lru_isolate(box.child, box.item)",
            "guard-violation",
        ),
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "lock_list_lru_of_memcg(lru, box.child)",
                "list_lru_isolate(box.child, box.item)",
                "unlock_list_lru(box.child)",
            ),
            "holds",
        ),
        # the end of an object, and of a list
        ("list_lru_add(lru, box.item, box.child)\nkfree(box)", "stranded-object"),
        ("list_lru_add(lru, box.item, g_one)\nkfree(box)", "free-while-listed"),
        (
            "list_lru_add(lru, box.item, g_one)\nlist_lru_del(lru, box.item, g_one)\nkfree(box)",
            "holds",
        ),
        # reclaim
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "assert list_lru_walk_one(lru, box.child, isolate) == 1",
                "assert list_lru_count_one(lru, box.child) == 0",
            ),
            "holds",
        ),
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "assert list_lru_walk_one(lru, box.child, skip) == 0",
                "assert list_lru_count_one(lru, box.child) == 1",
            ),
            "holds",
        ),
        # the shrinker bit
        ("list_lru_add(lru, box.item, box.child)\nassert box.child.shrinker_bit", "holds"),
        (
            lines(
                "set_shrinker_bit(box.child)",
                "clear_shrinker_bit(box.child)",
                "assert not box.child.shrinker_bit",
            ),
            "holds",
        ),
        # reparenting
        (
            lines(
                "list_lru_add(lru, box.item, box.child)",
                "memcg_reparent_list_lru_one(box.child, box.parent, False)",
                "assert box.parent.nr_items == 1",
                "assert box.child.nr_items == 0",
                "assert box.parent.shrinker_bit",
            ),
            "holds",
        ),
        (
            lines(
                "memcg_reparent_list_lru_one(box.child, box.parent, True)",
                "list_lru_add(lru, box.item, box.child)",
                "assert box.parent.nr_items == 1",
            ),
            "holds",
        ),
        (
            lines(
                "memcg_reparent_list_lru_one(box.child, box.parent, False)",
                "list_lru_add(lru, box.item, box.child)",
                "assert box.child.nr_items == 1",
            ),
            "holds",
        ),
        (
            "rcu_read_lock()\nmemcg_reparent_list_lru_one(box.child, box.parent, False)",
            "sleep-in-atomic",
        ),
    ],
)
@pytest.mark.parametrize("locks", [NODE, MEMCG], ids=["node", "memcg"])
def test_by_one(locks: str, body: str, verdict: str) -> None:
    more = LRU + "g_one = ListLruOne()\n" + ISOLATE
    begin = locks + "memcg_init_list_lru_one(lru, g_one, None)"
    assert found(body, fields=FIELDS, begin=begin, more=more) == verdict


def test_the_lock_map_says_what_a_lock_guards() -> None:
    """A delete that looks the object up at the wrong memcg is harmless with one lock a node."""
    body = "list_lru_del(lru, box.item, box.parent)"
    assert found(body, fields=FIELDS, begin=NODE + LISTED, more=LRU) == "holds"
    assert found(body, fields=FIELDS, begin=MEMCG + LISTED, more=LRU) == "guard-violation"


def test_a_count_below_zero_is_made_up_for_by_reparenting() -> None:
    delete = "list_lru_del(lru, box.item, box.parent)"
    reparent = "memcg_reparent_list_lru_one(box.child, box.parent, False)"
    more = LRU + SETTLED
    assert found(delete, reparent, fields=FIELDS, begin=NODE + LISTED, more=more) == "holds"
    assert found(delete, fields=FIELDS, begin=NODE + LISTED, more=more) == "settled"
    never = LRU + "@always\ndef never(box: Box) -> bool:\n    return box.parent.nr_items >= 0"
    assert found(delete, reparent, fields=FIELDS, begin=NODE + LISTED, more=never) == "never"


def test_a_count_below_zero_counts_as_none() -> None:
    body = (
        "list_lru_del(lru, box.item, box.parent)\nassert list_lru_count_one(lru, box.parent) == 0"
    )
    assert found(body, fields=FIELDS, begin=NODE + LISTED, more=LRU) == "holds"


@pytest.mark.parametrize("locks", [NODE, MEMCG], ids=["node", "memcg"])
def test_all_at_once(locks: str) -> None:
    add = "list_lru_add(lru, box.other, box.child)"
    delete = "list_lru_del(lru, box.item, box.child)"
    walk = "list_lru_walk_one(lru, box.child, isolate)"
    more = LRU + ISOLATE + SETTLED
    assert found(add, delete, walk, fields=FIELDS, begin=locks + LISTED, more=more) == "holds"
