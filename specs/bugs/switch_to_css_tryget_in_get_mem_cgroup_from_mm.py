"""mm: memcg: switch to css_tryget() in get_mem_cgroup_from_mm().

Bug: B08.

Kernel: fixed in v5.4 (00d484f354d8).

Breaks: get_mem_cgroup_from_mm() looks the memcg of an mm up in a read section, and tries
css_tryget_online() until that succeeds. The task that the mm belongs to is exiting: it stays in its
cgroup until it is gone, and the cgroup is removed meanwhile. So the same memcg is found each time,
and it is never online again. The grace period after which it would go offline waits for the read
section: nothing that the loop waits for can happen.

Fix: css_tryget() fails only when the last reference is gone, and the task has one.

Modelled: root > child, a task in the child that faults a page in while it exits, and the child's
rmdir. The task's own reference of the css (its css_set's) is dropped when it is gone.
"""

from kmcheck.kernel.css import (
    Css,
    cgroup_rmdir,
    css_get,
    css_put,
    css_tryget,
    css_tryget_online,
    init_and_link_css,
    no_css_released,
)
from kmcheck.kernel.rcu import rcu_dereference, rcu_read_lock, rcu_read_unlock
from kmcheck.kernel.slab import kfree
from kmcheck.lang import (
    Object,
    Ref,
    alive,
    bound,
    choice,
    container_of,
    count,
    eventually,
    process,
    setup,
    start,
)

TASKS = bound(1, "tasks of the child that are exiting")
FIX = choice(True, "css_tryget(), not css_tryget_online()")


class Memcg(Object):
    css: Css


class Mm(Object):
    memcg: Ref[Memcg]  # of mm->owner


def get_mem_cgroup_from_mm(mm: Mm) -> Memcg:
    rcu_read_lock()
    memcg = rcu_dereference(mm.memcg)
    if FIX:
        while not css_tryget(memcg.css):
            memcg = rcu_dereference(mm.memcg)
    else:
        while not css_tryget_online(memcg.css):
            memcg = rcu_dereference(mm.memcg)
    rcu_read_unlock()
    return memcg


@process
def do_exit(mm: Mm) -> None:
    memcg = get_mem_cgroup_from_mm(mm)  # mem_cgroup_charge(), of a page that is faulted in
    css_put(memcg.css)
    css_put(memcg.css)  # cgroup_exit()


def mem_cgroup_css_offline(css: Css) -> None:
    pass


def mem_cgroup_css_free(css: Css) -> None:
    kfree(container_of(css, Memcg, Memcg.css))


@process
def rmdir(memcg: Memcg) -> None:
    cgroup_rmdir(memcg.css, mem_cgroup_css_offline)


@setup
def a_child_with_exiting_tasks() -> None:
    root = Memcg()
    init_and_link_css(root.css, None, no_css_released, mem_cgroup_css_free)
    child = Memcg()
    init_and_link_css(child.css, root.css, no_css_released, mem_cgroup_css_free)
    for _ in range(TASKS):
        mm = Mm(memcg=child)
        css_get(child.css)
        start(do_exit, mm)
    start(rmdir, child)


@eventually
def the_child_is_freed() -> bool:
    return count(memcg for memcg in alive(Memcg)) == 1
