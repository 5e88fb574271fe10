"""mm/memcg: fix refcount error while moving and swapping.

Bug: B38.

Kernel: to v5.8 (8d22a9351035, commit id from memory; v5.9).

Breaks: when a task moves to another memcg, the ids in its swap entries are exchanged one by one,
and the references on the new memcg's id are taken for all of them together, when the move is
complete. Meanwhile somebody frees one of the entries, and drops a reference of the new id that has
not been taken yet: the count comes down to zero while the memcg is online.

Fix: take the reference when the entry's id is exchanged, under the page table lock, which keeps
the entry.

Modelled: two memcgs, swap entries of the first one, the move of the task that they belong to, and
the task itself, which frees them. An online memcg has one reference on its id.
"""

from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_read,
    refcount_set,
)
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    ListOf,
    Object,
    Ref,
    bound,
    choice,
    cmpxchg,
    finally_,
    process,
    setup,
    start,
    xchg,
)

ENTRIES = bound(1, "swap entries that are moved and freed")
FIX = choice(True, "the new id's reference is taken with each entry, not in the end")


class Memcg(Object):
    id: Refcount  # memcg->id.ref


class SwapEntry(Object):
    owner: Ref[Memcg]  # swap_cgroup: the id of the memcg that it is charged to


class MmStruct(Object):
    page_table_lock: SpinLock
    entries: ListOf[SwapEntry]  # in its page tables


mm = MmStruct()


def mem_cgroup_id_put(memcg: Memcg) -> None:
    refcount_dec_and_test(memcg.id)


@process
def zap_pte_range(entry: SwapEntry) -> None:
    spin_lock(mm.page_table_lock)
    memcg = xchg(entry.owner, None)  # mem_cgroup_uncharge_swap()
    mem_cgroup_id_put(memcg)
    spin_unlock(mm.page_table_lock)


@process
def mem_cgroup_move_charge(source: Memcg, target: Memcg) -> None:
    moved_swap = 0  # mc.moved_swap
    for entry in mm.entries:
        spin_lock(mm.page_table_lock)
        old = cmpxchg(entry.owner, source, target)  # mem_cgroup_move_swap_account()
        if old == source:
            moved_swap += 1
            if FIX:
                refcount_inc(target.id)  # mem_cgroup_id_get_many(mc.to, 1)
        spin_unlock(mm.page_table_lock)
    while moved_swap > 0:  # __mem_cgroup_clear_mc()
        mem_cgroup_id_put(source)
        if not FIX:
            refcount_inc(target.id)
        moved_swap -= 1


@setup
def a_task_with_swap() -> None:
    lockdep_init()
    source = Memcg()
    refcount_set(source.id, 1 + ENTRIES)
    target = Memcg()
    refcount_set(target.id, 1)
    for _ in range(ENTRIES):
        entry = SwapEntry(owner=source)
        mm.entries.append(entry)
        start(zap_pte_range, entry)
    start(mem_cgroup_move_charge, source, target)


@finally_
def each_id_has_one_reference(memcg: Memcg) -> bool:
    return refcount_read(memcg.id) == 1
