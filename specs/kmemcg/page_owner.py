"""Who keeps a dying memcg alive while pages point at it: the DEAD flag, and one css reference.

Source: Glauber Costa and Vladimir Davydov, LKML 2014-02-05, "[PATCH -mm v15 00/13] kmemcg
shrinkers", on top of mm/memcontrol.c as of v3.14. Never merged; the flag's protocol is in v3.8 to
v3.18. Its rival, PIN=page, is v3.19.

The design. Each page of kernel memory points at the memcg that it is charged to
(`lookup_page_cgroup(page)->mem_cgroup`) and holds no reference on it. When the memcg goes
offline, kmem_cgroup_css_offline() takes one css reference for all of its pages together, and sets
KMEM_ACCOUNTED_DEAD. Whoever uncharges the last page and clears the flag drops that reference; if
nothing is charged any more, offline itself does. So the memcg should live until its last page is
freed, and exactly one of the two should drop the reference.

What is modelled. A memcg below the root, its pages, each being freed, and its rmdir. Sizes are
symbols. kmem is one level deep (the root is not charged). lock_page_cgroup() regions are one step
each. The slab caches of the memcg and what is done about them are in page_owner_drain.

GET_FIRST=no        Offline sets the flag before it takes the reference: the uncharger drops one
                    that nobody took, the memcg's last, and offline takes one on a memcg that is
                    on its way to be freed. (The comment in memcg_kmem_mark_dead() warns of it.)
READ_AFTER_DEAD=no  Offline has read kmem before others see the flag: each relies on the other to
                    drop the reference, and the memcg is a zombie. The code reads it after, but
                    the smp_wmb() in memcg_kmem_mark_dead() is before the flag is set, and nothing
                    is between setting the flag and the read, so that a CPU may swap these two
                    (never on x86). Store buffers are not modelled yet; here the swap is in the
                    program.
READ_LOCK=no        As in the patches, and in v3.8 to v3.18. After an uncharge that brings kmem
                    to zero, and before test_and_clear_bit(), nothing keeps the memcg: offline may
                    see the zero, clear the flag and drop the reference, and the memcg is freed a
                    grace period later. A read section around the uncharge is enough; without
                    CONFIG_PREEMPT the kernel has one there by accident, since the CPU does not
                    schedule in between. Found by kmcheck; we know of no report.
LATE_CHARGE=yes     A task has passed css_tryget(), leaves the memcg, and charges its page when
                    offline has found kmem at zero already. Its own reference it drops before the
                    page exists: the page's owner is freed. (v3.13 met the same with user pages:
                    96f1c58d8534 "mm: memcg: fix race condition between memcg teardown and
                    swapin".) With another page there is a second way, also new: an uncharge
                    brings kmem to zero before the flag is set, a charge brings it up again, and
                    then the uncharge finds the flag and drops the reference that is the new
                    page's by now.
PIN=page            Each page holds a css reference of its memcg, and the flag is gone: makes up
                    for the last two. At its price: every page of a dead memcg keeps a zombie.

                    predicted                     found
default             holds                         holds
GET_FIRST=no        use-after-free/ref-resurrect  ref-resurrect
READ_AFTER_DEAD=no  zombie                        no_memcg_is_a_zombie
READ_LOCK=no        holds                         use-after-free
LATE_CHARGE=yes     use-after-free                use-after-free, in two ways
PIN=page            holds                         holds, with the last two as well
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_is_zombie,
    css_put,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Counter,
    Enum,
    Object,
    Ref,
    Size,
    alive,
    atomic,
    auto,
    bound,
    check,
    choice,
    conserved,
    container_of,
    finally_,
    process,
    setup,
    start,
    test_and_clear,
    total,
)


class Pin(Enum):
    DEAD_FLAG = auto()
    PAGE = auto()


PAGES = bound(2, "charged pages of the memcg that are being freed")
PIN = choice(Pin.DEAD_FLAG, "what keeps the memcg of a charged page alive")
GET_FIRST = choice(True, "offline takes the reference before it sets the flag")
READ_AFTER_DEAD = choice(True, "offline reads kmem after all CPUs can see the flag")
READ_LOCK = choice(True, "a page is uncharged inside an RCU read section")
LATE_CHARGE = choice(False, "a task has left the memcg in the middle of an allocation")


class Memcg(Object):
    css: Css
    kmem: Counter
    dead: bool  # KMEM_ACCOUNTED_DEAD in kmem_account_flags


class Page(Object):
    mem_cgroup: Ref[Memcg]  # of its page_cgroup
    used: bool  # PageCgroupUsed()
    size: Size


def memcg_charge_kmem(memcg: Memcg, nr_pages: Size) -> None:
    if PIN == Pin.PAGE:
        css_get(memcg.css)
    memcg.kmem.add(nr_pages)


def memcg_uncharge_kmem(memcg: Memcg, nr_pages: Size) -> None:
    with atomic("res_counter_uncharge()"):
        memcg.kmem.sub(nr_pages)
        check(memcg.kmem >= 0, "counter-underflow", "res_counter underflow")
        down_to_zero = memcg.kmem.is_zero()
    if PIN == Pin.PAGE:
        css_put(memcg.css)
    elif down_to_zero:
        dead = test_and_clear(memcg.dead)
        if dead:
            css_put(memcg.css)


def memcg_kmem_uncharge_pages(page: Page) -> None:
    if READ_LOCK:
        rcu_read_lock()
    with atomic("lock_page_cgroup()"):
        memcg = page.mem_cgroup
        nr_pages = page.size
        page.used = False
    memcg_uncharge_kmem(memcg, nr_pages)
    if READ_LOCK:
        rcu_read_unlock()


@process
def free_memcg_kmem_pages(page: Page) -> None:
    memcg_kmem_uncharge_pages(page)
    kfree(page)


@process
def alloc_kmem_pages(memcg: Memcg, page: Page) -> None:
    # memcg_kmem_newpage_charge(), from where css_tryget() has succeeded
    nr_pages = page.size
    memcg_charge_kmem(memcg, nr_pages)
    css_put(memcg.css)
    # alloc_pages(), then memcg_kmem_commit_charge()
    with atomic("lock_page_cgroup()"):
        page.mem_cgroup = memcg
        page.used = True
    # and, later
    memcg_kmem_uncharge_pages(page)
    kfree(page)


def kmem_cgroup_css_offline(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    if PIN == Pin.DEAD_FLAG:
        if GET_FIRST:
            css_get(css)
        if READ_AFTER_DEAD:
            memcg.dead = True  # memcg_kmem_mark_dead()
            uncharged = memcg.kmem.is_zero()
        else:
            uncharged = memcg.kmem.is_zero()
            memcg.dead = True
        if not GET_FIRST:
            css_get(css)
        if uncharged:
            dead = test_and_clear(memcg.dead)
            if dead:
                css_put(css)


def mem_cgroup_css_free(css: Css) -> None:
    memcg = container_of(css, Memcg, Memcg.css)
    kfree(memcg)


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, kmem_cgroup_css_offline)


@setup
def dying_memcg() -> None:
    root = Memcg()
    memcg = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    init_and_link_css(memcg.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(PAGES):
        page = Page(mem_cgroup=memcg, used=True)
        memcg_charge_kmem(memcg, page.size)
        start(free_memcg_kmem_pages, page)
    if LATE_CHARGE:
        new = Page()
        css_get(memcg.css)
        start(alloc_kmem_pages, memcg, new)
    start(rmdir, memcg)


@conserved
def charged_to_its_owner(memcg: Memcg) -> bool:
    """A memcg's counter holds the pages that point at it."""
    return memcg.kmem == total(
        page.size for page in alive(Page) if page.used and page.mem_cgroup == memcg
    )


@finally_
def no_memcg_is_a_zombie(memcg: Memcg) -> bool:
    return not css_is_zombie(memcg.css)
