"""mm: list_lru: fix UAF for memory cgroup.

Bug: B22.

Kernel: v6.8 to v6.10 (5161b48712dc, CVE-2024-43888; v6.11).

Breaks: list_lru_add_obj() looks up the memcg of an object, and list_lru_add() follows it to find
the list. Since v6.8 the lookup is outside of the list's lock, which made it a read section until
then. In between the memcg may go offline, and be freed after a grace period that waits for nobody.

Fix: rcu_read_lock() around the lookup and the add, and the same in list_lru_del_obj().

Modelled: parent > child, an object of the child that is being added, and the child's teardown.
mem_cgroup_from_slab_obj() is the memcg of the object's objcg, which offline swaps to the parent.
One lock for all lists.
"""

from kmcheck.kernel.list_lru import (
    ListHead,
    ListLru,
    ListLruOne,
    LockMap,
    list_lru_init,
    memcg_init_list_lru_one,
    memcg_reparent_list_lru_one,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
    synchronize_rcu,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import spin_lock, spin_unlock
from kmcheck.lang import (
    WRITE_ONCE,
    Object,
    Ref,
    alive,
    atomic,
    bound,
    choice,
    finally_,
    process,
    setup,
    start,
)

ADDERS = bound(1, "objects that are being added")
FIX = choice(True, "the memcg is looked up and used inside one RCU read section")


class Memcg(Object):
    parent: Ref["Memcg"]
    lru: ListLruOne
    kmemcg_id: Ref[ListLruOne]  # an index; here, the list that it leads to


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Inode(Object):
    objcg: Ref[ObjCgroup]
    i_lru: ListHead


inode_lru = ListLru()


def list_lru_add(item: ListHead, memcg: Memcg) -> None:
    spin_lock(inode_lru.lock)
    one = memcg.kmemcg_id
    with atomic("list_add_tail(), nr_items++"):
        one.items.add(item)
        item.on = one
        one.nr_items += 1
    spin_unlock(inode_lru.lock)


@process
def list_lru_add_obj(inode: Inode) -> None:
    objcg = inode.objcg
    if FIX:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)  # mem_cgroup_from_slab_obj()
    list_lru_add(inode.i_lru, memcg)
    if FIX:
        rcu_read_unlock()


@process
def memcg_teardown(child: Memcg, objcg: ObjCgroup) -> None:
    parent = child.parent
    rcu_assign_pointer(objcg.memcg, parent)  # memcg_reparent_objcgs()
    WRITE_ONCE(child.kmemcg_id, parent.lru)  # memcg_reparent_list_lrus()
    memcg_reparent_list_lru_one(child.lru, parent.lru, False)
    synchronize_rcu()
    kfree(child)


@setup
def an_object_of_the_child() -> None:
    lockdep_init()
    list_lru_init(inode_lru, LockMap.NODE)
    parent = Memcg()
    child = Memcg(parent=parent)
    memcg_init_list_lru_one(inode_lru, parent.lru, None)
    memcg_init_list_lru_one(inode_lru, child.lru, parent.lru)
    parent.kmemcg_id = parent.lru
    child.kmemcg_id = child.lru
    objcg = ObjCgroup(memcg=child)
    for _ in range(ADDERS):
        inode = Inode(objcg=objcg)
        start(list_lru_add_obj, inode)
    start(memcg_teardown, child, objcg)


@finally_
def all_are_on_the_parents_list(inode: Inode) -> bool:
    return all(inode.i_lru in memcg.lru.items for memcg in alive(Memcg))
