"""LRU folios are reparented: who locks a folio's lruvec asks again, under the lock, whose it is.

Source: Muchun Song, later Qi Zheng, the series that lets LRU folios point at an objcg (2021 to
2026, v7.1). mm/memcontrol.c and include/linux/memcontrol.h, mid-2026: folio_lruvec_lock(),
memcg_reparent_objcgs(), get_non_dying_memcg_start().

The design. A folio names an objcg, the objcg a memcg, and nothing pins that. Who wants the lock of
the folio's lruvec loads the memcg in a read section, takes its lruvec's lock, and loads the memcg
again: if it is another one now, it unlocks and starts over. Offline takes the locks of both
lruvecs, splices the lists, moves the sizes, and points the objcg at the parent before it unlocks:
so a folio's memcg does not change while its lruvec is locked. A statistic that is not hierarchical
is added to the nearest memcg that is not dying; offline moves what the child has, a grace period
after it began to die.

What is modelled. parent > child, a folio that is taken off its list and put back, one that stays,
a statistic that is counted for a folio, the child's whole end. There is one list; the generations
of mglru are left out, and so are references of the objcg (objcg_no_pins).

RECHECK=no       A folio is taken off the parent's list under the child's lock.
READ_LOCK=no     The lruvec whose lock is waited for is freed.
HOLD_READ=no     Redundant: a spinlock's holder is an RCU reader, since v4.20.
REPOINT=late     The objcg is pointed at the parent after the locks were dropped: a folio that is on
                 the parent's list already passes the check with the child's lock.
REPOINT=early    Before they were taken: a folio that is still on the child's list passes it with
                 the parent's.
CHILD_LOCK=no    The child's list is spliced while a folio is being taken off it.
PARENT_LOCK=no   The same for the parent's.
CLIMB=none       A statistic is added to the child after its statistics were moved.
CLIMB=online     Looking for CSS_ONLINE is not enough, for offline clears it last.
GRACE_PERIOD=no  The child was not dying yet when that was looked for.

                 predicted        found
default          holds            holds
"""

from kmcheck.kernel.css import (
    Css,
    css_confirm_kill,
    css_killed_work_fn,
    init_and_link_css,
    kill_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import SINGLE_DEPTH_NESTING, lockdep_init
from kmcheck.kernel.rcu import (
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_is_mine, spin_lock, spin_lock_nested, spin_unlock
from kmcheck.lang import (
    Annotated,
    Enum,
    Object,
    Ref,
    SetOf,
    alive,
    atomic,
    auto,
    bound,
    check,
    choice,
    container_of,
    count,
    each,
    fetch_add,
    finally_,
    process,
    setup,
    start,
    xchg,
)


class Repoint(Enum):
    EARLY = auto()
    LOCKED = auto()
    LATE = auto()


class Climb(Enum):
    NONE = auto()
    ONLINE = auto()
    DYING = auto()


FOLIOS = bound(1, "folios that are taken off their list and put back")
STATS = bound(1, "statistics that are counted for a folio")
RECHECK = choice(True, "the folio's memcg is compared with the lruvec's, under the lock")
READ_LOCK = choice(True, "the folio's lruvec is looked up in an RCU read section")
HOLD_READ = choice(True, "the read section lasts until the lruvec is unlocked")
REPOINT = choice(Repoint.LOCKED, "when the objcg is pointed at the parent")
CHILD_LOCK = choice(True, "the child's lruvec is locked while its list is spliced")
PARENT_LOCK = choice(True, "the parent's lruvec is locked while the list is spliced to it")
CLIMB = choice(Climb.DYING, "what lets a statistic go to the parent")
GRACE_PERIOD = choice(True, "a grace period passes between kill and offline")


class Lruvec(Object):
    lru_lock: SpinLock
    folios: SetOf["Folio"]
    lru_size: Annotated[int, range(-4, 8)]

    def on_free(self) -> None:
        check(len(self.folios) == 0, "stranded-object", "lruvec freed with folios on it")


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    lruvec: Lruvec
    vmstats: Annotated[int, range(8)]  # not hierarchical


class ObjCgroup(Object):
    memcg: Ref[Memcg]


class Folio(Object):
    objcg: Ref[ObjCgroup]
    lruvec: Ref[Lruvec]  # on whose list it is


class Kernel(Object):
    objcg: Ref[ObjCgroup]  # the child's


kernel = Kernel()


# --- lruvec


def folio_lruvec_lock(objcg: ObjCgroup) -> Lruvec:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    spin_lock(memcg.lruvec.lru_lock)
    if RECHECK:
        now = rcu_dereference(objcg.memcg)
        while now != memcg:
            spin_unlock(memcg.lruvec.lru_lock)
            memcg = rcu_dereference(objcg.memcg)
            spin_lock(memcg.lruvec.lru_lock)
            now = rcu_dereference(objcg.memcg)
    if READ_LOCK and not HOLD_READ:
        rcu_read_unlock()
    return memcg.lruvec


def lruvec_unlock(lruvec: Lruvec) -> None:
    spin_unlock(lruvec.lru_lock)
    if READ_LOCK and HOLD_READ:
        rcu_read_unlock()


def assert_lruvec_locked(lruvec: Lruvec) -> None:
    check(
        spin_is_mine(lruvec.lru_lock),
        "guard-violation",
        "list changed without the lock that guards it",
    )


def lruvec_add_folio(lruvec: Lruvec, folio: Folio) -> None:
    with atomic("list_add(), the lruvec's size"):
        assert_lruvec_locked(lruvec)
        lruvec.folios.add(folio)
        lruvec.lru_size += 1
        folio.lruvec = lruvec


def lruvec_del_folio(lruvec: Lruvec, folio: Folio) -> None:
    with atomic("list_del(), the lruvec's size"):
        assert_lruvec_locked(folio.lruvec)
        folio.lruvec.folios.remove(folio)
        lruvec.lru_size -= 1
        folio.lruvec = None


@process
def folio_isolate_and_putback(folio: Folio, objcg: ObjCgroup) -> None:
    lruvec = folio_lruvec_lock(objcg)
    lruvec_del_folio(lruvec, folio)
    lruvec_unlock(lruvec)
    lruvec = folio_lruvec_lock(objcg)
    lruvec_add_folio(lruvec, folio)
    lruvec_unlock(lruvec)


# --- statistics


def may_count(memcg: Memcg) -> bool:
    if CLIMB == Climb.DYING:
        return not memcg.css.dying
    return CLIMB == Climb.NONE or memcg.css.online


@process
def mod_memcg_state(objcg: ObjCgroup) -> None:
    rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    while not may_count(memcg):
        memcg = memcg.parent
    fetch_add(memcg.vmstats, 1)
    rcu_read_unlock()


# --- rmdir


def splice_lru_lists(src: Lruvec, dst: Lruvec) -> None:
    if CHILD_LOCK:
        spin_lock(src.lru_lock)
    if PARENT_LOCK:
        spin_lock_nested(dst.lru_lock, SINGLE_DEPTH_NESTING)
    with atomic("list_splice_tail_init()"):
        assert_lruvec_locked(src)
        assert_lruvec_locked(dst)
        for folio in each(src.folios):
            folio.lruvec = dst
        dst.folios.update(src.folios)
        src.folios.clear()
    with atomic("mem_cgroup_update_lru_size()"):
        dst.lru_size += src.lru_size
        src.lru_size = 0


def memcg_reparent_objcgs(memcg: Memcg, parent: Memcg) -> None:
    src = memcg.lruvec
    dst = parent.lruvec
    if REPOINT == Repoint.EARLY:
        rcu_assign_pointer(kernel.objcg.memcg, parent)
    splice_lru_lists(src, dst)
    if REPOINT == Repoint.LOCKED:
        rcu_assign_pointer(kernel.objcg.memcg, parent)
    if PARENT_LOCK:
        spin_unlock(dst.lru_lock)
    if CHILD_LOCK:
        spin_unlock(src.lru_lock)
    if REPOINT == Repoint.LATE:
        rcu_assign_pointer(kernel.objcg.memcg, parent)
    moved = xchg(memcg.vmstats, 0)
    fetch_add(parent.vmstats, moved)


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    memcg_reparent_objcgs(memcg, memcg.parent)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    kill_css(memcg.css)
    if GRACE_PERIOD:
        css_confirm_kill(memcg.css)
    css_killed_work_fn(memcg.css, mem_cgroup_css_offline)


@setup
def two_lruvecs() -> None:
    lockdep_init()
    parent = Memcg()
    child = Memcg(parent=parent)
    init_and_link_css(parent.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    objcg = ObjCgroup(memcg=child)
    kernel.objcg = objcg
    for nr in range(FOLIOS + 1):
        folio = Folio(objcg=objcg, lruvec=child.lruvec)
        child.lruvec.folios.add(folio)
        child.lruvec.lru_size += 1
        if nr < FOLIOS:
            start(folio_isolate_and_putback, folio, objcg)
    for _ in range(STATS):
        start(mod_memcg_state, objcg)
    start(rmdir, child)


@finally_
def folios_are_where_their_memcg_is(folio: Folio) -> bool:
    return folio.lruvec == folio.objcg.memcg.lruvec and folio in folio.lruvec.folios


@finally_
def lru_size_is_the_length(lruvec: Lruvec) -> bool:
    return lruvec.lru_size == len(lruvec.folios)


@finally_
def every_statistic_is_counted() -> bool:
    return kernel.objcg.memcg.vmstats == STATS


@finally_
def child_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 1
