"""The life of a cgroup_subsys_state: references, rmdir, offline, release, free.

Semantics: the chain below, in the order in which the kernel runs it. In the kernel each link is
an RCU callback or a work that the one before starts, and nothing else can run in between for this
css; so the first four are one process here, which the spec starts and which calls cgroup_rmdir()
(or the links one by one, to leave one out), and the rest are another one, css_release(), which the
last css_put() starts. The reference count is a plain count: the percpu count's switch to atomic
mode is only seen as the grace period of css_confirm_kill(). Use this file where it matters in which
order the links come; `css_chain` has the same names and every link in the context that it has in
the kernel, softirq or worker, on a percpu_ref, and costs some ten times the states.

    kill_css              flags |= CSS_DYING, the ref is killed: css_tryget_online() fails from here
    css_confirm_kill      a grace period: now it fails on all CPUs
    css_wait_for_children the children have gone offline (online_cnt, since v4.5)
    css_killed_work_fn    cgroup_mutex; ss->css_offline(css); flags &= ~CSS_ONLINE; css_put(css)
    css_release           the last reference is gone; cgroup_mutex; ss->css_released(css);
                          a grace period; ss->css_free(css), which frees the object; css_put(parent)

The base reference is dropped by css_killed_work_fn() (the kernel takes one more, drops the base
reference when it kills, and the other there: the same count at every point that anyone can see).
The root's css, the one without a parent, is not counted (CSS_NO_REF). css_tryget_online() is two
loads in a read section: the dying flag, then the count; a css may be killed in between. A section
that begins after kill_css() sees it here, and need not in the kernel, nor in `css_chain`, before it
is confirmed. A css has up to 255 children.

Kernel: `include/linux/cgroup.h`, `include/linux/cgroup_refcnt.h`, `kernel/cgroup/cgroup.c`,
`lib/percpu-refcount.c`, v6.12.

Misuse reported: `double-kill` (a cgroup removed twice: percpu_ref_kill() warns; in the kernel the
directory is gone by then), `ref-resurrect` (css_get() after the last css_put()), `ref-underflow`;
`sleep-in-atomic` and `deadlock` around cgroup_mutex. A css whose last reference is never dropped
is a zombie: css_is_zombie() tells, for properties of the end.
"""

from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock, synchronize_rcu
from kmcheck.kernel.refcount import (
    Refcount,
    refcount_dec_and_test,
    refcount_inc,
    refcount_inc_not_zero,
    refcount_set,
)
from kmcheck.lang import (
    Annotated,
    Callable,
    Object,
    Ref,
    atomic,
    check,
    process,
    slots,
    start,
    wait_until,
)

Children = Annotated[int, range(256)]


class Css(Object):
    """`struct cgroup_subsys_state`: lives in the object of its subsystem."""

    refcnt: Refcount
    parent: Ref["Css"]
    dying: bool  # CSS_DYING, and the refcount's DEAD bit
    online: bool  # CSS_ONLINE
    children: Children  # not rmdir'ed yet: cgroup.nr_descendants
    online_children: Children  # not offline yet: online_cnt
    css_released: Callable[["Css"], None]  # ss->css_released
    css_free: Callable[["Css"], None]  # ss->css_free


cgroup_mutex = Mutex()


def no_css_released(css: Css) -> None:
    """Do nothing: for a subsystem without css_released()."""


def init_and_link_css(
    css: Css,
    parent: Css | None,
    css_released: Callable[[Css], None],
    css_free: Callable[[Css], None],
) -> None:
    """Bring a css online below its parent, with its base reference."""
    refcount_set(css.refcnt, 1)
    css.parent = parent
    css.online = True
    css.css_released = css_released
    css.css_free = css_free
    if parent is not None:
        css_get(parent)
        parent.children += 1
        parent.online_children += 1


# --- references ---------------------------------------------------------------------------------


def css_get(css: Css) -> None:
    """Take one more reference; the caller must have one."""
    with atomic("css reference taken"):
        if css.parent is not None:
            refcount_inc(css.refcnt)


def css_tryget(css: Css) -> bool:
    """Take a reference unless the last one is gone; tell whether one was taken."""
    with atomic("css reference, unless the last one is gone"):
        taken = True
        if css.parent is not None:
            taken = refcount_inc_not_zero(css.refcnt)
    return taken


def css_tryget_online(css: Css) -> bool:
    """Take a reference unless the css has been killed; tell whether one was taken."""
    rcu_read_lock()  # percpu_ref_tryget_live() has a read section of its own
    taken = False
    if not css.dying:
        taken = css_tryget(css)
    rcu_read_unlock()
    return taken


def css_put(css: Css) -> None:
    """Drop a reference; the last one sets off the release."""
    with atomic("css reference dropped"):
        if css.parent is not None:
            last = refcount_dec_and_test(css.refcnt)
            if last:
                start(css_release, css)


# --- the end of a css ---------------------------------------------------------------------------


def kill_css(css: Css) -> None:
    """Begin rmdir, once no child is left that has not been removed: the css is dying."""
    with atomic("rmdir: css is dying"):
        wait_until(css.children == 0)
        check(not css.dying, "double-kill", "kill_css() on a css that is dying already")
        mutex_lock(cgroup_mutex)
        css.dying = True
        css.parent.children -= 1
        mutex_unlock(cgroup_mutex)


def css_confirm_kill(css: Css) -> None:
    """Wait until css_tryget_online() fails on all CPUs: css_killed_ref_fn()."""
    synchronize_rcu()


def css_wait_for_children(css: Css) -> None:
    """Wait until all children have gone offline."""
    wait_until(css.online_children == 0, "children are offline")


def css_killed_work_fn(css: Css, css_offline: Callable[[Css], None]) -> None:
    """Take the css offline and drop the reference that kept it alive until here."""
    mutex_lock(cgroup_mutex)
    css_offline(css)
    with atomic("css is offline, its base reference dropped"):
        css.online = False
        css.parent.online_children -= 1
        css_put(css)
        mutex_unlock(cgroup_mutex)


def cgroup_rmdir(css: Css, css_offline: Callable[[Css], None]) -> None:
    """Remove a cgroup: from rmdir until it is offline and its base reference dropped."""
    kill_css(css)
    css_confirm_kill(css)
    css_wait_for_children(css)
    css_killed_work_fn(css, css_offline)


@process(limit=slots(Css))
def css_release(css: Css) -> None:
    """Take a css without references out of sight, and free it after a grace period."""
    mutex_lock(cgroup_mutex)
    css.css_released(css)
    mutex_unlock(cgroup_mutex)
    synchronize_rcu()
    parent = css.parent
    css.css_free(css)
    css_put(parent)


def css_is_zombie(css: Css) -> bool:
    """Tell whether a css that has gone offline is still kept by a reference."""
    return css.dying and not css.online and css.refcnt.refs > 0
