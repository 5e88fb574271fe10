"""Objects are charged by the byte, pages by the stock of each CPU, and what is left to the objcg.

Source: Roman Gushchin, "mm: memcg/slab: obj_cgroup API" (v5.9). mm/memcontrol.c, v5.10:
obj_cgroup_charge(), consume_obj_stock(), refill_obj_stock(), drain_obj_stock(),
obj_cgroup_release(), drain_all_stock().

The design. An object holds a reference of its objcg. Pages are charged to the memcg that the objcg
names, and their bytes go into the stock of this CPU, which is used with interrupts off and caches
one objcg, with a reference. When the stock is drained, whole pages are uncharged, and the rest of
the bytes goes back to the objcg (nr_charged_bytes). So a page may be left over when its bytes come
back through different stocks: the objcg's release uncharges it. Offline points the objcg at the
parent, takes a css reference of that for it, kills it, and looks at the stocks of all CPUs for
those to drain.

What is modelled. Pages of two bytes, objects of one. A task allocates an object and frees it; each
CPU drains its stock after its free, as if another memcg used it; the child's whole end, with a look
at all stocks, which it drains itself where the kernel queues a work there. A charge of pages is one
step. Some bytes may be in the first stock, and with the objcg, at first. With FREERS=2, ALLOCS=0 it
holds in 210,891 states, and with FREERS=1 in 928,852 with reductions.

READ_LOCK=no      An objcg's memcg is freed between its load and its use.
TRYGET=no         css_get() from 0 to 1: "mm: memcg/slab: fix use after free in
                  obj_cgroup_charge" (v5.10).
HOLD=no           A stock caches an objcg that is freed.
IRQS_OFF=no       Stocks are used with interrupts on: what drains comes in between.
RETURN_REST=no    Bytes are lost, and the page they are of is charged for ever.
UNCHARGE_REST=no  The same for a page whose bytes have all come back to the objcg.
PIN_PARENT=no     The release drops a reference of the parent that nobody took.
CLEAR_FIRST=no    Draining drops the stock's reference before it clears the pointer: the look from
                  another CPU comes in between, too late for kfree_rcu().
ONE_LOAD=no       The look loads the pointer twice: time of check, time of use.
LOOK_LOCK=no      The look is no RCU read section.
OBJCG_RCU=no      An objcg is freed at once, under the look.

                  predicted         found
default           holds             holds
READ_LOCK=no      use-after-free    use-after-free
TRYGET=no         ref-resurrect     ref-resurrect
HOLD=no           use-after-free    the warning of the release first, use-after-free too
IRQS_OFF=no       bytes lost        every_byte_is_somewhere
RETURN_REST=no    bytes lost        every_byte_is_somewhere
UNCHARGE_REST=no  bytes lost        every_byte_is_somewhere
PIN_PARENT=no     ref-underflow     no_reference_is_lost
CLEAR_FIRST=no    use-after-free    use-after-free
ONE_LOAD=no       null-deref        null-deref
LOOK_LOCK=no      use-after-free    use-after-free
OBJCG_RCU=no      use-after-free    use-after-free
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_put,
    css_tryget,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.lockdep import lockdep_init
from kmcheck.kernel.rcu import (
    RcuHead,
    call_rcu,
    kfree_rcu,
    rcu_assign_pointer,
    rcu_dereference,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_set,
)
from kmcheck.kernel.slab import kfree
from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
from kmcheck.lang import (
    Annotated,
    Object,
    PerCpu,
    Ref,
    alive,
    atomic,
    bound,
    check,
    choice,
    choose,
    closure,
    conserved,
    container_of,
    count,
    fetch_add,
    finally_,
    is_alive,
    process,
    setup,
    start,
    this_cpu,
    wait_until,
    xchg,
)

FREERS = bound(0, "objects that are being freed, each on a CPU of its own")
ALLOCS = bound(1, "tasks that allocate an object and free it, each on a CPU of its own")
READ_LOCK = choice(True, "an objcg's memcg is looked up in an RCU read section")
TRYGET = choice(True, "an objcg's memcg is got by css_tryget(), until that succeeds")
HOLD = choice(True, "a stock holds a reference of the objcg that it caches")
IRQS_OFF = choice(True, "a stock is used with interrupts off")
RETURN_REST = choice(True, "draining gives the bytes that make no page back to the objcg")
UNCHARGE_REST = choice(True, "an objcg's release uncharges the pages that have come back to it")
PIN_PARENT = choice(True, "an objcg that is reparented holds a css reference of the parent")
CLEAR_FIRST = choice(True, "draining clears the stock's pointer before it drops the reference")
ONE_LOAD = choice(True, "the look at another CPU's stock loads the pointer once")
LOOK_LOCK = choice(True, "the look at another CPU's stock is an RCU read section")
OBJCG_RCU = choice(True, "an objcg is freed by RCU")

PAGE_SIZE = 2
OBJECT = 1
PAGES = (FREERS + 1) // 2  # of the objects that are there at first
Bytes = Annotated[int, range(-2, 8)]


class Memcg(Object):
    css: Css
    parent: Ref["Memcg"]
    kmem: Annotated[int, range(-4, 8)]  # pages
    objcg: Ref["ObjCgroup"]


class ObjCgroup(Object):
    refcnt: Refcount
    memcg: Ref[Memcg]
    nr_charged_bytes: Bytes
    ref_rcu: RcuHead  # percpu_ref_kill()'s
    rcu: RcuHead


class Slab(Object, limit=FREERS + ALLOCS):
    """An object, and its place in page->obj_cgroups[]."""

    objcg: Ref[ObjCgroup]


class Stock(Object):
    irq: SpinLock  # local_irq_save() on this CPU
    cached_objcg: Ref[ObjCgroup]
    nr_bytes: Bytes


memcg_stock = PerCpu(Stock)


def local_irq_save(stock: Stock) -> None:
    if IRQS_OFF:
        spin_lock(stock.irq)


def local_irq_restore(stock: Stock) -> None:
    if IRQS_OFF:
        spin_unlock(stock.irq)


# --- pages


def memcg_kmem_charge(memcg: Memcg, nr_pages: int) -> None:
    with atomic("charged at each level; how the walk may go wrong is in reparent_charge"):
        memcg.kmem += nr_pages
        check(memcg.kmem >= 0, "counter-underflow", "page_counter underflow")
        if memcg.parent is not None:
            memcg.parent.kmem += nr_pages


def memcg_kmem_uncharge(memcg: Memcg, nr_pages: int) -> None:
    memcg_kmem_charge(memcg, -nr_pages)


def get_mem_cgroup_from_objcg(objcg: ObjCgroup) -> Memcg:
    if READ_LOCK:
        rcu_read_lock()
    memcg = rcu_dereference(objcg.memcg)
    if TRYGET:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(objcg.memcg)
    else:
        css_get(memcg.css)
    if READ_LOCK:
        rcu_read_unlock()
    return memcg


# --- objcg


def obj_cgroup_put(objcg: ObjCgroup) -> None:
    last = refcount_dec_and_test(objcg.refcnt)
    if last:
        obj_cgroup_release(objcg)


def obj_cgroup_release(objcg: ObjCgroup) -> None:
    nr_bytes = objcg.nr_charged_bytes
    check(nr_bytes % PAGE_SIZE == 0, "warning", "obj_cgroup_release() with part of a page")
    memcg = rcu_dereference(objcg.memcg)
    if UNCHARGE_REST and nr_bytes >= PAGE_SIZE:
        memcg_kmem_uncharge(memcg, nr_bytes // PAGE_SIZE)
    css_put(memcg.css)
    if OBJCG_RCU:
        kfree_rcu(objcg, objcg.rcu)
    else:
        kfree(objcg)


def percpu_ref_switch_to_atomic_rcu(head: RcuHead) -> None:
    obj_cgroup_put(container_of(head, ObjCgroup, ObjCgroup.ref_rcu))


# --- stock


def drain_obj_stock(stock: Stock) -> None:
    with atomic("this CPU's alone"):
        old = stock.cached_objcg
        nr_bytes = stock.nr_bytes
    if old is None:
        return
    if nr_bytes >= PAGE_SIZE:
        memcg = get_mem_cgroup_from_objcg(old)
        memcg_kmem_uncharge(memcg, nr_bytes // PAGE_SIZE)
        css_put(memcg.css)
    if RETURN_REST and nr_bytes % PAGE_SIZE > 0:
        fetch_add(old.nr_charged_bytes, nr_bytes % PAGE_SIZE)
    if CLEAR_FIRST:
        with atomic("this CPU's alone, but for the look at the pointer"):
            stock.nr_bytes = 0
            stock.cached_objcg = None
        if HOLD:
            obj_cgroup_put(old)
    else:
        if HOLD:
            obj_cgroup_put(old)
        with atomic("this CPU's alone, but for the look at the pointer"):
            stock.nr_bytes = 0
            stock.cached_objcg = None


def drain_local_stock(stock: Stock) -> None:
    local_irq_save(stock)
    drain_obj_stock(stock)
    local_irq_restore(stock)


def consume_obj_stock(objcg: ObjCgroup, nr_bytes: int) -> bool:
    stock = this_cpu(memcg_stock)
    with atomic("with interrupts off, on this CPU's alone"):
        wait_until(stock.irq.owner is None)
        enough = stock.cached_objcg == objcg and stock.nr_bytes >= nr_bytes
        if enough:
            stock.nr_bytes -= nr_bytes
    return enough


def refill_obj_stock(objcg: ObjCgroup, nr_bytes: int) -> None:
    stock = this_cpu(memcg_stock)
    local_irq_save(stock)
    if stock.cached_objcg != objcg:
        drain_obj_stock(stock)
        if HOLD:
            refcount_inc(objcg.refcnt)
        rest = xchg(objcg.nr_charged_bytes, 0)
        with atomic("this CPU's alone, but for the look at the pointer"):
            stock.cached_objcg = objcg
            stock.nr_bytes = rest
    with atomic("this CPU's alone"):
        stock.nr_bytes += nr_bytes
        over = stock.nr_bytes > PAGE_SIZE
    if over:
        drain_obj_stock(stock)
    local_irq_restore(stock)


def drain_all_stock(stock: Stock, memcg: Memcg) -> None:
    """Look at a CPU's stock, and have it drained if that is the memcg's or one's below it."""
    if LOOK_LOCK:
        rcu_read_lock()
    objcg = rcu_dereference(stock.cached_objcg)
    flush = False
    if objcg is not None:
        if not ONE_LOAD:
            objcg = rcu_dereference(stock.cached_objcg)
        owner = rcu_dereference(objcg.memcg)
        flush = owner == memcg
    if LOOK_LOCK:
        rcu_read_unlock()
    if flush:
        drain_local_stock(stock)


# --- allocate, free


def obj_cgroup_charge(objcg: ObjCgroup) -> None:
    if not consume_obj_stock(objcg, OBJECT):
        memcg = get_mem_cgroup_from_objcg(objcg)
        memcg_kmem_charge(memcg, 1)
        refill_obj_stock(objcg, PAGE_SIZE - OBJECT)
        css_put(memcg.css)


def free_object(thing: Slab, objcg: ObjCgroup) -> None:
    kfree(thing)
    refill_obj_stock(objcg, OBJECT)
    obj_cgroup_put(objcg)
    drain_local_stock(this_cpu(memcg_stock))


@process
def kmem_cache_free(thing: Slab, objcg: ObjCgroup) -> None:
    free_object(thing, objcg)


@process
def kmem_cache_alloc(objcg: ObjCgroup) -> None:
    obj_cgroup_charge(objcg)
    with atomic("alloc_pages(), in the step in which the charge is over"):
        thing = Slab(objcg=objcg)
    free_object(thing, objcg)


# --- rmdir


def mem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    parent = memcg.parent
    objcg = memcg.objcg
    memcg.objcg = None
    rcu_assign_pointer(objcg.memcg, parent)
    if PIN_PARENT:
        css_get(parent.css)
    call_rcu(objcg.ref_rcu, percpu_ref_switch_to_atomic_rcu)
    for cpu in range(FREERS + ALLOCS):
        drain_all_stock(memcg_stock.on(cpu), parent)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


class Kernel(Object):
    parent: Ref[Memcg]


kernel = Kernel()


@setup
def dying_child() -> None:
    lockdep_init()
    root = Memcg()
    parent = Memcg(parent=root)
    child = Memcg(parent=parent)
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(parent.css, root.css, no_css_released, mem_cgroup_css_free)
    init_and_link_css(child.css, parent.css, no_css_released, mem_cgroup_css_free)
    kernel.parent = parent
    objcg = ObjCgroup(memcg=child)
    child.objcg = objcg
    refcount_set(objcg.refcnt, 1 + FREERS + ALLOCS)
    objcg.nr_charged_bytes = PAGES * PAGE_SIZE - FREERS
    memcg_kmem_charge(child, PAGES)
    if choose(True, False):  # a page whose bytes are with the objcg and in the stock of CPU 0
        memcg_kmem_charge(child, 1)
        objcg.nr_charged_bytes += PAGE_SIZE - OBJECT
        memcg_stock.on(0).nr_bytes = OBJECT
        memcg_stock.on(0).cached_objcg = objcg
        if HOLD:
            refcount_inc(objcg.refcnt)
    for cpu in range(ALLOCS):
        start(kmem_cache_alloc, objcg, cpu=cpu)
    for cpu in range(FREERS):
        thing = Slab(objcg=objcg)
        start(kmem_cache_free, thing, objcg, cpu=ALLOCS + cpu)
    start(rmdir, child)


def is_in_use(objcg: ObjCgroup | None, memcg: Memcg) -> bool:
    """Tell whether an objcg names a memcg, or one below it, and has not been released yet."""
    if objcg is None or not is_alive(objcg) or objcg.refcnt.refs == 0:
        return False
    return memcg in closure(objcg.memcg, Memcg.parent)


@conserved
def every_byte_is_somewhere(memcg: Memcg) -> bool:
    """An online memcg is charged for objects, for what stocks hold, and for what objcgs keep."""
    if not memcg.css.online or memcg.parent is None:
        return True
    objects = count(o for o in alive(Slab) if memcg in closure(o.objcg.memcg, Memcg.parent))
    kept = sum(g.nr_charged_bytes for g in alive(ObjCgroup) if is_in_use(g, memcg))
    stocks = sum(s.nr_bytes for s in alive(Stock) if is_in_use(s.cached_objcg, memcg))
    return PAGE_SIZE * memcg.kmem == OBJECT * objects + kept + stocks


@finally_
def all_is_freed() -> bool:
    """No memcg is a zombie, and no objcg is left."""
    return all(m.css.online for m in alive(Memcg)) and count(o for o in alive(ObjCgroup)) == 0


@finally_
def no_reference_is_lost() -> bool:
    """Only the base reference is left of the parent's."""
    return is_alive(kernel.parent) and kernel.parent.css.refcnt.refs == 1
