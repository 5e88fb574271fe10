"""Reference counts that are kept per CPU until they are killed.

Semantics: each get, tryget and put is one step. A ref begins in percpu mode with the base
reference. percpu_ref_kill() marks it dead, starts the switch to atomic mode and drops the base
reference, in one step; the switch is an RCU callback, which runs the confirmation in softirq, and
then drops a reference that it has held meanwhile. Until that grace period is over nobody notices
that the count is zero; from then on the put that makes it zero runs `release`, in its own context:
in a read section, with whatever locks it holds. percpu_ref_tryget_live() succeeds before the kill
and fails once the grace period is over. In between it does either, whoever calls it: one CPU has
seen the kill by then and another has not, and only the confirmation says that all have. Where it
succeeds, the grace period waits for the read section that it is in. A count goes up to 255.

    PERCPU       percpu_ref_init()    the sum of the counts is not known: zero is not noticed
    SWITCHING    percpu_ref_kill()    dead, and atomic, but biased: zero is not noticed yet
    CONFIRMING   a grace period       the count is exact; the switch still holds a reference
    ATOMIC       confirm_switch()     the last put runs release()
    EXITED       percpu_ref_exit()    as before percpu_ref_init()

The count is one number, the sum of what the kernel keeps per CPU and in the atomic part, without
the bias. Nothing is lost by that. An operation picks the part and changes it inside one read
section, and the switch waits for those, so no change is missed or counted twice: at each moment
the sum is what was got minus what was put. Which part holds how much of it is never looked at:
zero is looked for only when there is one part left. So a put that has seen percpu mode before the
kill and subtracts after it, on any CPU, is a put in SWITCHING. Atomic refs that are switched back
(percpu_ref_reinit(), percpu_ref_resurrect()) are left out. Allocating the percpu part does not
fail here; where it may, the spec chooses so before percpu_ref_init().

Kernel: `include/linux/percpu-refcount.h`, `lib/percpu-refcount.c`, v6.12; kill and confirm since
v3.14, atomic refs that are not dead since v3.18. Before v4.20 the sections and the callback were
those of rcu_sched.

Misuse reported: `double-kill` (killed twice), `ref-underflow` (put below zero, also where percpu
mode hides it in the kernel; and a count of zero after the switch, where the kernel warns),
`ref-resurrect` (percpu_ref_get() on zero after the switch: release is on its way),
`exit-while-switching` (percpu_ref_exit() before the confirmation has returned),
`free-while-referenced` (percpu_ref_exit() while others have references), `use-after-exit` (used
after percpu_ref_exit(), or before percpu_ref_init()), `ref-leak` (freed without
percpu_ref_exit(): the percpu part is lost), `free-while-pending` (freed with the switch
pending); `sleep-in-atomic` by a release that sleeps. A loop that retries percpu_ref_tryget_live()
in a read section keeps the grace period from ending for which it waits.
"""

from kmcheck.kernel.rcu import (
    RcuHead,
    rcu_hold_up,
    rcu_queue,
    rcu_read_lock,
    rcu_read_unlock,
)
from kmcheck.lang import (
    Annotated,
    Callable,
    Enum,
    Object,
    Process,
    atomic,
    auto,
    check,
    choose,
    container_of,
)

Count = Annotated[int, range(256)]


class RefMode(Enum):
    """What the low bits of percpu_count_ptr say, and how far the switch has come."""

    EXITED = auto()
    PERCPU = auto()
    SWITCHING = auto()
    CONFIRMING = auto()
    ATOMIC = auto()


class PercpuRef(Object):
    """`struct percpu_ref`: lives in the object that it counts."""

    count: Count
    mode: RefMode
    release: Callable[["PercpuRef"], None]
    confirm_switch: Callable[["PercpuRef"], None]
    rcu: RcuHead
    switch: Process | None  # who waits for the grace period

    def on_free(self) -> None:
        """Look for the percpu part."""
        check(self.mode == RefMode.EXITED, "ref-leak", "freed without percpu_ref_exit()")


def percpu_ref_init(ref: PercpuRef, release: Callable[[PercpuRef], None]) -> None:
    """Begin in percpu mode with the base reference."""
    with atomic("percpu ref, 1 reference"):
        ref.count = 1
        ref.mode = RefMode.PERCPU
        ref.release = release


def percpu_ref_exit(ref: PercpuRef) -> None:
    """Give the percpu part back; nobody may use the ref any more."""
    with atomic("percpu part freed"):
        check(ref.mode != RefMode.EXITED, "use-after-exit", "percpu_ref_exit() twice")
        check(
            ref.mode == RefMode.PERCPU or ref.mode == RefMode.ATOMIC,
            "exit-while-switching",
            "percpu_ref_exit() while the switch to atomic mode is pending",
        )
        check(
            ref.count == 0 or (ref.mode == RefMode.PERCPU and ref.count == 1),
            "free-while-referenced",
            "percpu_ref_exit() while others have references",
        )
        ref.mode = RefMode.EXITED
        ref.count = 0


# --- get ----------------------------------------------------------------------------------------


def percpu_ref_is_switched(ref: PercpuRef) -> bool:
    """Tell whether the count is exact, so that zero is noticed."""
    check(ref.mode != RefMode.EXITED, "use-after-exit", "used after percpu_ref_exit()")
    return ref.mode == RefMode.CONFIRMING or ref.mode == RefMode.ATOMIC


def percpu_ref_get_many(ref: PercpuRef, nr: int) -> None:
    """Take references; the caller must have one."""
    with atomic("references taken"):
        check(
            not percpu_ref_is_switched(ref) or ref.count > 0,
            "ref-resurrect",
            "percpu_ref_get() on a count of zero",
        )
        ref.count += nr


def percpu_ref_get(ref: PercpuRef) -> None:
    """Take one more reference; the caller must have one."""
    percpu_ref_get_many(ref, 1)


def percpu_ref_tryget(ref: PercpuRef) -> bool:
    """Take a reference unless the last one is gone; tell whether one was taken."""
    with atomic("a reference, unless the last one is gone"):
        taken = not percpu_ref_is_switched(ref) or ref.count > 0
        if taken:
            ref.count += 1
    return taken


def percpu_ref_tryget_live(ref: PercpuRef) -> bool:
    """Take a reference unless the ref has been killed; tell whether one was taken."""
    rcu_read_lock()
    with atomic("a reference, unless the ref is seen to be dead"):
        taken = not percpu_ref_is_switched(ref)
        if ref.mode == RefMode.SWITCHING:
            taken = ref.rcu.queued and choose(True, False)
            if taken and ref.switch is not None:
                rcu_hold_up(ref.switch)
        if taken:
            ref.count += 1
    rcu_read_unlock()
    return taken


# --- put ----------------------------------------------------------------------------------------


def percpu_ref_put_many_and_test(ref: PercpuRef, nr: int) -> bool:
    """Drop references; if none is left, tell so, in a read section that the caller is to end."""
    with atomic("references dropped"):
        exact = percpu_ref_is_switched(ref)
        check(ref.count >= nr, "ref-underflow", "percpu_ref_put() of more than there are")
        ref.count -= nr
        last = exact and ref.count == 0
        if last:
            rcu_read_lock()
    return last


def percpu_ref_put_many(ref: PercpuRef, nr: int) -> None:
    """Drop references; the last one, once the ref is switched, runs release() here and now."""
    with atomic("references dropped"):
        last = percpu_ref_put_many_and_test(ref, nr)
        release = ref.release
    if last:
        release(ref)
        rcu_read_unlock()


def percpu_ref_put(ref: PercpuRef) -> None:
    """Drop a reference; the last one, once the ref is switched, runs release() here and now."""
    percpu_ref_put_many(ref, 1)


# --- kill ---------------------------------------------------------------------------------------


def percpu_ref_noop_confirm_switch(ref: PercpuRef) -> None:
    """Do nothing: for percpu_ref_kill()."""


def percpu_ref_switch_to_atomic_rcu(rcu: RcuHead) -> None:
    """Sum up what the CPUs have counted, confirm, and drop the switch's own reference."""
    ref = container_of(rcu, PercpuRef, PercpuRef.rcu)
    with atomic("count += sum of the CPUs' - bias"):
        check(ref.count > 0, "ref-underflow", "percpu ref <= 0 after switching to atomic")
        ref.mode = RefMode.CONFIRMING
        ref.switch = None
        confirm_switch = ref.confirm_switch
    confirm_switch(ref)
    with atomic("switched, its reference dropped"):
        ref.mode = RefMode.ATOMIC
        last = percpu_ref_put_many_and_test(ref, 1)
        release = ref.release
    if last:
        release(ref)
        rcu_read_unlock()


def percpu_ref_kill_and_confirm(ref: PercpuRef, confirm_kill: Callable[[PercpuRef], None]) -> None:
    """Drop the base reference for good; after a grace period `confirm_kill(ref)` is called."""
    with atomic("dead; switch to atomic mode begins; base reference dropped"):
        check(ref.mode != RefMode.EXITED, "use-after-exit", "killed after percpu_ref_exit()")
        check(ref.mode == RefMode.PERCPU, "double-kill", "percpu_ref_kill() called more than once")
        ref.mode = RefMode.SWITCHING
        ref.confirm_switch = confirm_kill
        # the switch takes a reference, and the base reference is dropped: the same count
        ref.switch = rcu_queue(ref.rcu, percpu_ref_switch_to_atomic_rcu)


def percpu_ref_kill(ref: PercpuRef) -> None:
    """Drop the base reference for good."""
    percpu_ref_kill_and_confirm(ref, percpu_ref_noop_confirm_switch)


# --- looks --------------------------------------------------------------------------------------


def percpu_ref_is_dying(ref: PercpuRef) -> bool:
    """Tell whether the ref has been killed."""
    mode = ref.mode
    return mode != RefMode.EXITED and mode != RefMode.PERCPU


def percpu_ref_is_zero(ref: PercpuRef) -> bool:
    """Tell whether the last reference is gone, as far as that can be known."""
    with atomic("percpu_ref_is_zero()"):
        exited = ref.mode == RefMode.EXITED
        zero = exited or (percpu_ref_is_switched(ref) and ref.count == 0)
    return zero
