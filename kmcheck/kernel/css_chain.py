"""The life of a cgroup_subsys_state link by link: each in the context that it has in the kernel.

Semantics: the names and the guarantees are those of `css`, but here the reference count is a
percpu_ref, and what `css` does in two processes is the chain of the kernel. rmdir returns at once;
the rest runs in softirq and on workers, whoever waits.

    rmdir, a task      K1  CSS_DYING  K2  css_get()
                       K3  the ref is killed, its switch is call_rcu()'d
                       K4  the base reference is dropped
    softirq, after a   K5  zero is noticed from here on, and css_tryget_online() fails
    grace period       K6  css_killed_ref_fn(): online_cnt--, killed_work is queued at zero
    killed_work        K7  cgroup_mutex  K8  ss->css_offline(css)  K9  CSS_ONLINE is cleared
                       K10 css_put(), the reference of K2; the parent's online_cnt--, and at zero
                           it is the parent's turn
                       K11 unlock
    the last put, in   K12 css_release(): release_work is queued
    any context
    release_work       K13 cgroup_mutex, ss->css_released(css)
                       K14 queue_rcu_work(): free_work is queued after a grace period, K15
    free_work          K16 percpu_ref_exit(), ss->css_free(css)  K17 css_put(parent)

css_offline() is a function of the css, since a worker calls it. Use `css` where it only matters in
which order the links come. Use this one where it matters who runs a link, when zero is noticed,
what is so between the kill and its confirmation, or that the removal goes on although nobody waits
for it. A spec uses one of the two, and this one costs: a removal alone has 130 states here and 17
there, two side by side 112,000 and 368. A loop that retries css_tryget_online() in a read section
holds K5 up, and with it the K8 that it waits for; css_tryget() fails only after K12.

What nobody can tell apart is one step: taking a lock and what it guards, the last put and
css_release(), which only queues a work and so does not care about its caller's locks. The root's
css, the one without a parent, is not counted (CSS_NO_REF). The works run side by side:
cgroup_destroy_wq has max_active = 1, but for each CPU. A css has up to 254 children.

Kernel: `include/linux/cgroup.h`, `include/linux/cgroup_refcnt.h`, `kernel/cgroup/cgroup.c`, v6.12
(rcu_work since v4.18, online_cnt since v4.5).

Misuse reported: `double-kill` (a cgroup removed twice), `ref-resurrect`, `ref-underflow` and
`use-after-exit` by the percpu_ref; `sleep-in-atomic` and `deadlock` around cgroup_mutex. A css
whose last reference is never dropped is a zombie: css_is_zombie() tells, for properties of the
end.
"""

from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.percpu_ref import (
    PercpuRef,
    percpu_ref_exit,
    percpu_ref_get,
    percpu_ref_init,
    percpu_ref_kill_and_confirm,
    percpu_ref_put_many_and_test,
    percpu_ref_tryget,
    percpu_ref_tryget_live,
)
from kmcheck.kernel.rcu import RcuHead, call_rcu, rcu_read_unlock
from kmcheck.kernel.workqueue import INIT_WORK, Work, Workqueue, queue_work
from kmcheck.lang import (
    Annotated,
    Callable,
    Object,
    Ref,
    atomic,
    check,
    container_of,
    wait_until,
)

Children = Annotated[int, range(256)]


class Css(Object):
    """`struct cgroup_subsys_state`: lives in the object of its subsystem."""

    refcnt: PercpuRef
    parent: Ref["Css"]
    dying: bool  # CSS_DYING
    online: bool  # CSS_ONLINE
    children: Children  # not rmdir'ed yet: cgroup.nr_descendants
    online_cnt: Children  # itself, until its kill is confirmed, and children that are not offline
    destroy_work: Work  # killed_work, then release_work
    free_rcu: RcuHead  # destroy_rwork
    free_work: Work
    css_offline: Callable[["Css"], None]  # ss->css_offline
    css_released: Callable[["Css"], None]  # ss->css_released
    css_free: Callable[["Css"], None]  # ss->css_free


cgroup_mutex = Mutex()
cgroup_destroy_wq = Workqueue()


def no_css_released(css: Css) -> None:
    """Do nothing: for a subsystem without css_released()."""


def init_and_link_css(
    css: Css,
    parent: Css | None,
    css_offline: Callable[[Css], None],
    css_released: Callable[[Css], None],
    css_free: Callable[[Css], None],
) -> None:
    """Bring a css online below its parent, with its base reference."""
    percpu_ref_init(css.refcnt, css_release)
    css.parent = parent
    css.online = True
    css.online_cnt = 1
    css.css_offline = css_offline
    css.css_released = css_released
    css.css_free = css_free
    if parent is not None:
        css_get(parent)
        parent.children += 1
        parent.online_cnt += 1


# --- references ---------------------------------------------------------------------------------


def css_get(css: Css) -> None:
    """Take one more reference; the caller must have one."""
    with atomic("css reference taken"):
        if css.parent is not None:
            percpu_ref_get(css.refcnt)


def css_tryget(css: Css) -> bool:
    """Take a reference unless the last one is gone; tell whether one was taken."""
    with atomic("css reference, unless the last one is gone"):
        taken = True
        if css.parent is not None:
            taken = percpu_ref_tryget(css.refcnt)
    return taken


def css_tryget_online(css: Css) -> bool:
    """Take a reference unless the css has been killed; tell whether one was taken."""
    taken = True
    if css.parent is not None:
        taken = percpu_ref_tryget_live(css.refcnt)
    return taken


def css_put(css: Css) -> None:
    """Drop a reference; the last one sets off the release, here and now."""
    with atomic("css reference dropped"):
        last = False
        if css.parent is not None:
            last = percpu_ref_put_many_and_test(css.refcnt, 1)
        if last:
            css_release(css.refcnt)
            rcu_read_unlock()


# --- rmdir --------------------------------------------------------------------------------------


def kill_css(css: Css) -> None:
    """Kill a css that is marked as dying; cgroup_mutex is held."""
    with atomic("css_get(), percpu_ref_kill_and_confirm()"):
        css_get(css)  # keeps it through its offline
        percpu_ref_kill_and_confirm(css.refcnt, css_killed_ref_fn)


def cgroup_rmdir(css: Css) -> None:
    """Remove a cgroup, once no child is left that has not been removed."""
    with atomic("rmdir: cgroup_mutex; css is dying"):
        wait_until(css.children == 0)
        check(not css.dying, "double-kill", "rmdir of a cgroup that has been removed")
        mutex_lock(cgroup_mutex)
        css.parent.children -= 1
        css.dying = True
    with atomic("css is killed; unlocked"):
        kill_css(css)
        mutex_unlock(cgroup_mutex)


def css_killed_ref_fn(ref: PercpuRef) -> None:
    """Go on with the css in a worker, unless a child is still online; in softirq."""
    css = container_of(ref, Css, Css.refcnt)
    with atomic("online_cnt--, killed_work queued at zero"):
        css.online_cnt -= 1
        if css.online_cnt == 0:
            INIT_WORK(css.destroy_work, css_killed_work_fn)
            queue_work(cgroup_destroy_wq, css.destroy_work)


def css_killed_work_fn(work: Work) -> None:
    """Take a css offline and drop the reference of kill_css(); then its ancestors that wait."""
    css = container_of(work, Css, Css.destroy_work)
    with atomic("cgroup_mutex"):
        mutex_lock(cgroup_mutex)
        css_offline = css.css_offline
    more = True
    while more:
        css_offline(css)
        css.online = False
        with atomic("css reference dropped"):
            parent = css.parent
            css_put(css)
        with atomic("parent's online_cnt--; unlocked, unless it goes offline now"):
            css = parent
            css_offline = css.css_offline
            css.online_cnt -= 1
            more = css.online_cnt == 0
            if not more:
                mutex_unlock(cgroup_mutex)


# --- release ------------------------------------------------------------------------------------


def css_release(ref: PercpuRef) -> None:
    """Go on in a worker: the last put may be anywhere."""
    css = container_of(ref, Css, Css.refcnt)
    with atomic("css_release(): release_work queued"):
        INIT_WORK(css.destroy_work, css_release_work_fn)
        queue_work(cgroup_destroy_wq, css.destroy_work)


def css_release_work_fn(work: Work) -> None:
    """Take a css without references out of sight, and free it after a grace period."""
    css = container_of(work, Css, Css.destroy_work)
    with atomic("cgroup_mutex"):
        mutex_lock(cgroup_mutex)
        css_released = css.css_released
    css_released(css)
    mutex_unlock(cgroup_mutex)
    call_rcu(css.free_rcu, css_free_rcu_work)


def css_free_rcu_work(head: RcuHead) -> None:
    """Go on in a worker: rcu_work_rcufn(), in softirq."""
    css = container_of(head, Css, Css.free_rcu)
    with atomic("free_work queued"):
        INIT_WORK(css.free_work, css_free_rwork_fn)
        queue_work(cgroup_destroy_wq, css.free_work)


def css_free_rwork_fn(work: Work) -> None:
    """Free a css, and let its parent go."""
    css = container_of(work, Css, Css.free_work)
    with atomic("percpu_ref_exit()"):
        percpu_ref_exit(css.refcnt)
        css_free = css.css_free
        parent = css.parent
    css_free(css)
    css_put(parent)


def css_is_zombie(css: Css) -> bool:
    """Tell whether a css that has gone offline is still kept by a reference."""
    return css.dying and not css.online and css.refcnt.count > 0
