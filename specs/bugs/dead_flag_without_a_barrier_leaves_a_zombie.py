"""[PATCH -mm v15] memcg: the DEAD flag is set, and kmem is read, without a barrier in between.

Bug: B47.

Kernel: the protocol of KMEM_ACCOUNTED_DEAD, v3.8 to v3.18. The title is ours.

Breaks: when a memcg goes offline, it takes a reference, sets DEAD, and looks whether anything is
charged; if so, whoever uncharges the last page clears DEAD and drops the reference. The smp_wmb()
is before DEAD is set. Nothing keeps the CPU from reading the charge before others see the flag:
each relies on the other, the reference is never dropped, and the memcg is a zombie.

Fix: a full barrier, smp_mb__after_atomic(), between setting the flag and reading the charge.

Memory: this needs weak memory to show. kmcheck is sequentially consistent, and says `holds` of the
code as it was (FIX=no). So does x86, where set_bit() is a locked instruction.

Finding: with STORE_BUFFER=yes the store of DEAD waits in a buffer for as long as it likes, and
kmcheck confirms the zombie. That is how a CPU may behave where set_bit() orders nothing, such as
arm64 and powerpc. One page is enough.

Modelled: charged pages that are being freed, and the memcg's offline. The store buffer, for this
one flag and this one CPU, is written in the spec.
"""

from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_read,
    refcount_set,
)
from kmcheck.lang import (
    Annotated,
    Object,
    action,
    add_return,
    bound,
    choice,
    finally_,
    process,
    setup,
    start,
    test_and_clear,
    wait_until,
)

PAGES = bound(2, "charged pages that are being freed")
FIX = choice(True, "a full barrier stands between setting DEAD and reading the charge")
STORE_BUFFER = choice(False, "the store of DEAD may be late: weak memory, for this one flag")


class Memcg(Object):
    refcnt: Refcount
    kmem: Annotated[int, range(8)]
    dead: bool  # KMEM_ACCOUNTED_DEAD


class StoreBuffer(Object):
    dead: bool  # DEAD has been set, and others do not see it yet


memcg = Memcg()
store_buffer = StoreBuffer()


def set_dead() -> None:
    if STORE_BUFFER:
        store_buffer.dead = True
    else:
        memcg.dead = True


@action
def store_buffer_drains() -> None:
    wait_until(store_buffer.dead)
    store_buffer.dead = False
    memcg.dead = True


def smp_mb() -> None:
    if STORE_BUFFER:
        wait_until(not store_buffer.dead, "smp_mb(): the store buffer is empty")


def memcg_release() -> None:
    """Drop the reference that offline has taken, if nobody else has."""
    if test_and_clear(memcg.dead):
        refcount_dec_and_test(memcg.refcnt)


@process
def memcg_uncharge_kmem() -> None:
    kmem = add_return(memcg.kmem, -1)
    if kmem == 0:
        memcg_release()


@process
def kmem_cgroup_css_offline() -> None:
    refcount_inc(memcg.refcnt)
    set_dead()
    if FIX:
        smp_mb()
    if memcg.kmem == 0:
        smp_mb()  # of test_and_clear_bit()
        memcg_release()
    refcount_dec_and_test(memcg.refcnt)  # the base reference


@setup
def charged_pages() -> None:
    refcount_set(memcg.refcnt, 1)
    memcg.kmem = PAGES
    for _ in range(PAGES):
        start(memcg_uncharge_kmem)
    start(kmem_cgroup_css_offline)


@finally_
def the_memcg_is_no_zombie() -> bool:
    return refcount_read(memcg.refcnt) == 0
