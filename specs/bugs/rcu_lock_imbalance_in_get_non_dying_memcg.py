"""mm: memcontrol: RCU lock imbalance in get_non_dying_memcg_{start,end}.

Bug: B24.

Kernel: 2026 (Fixes: 8285917d6f38).

Breaks: on the old hierarchy (v1) get_non_dying_memcg_start() enters a read section and climbs to a
memcg that is not dying; get_non_dying_memcg_end() leaves it. On the new one (v2) both do nothing.
Both ask which one it is, and a remount may change that in between: an unlock without a lock, or a
lock without an unlock.

Fix: ask once. (Here start() tells its caller, who tells end(). That is our way; what the commit
does was not read.)

Modelled: a memcg, a counter of which is changed between start() and end(), and a remount from
either hierarchy to the other.
"""

from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.lang import (
    READ_ONCE,
    WRITE_ONCE,
    Annotated,
    Object,
    Ref,
    alive,
    bound,
    choice,
    choose,
    fetch_add,
    finally_,
    process,
    setup,
    start,
)

UPDATERS = bound(1, "counters that are being changed")
FIX = choice(True, "end() does what start() did, and does not ask again")


class Memcg(Object):
    parent: Ref["Memcg"]
    dying: bool
    stat: Annotated[int, range(9)]


class CgroupSubsys(Object):
    on_dfl: bool  # cgroup_subsys_on_dfl(memory_cgrp_subsys): v2


memory_cgrp_subsys = CgroupSubsys()


def get_non_dying_memcg_start() -> bool:
    """Enter a read section if that is needed; tell whether it was."""
    v1 = not READ_ONCE(memory_cgrp_subsys.on_dfl)
    if v1:
        rcu_read_lock()
    return v1


def get_non_dying_memcg_end(started: bool) -> None:
    if FIX:
        v1 = started
    else:
        v1 = not READ_ONCE(memory_cgrp_subsys.on_dfl)
    if v1:
        rcu_read_unlock()


@process
def mod_memcg_state(of: Memcg) -> None:
    memcg = of
    v1 = get_non_dying_memcg_start()
    if v1 and memcg.dying:
        memcg = memcg.parent
    fetch_add(memcg.stat, 1)
    get_non_dying_memcg_end(v1)


@process
def rebind_subsystems(v2: bool) -> None:
    WRITE_ONCE(memory_cgrp_subsys.on_dfl, v2)


@setup
def either_hierarchy() -> None:
    v2 = choose(True, False)
    memory_cgrp_subsys.on_dfl = v2
    parent = Memcg()
    memcg = Memcg(parent=parent, dying=choose(True, False))
    for _ in range(UPDATERS):
        start(mod_memcg_state, memcg)
    start(rebind_subsystems, not v2)


@finally_
def each_update_is_counted() -> bool:
    return sum(memcg.stat for memcg in alive(Memcg)) == UPDATERS
