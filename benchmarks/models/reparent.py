"""The seed design at the granularity of the peers' models beside this file: the same states.

Root, parent and child; K caches; P pages, page i in cache i % K. F CPUs free pages: each takes
any page that is left, enters a read section, loads its cache's back pointer, and uncharges memcg,
parent and root a step at a time. One offliner swaps the back pointers, waits for a grace period and
frees the child. All pages have size 1, as in the peers' languages.
"""

from kmcheck.lang import (
    Annotated,
    ArrayOf,
    Object,
    Process,
    SetOf,
    atomic,
    bound,
    choose,
    me,
    process,
    setup,
    start,
    wait_until,
)

F = bound(2, "CPUs that free pages")
P = bound(3, "pages")
K = bound(2, "caches")


class World(Object):
    cnt: Annotated[ArrayOf[Annotated[int, range(P + 1)]], 3]
    ptr: Annotated[ArrayOf[Annotated[int, range(3)]], K]
    freed: bool
    pages: SetOf[Annotated[int, range(P)]]
    inrcu: SetOf[Process]
    waitset: SetOf[Process]
    left: Annotated[int, range(P + 1)]


w = World()


@process(daemon=True)
def freer() -> None:
    c: Annotated[int, range(K)] = 0
    m: Annotated[int, range(3)] = 0
    while True:
        with atomic("take a page"):
            page = choose(w.pages)
            w.pages.remove(page)
            c = page % K
            page = 0
        with atomic("rcu_read_lock()"):
            w.inrcu.add(me())
        m = w.ptr[c]
        while True:
            with atomic("uncharge"):
                assert not (m == 2 and w.freed)
                w.cnt[m] -= 1
            with atomic("is there a parent?"):
                assert not (m == 2 and w.freed)
                if m == 0:
                    break
                m -= 1
        with atomic("rcu_read_unlock()"):
            w.inrcu.discard(me())
            w.waitset.discard(me())
            w.left -= 1
            c = 0
            m = 0


@process
def offliner() -> None:
    for k in range(K):
        w.ptr[k] = 1
    with atomic("the grace period begins"):
        w.waitset = w.inrcu
    wait_until(not w.waitset, "the grace period ends")
    w.freed = True
    with atomic("all pages are freed"):
        wait_until(w.left == 0)
        assert w.cnt[0] == 0
        assert w.cnt[1] == 0


@setup
def begin() -> None:
    for level in range(3):
        w.cnt[level] = P
    for k in range(K):
        w.ptr[k] = 2
    for i in range(P):
        w.pages.add(i)
    w.left = P
    for _ in range(F):
        start(freer)
    start(offliner)
