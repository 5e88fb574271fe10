"""The order in which locks are taken."""

from __future__ import annotations

import pytest

from kmcheck.diagnostics import SpecError, UsageError
from kmcheck.driver import Options, again
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.verdict import Violated
from tests.kernel.boxes import found, lines
from tests.kernel.test_irq import BH, IRQ, bound_to, hardirq, softirq
from tests.language import explore, source, told

TYPES = {"m": "Mutex", "w": "RwSemaphore", "r": "RwLock"}
INIT = "lockdep_init()"
LOCK = {
    **dict.fromkeys("abc", ("spin_lock", "spin_unlock")),
    "m": ("mutex_lock", "mutex_unlock"),
    "w": ("down_write", "up_write"),
    "d": ("down_read", "up_read"),
    "r": ("read_lock", "read_unlock"),
}
FIELD = {"d": "w"}


def take(*names: str) -> str:
    """Take locks of the box one after the other, and release them."""
    taken = [f"{LOCK[n][0]}(box.{FIELD.get(n, n)})" for n in names]
    return lines(*taken, *(f"{LOCK[n][1]}(box.{FIELD.get(n, n)})" for n in reversed(names)))


def ordered(*bodies: str, begin: str = INIT, more: str = "") -> str:
    """Verify bodies with the order of locks checked."""
    used = sorted(n for n in "abcmrw" if any(f".{n})" in b or f".{n}," in b for b in bodies))
    fields = lines("n: int", *(f"{name}: {TYPES.get(name, 'SpinLock')}" for name in used))
    return found(*bodies, fields=fields, begin=begin, more=more)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("ab", "ba", "lock-order"),
        ("abc", "ac", "holds"),
        ("abc", "ca", "lock-order"),
        ("mw", "wm", "lock-order"),
        ("md", "dm", "lock-order"),
        ("ra", "ar", "lock-order"),
    ],
)
def test_two_pieces_of_code_take_locks_in_one_order(one: str, other: str, verdict: str) -> None:
    assert ordered(take(*one), take(*other)) == verdict


def test_where_another_property_is_asked_for_it_ends_no_run() -> None:
    text = """
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

    a = SpinLock()
    b = SpinLock()

    @process
    def one() -> None:
        spin_lock(a)
        spin_lock(b)
        spin_unlock(b)
        spin_unlock(a)

    @process
    def other() -> None:
        spin_lock(b)
        spin_lock(a)
        spin_unlock(a)
        spin_unlock(b)

    @setup
    def begin() -> None:
        lockdep_init()
        start(one)
        start(other)
    """
    for wanted in "deadlock", LOCK_ORDER:
        [verdict] = explore(text, Options(properties=(wanted,))).verdicts
        assert isinstance(verdict, Violated)
        assert verdict.property == wanted
        assert again(source(text), verdict.trace) == verdict.trace


def test_it_is_asked_for() -> None:
    first = f"{take('a', 'b')}\ng.a = True"
    second = f"wait_until(g.a)\n{take('b', 'a')}"
    assert ordered(first, second) == "lock-order"
    assert ordered(first, second, begin="pass") == "holds"


def test_a_circle_of_three() -> None:
    assert ordered(take("a", "b"), take("b", "c"), take("c", "a")) == "lock-order"


def test_it_need_not_be_in_one_run() -> None:
    body = "if choose(True, False):\n    {0}\nelse:\n    {1}"
    ways = [take(*names).replace("\n", "\n    ") for names in ("ab", "ba")]
    assert ordered(body.format(*ways)) == "lock-order"
    assert ordered(body.format(ways[0], ways[0])) == "holds"


def test_a_trylock_waits_for_nobody() -> None:
    tried = "if spin_trylock(box.a):\n{0}    spin_unlock(box.a)"
    body = f"spin_lock(box.b)\n{tried}\nspin_unlock(box.b)"
    assert ordered(take("a", "b"), body.format("")) == "holds"
    inside = "    spin_lock(box.c)\n    spin_unlock(box.c)\n"
    assert ordered(take("c", "a"), body.format(inside)) == "lock-order"


def test_what_was_released_is_not_held() -> None:
    apart = lines(take("b"), take("a"))
    assert ordered(take("a", "b"), apart) == "holds"


def test_a_release_callback_takes_its_locks_under_those_of_who_puts() -> None:
    more = """
    class Counted(Object):
        refs: Refcount
        release: Callable[["Counted"], None]

    counted = Counted()
    outer = SpinLock()
    inner = SpinLock()

    def release(c: Counted) -> None:
        spin_lock(inner)
        spin_unlock(inner)

    def put(c: Counted) -> None:
        if refcount_dec_and_test(c.refs):
            c.release(c)
    """
    begin = lines(INIT, "counted.refs.refs = 2", "counted.release = release")
    under = "spin_lock(outer)\nput(counted)\nspin_unlock(outer)"
    walk = "spin_lock(inner)\nspin_lock(outer)\nspin_unlock(outer)\nspin_unlock(inner)"
    assert ordered(under, under, walk, begin=begin, more=more) == "lock-order"
    assert (
        ordered(under, "put(counted)", walk.replace("outer", "box.a"), begin=begin, more=more)
        == "holds"
    )


CHILD = "g.box = Box()\nlockdep_init()"
NESTED = """
spin_lock({0})
{1}
spin_unlock({2})
spin_unlock({3})
"""


@pytest.mark.parametrize(
    ("inner", "first_released", "verdict"),
    [
        ("spin_lock(box.a)", "box.a", "lock-order"),
        ("spin_lock_nested(box.a, SINGLE_DEPTH_NESTING)", "box.a", "holds"),
        ("spin_lock_nested(box.a, SINGLE_DEPTH_NESTING)", "parent.a", "holds"),
    ],
)
def test_two_of_a_class(inner: str, first_released: str, verdict: str) -> None:
    last = "parent.a" if first_released == "box.a" else "box.a"
    body = f"parent = g.box\n{NESTED.format('parent.a', inner, first_released, last)}"
    assert ordered(f"{body}\n{take('a')}", begin=CHILD) == verdict


CHAIN = (
    lines(INIT, *(f"chain.at{n} = Link()" for n in range(3))),
    """
    class Link(Object):
        lock: SpinLock

    class Chain(Object):
        at0: Ref[Link]
        at1: Ref[Link]
        at2: Ref[Link]

    chain = Chain()
    """,
)


@pytest.mark.parametrize(
    ("subclasses", "held", "verdict"),
    [
        ((0, 1, 2), 3, "holds"),
        ((0, 7), 2, "holds"),
        ((0, 1, 1), 3, "lock-order"),
        ((0, 1, 1), 2, "lock-order"),
        ((0, 1, 0), 2, "lock-order"),
    ],
)
@pytest.mark.parametrize("kind", ["SpinLock", "Mutex"])
def test_a_lock_is_held_as_what_it_was_taken_as(
    kind: str, subclasses: tuple[int, ...], held: int, verdict: str
) -> None:
    word = {"SpinLock": "spin", "Mutex": "mutex"}[kind]
    body = []  # so many at a time, the first released first
    for n, subclass in enumerate(subclasses):
        if n >= held:
            body.append(f"{word}_unlock(chain.at{n - held}.lock)")
        body.append(f"{word}_lock_nested(chain.at{n}.lock, {subclass})")
    left = range(max(len(subclasses) - held, 0), len(subclasses))
    body += [f"{word}_unlock(chain.at{n}.lock)" for n in reversed(left)]
    again = lines(f"{word}_lock(chain.at0.lock)", f"{word}_unlock(chain.at0.lock)")
    begin, more = CHAIN
    more = more.replace("SpinLock", kind)
    assert found(lines(*body, again), begin=begin, more=more) == verdict


def test_of_a_class_two_are_counted() -> None:
    begin, more = CHAIN
    body = "spin_lock(chain.at0.lock)\nif spin_trylock(chain.at1.lock):\n    {0}\n"
    body += "    spin_unlock(chain.at1.lock)\nspin_unlock(chain.at0.lock)"
    third = "if spin_trylock(chain.at2.lock):\n        spin_unlock(chain.at2.lock)"
    assert found(body.format("pause()"), begin=begin, more=more) == "holds"
    assert found(body.format(third), begin=begin, more=more) == "lock-order"


@pytest.mark.parametrize(("deep", "verdict"), [("1", "holds"), ("0", "lock-order")])
def test_a_subclass_may_be_a_variable(deep: str, verdict: str) -> None:
    body = "parent = g.box\nspin_lock_nested(parent.a, parent.n)\nspin_lock_nested(box.a, box.n)"
    body += "\nspin_unlock(parent.a)\nspin_unlock(box.a)"
    assert ordered(body, begin=f"{CHILD}\nbox.n = {deep}") == verdict


def test_a_subclass_is_below_eight() -> None:
    for eight in "8", "box.n":
        body = f"spin_lock_nested(box.a, {eight})\nspin_unlock(box.a)"
        assert ordered(body, begin=f"{INIT}\nbox.n = 8") == "range"


def test_too_many_classes() -> None:
    fields = lines(*(f"lock{n}: SpinLock" for n in range(8)), "n: int")
    body = "spin_lock_nested(box.lock0, box.n)\nspin_unlock(box.lock0)"
    with pytest.raises(SpecError, match="more than 64 classes of locks"):
        found(body, fields=fields, begin=INIT)


TWO = "spin_lock(box.a)\nif spin_trylock(g.box.a):\n    {0}\nspin_unlock(box.a)"


@pytest.mark.parametrize(
    ("released", "verdict"),
    [
        ("spin_unlock(g.box.a)\n    spin_lock(box.b)\n    spin_unlock(box.b)", "lock-order"),
        ("spin_unlock(g.box.a)", "holds"),
    ],
)
def test_of_two_of_a_class_got_by_trylock_one_is_released(released: str, verdict: str) -> None:
    assert ordered(TWO.format(released), take("b", "a"), begin=CHILD) == verdict


def test_a_nested_lock_is_a_class_of_its_own() -> None:
    body = lines("mutex_lock({0})", "mutex_lock_nested({1}, 1)", "mutex_unlock({1})")
    up = f"parent = g.box\n{body.format('parent.m', 'box.m')}\nmutex_unlock(parent.m)"
    down = lines("mutex_lock_nested(box.m, 1)", "mutex_lock(g.box.m)")
    assert ordered(up, up, begin=CHILD) == "holds"
    assert ordered(up, down, begin=CHILD) == "lock-order"


def test_a_lock_behind_a_pointer_has_the_class_of_where_it_lives() -> None:
    more = """
    first = SpinLock()

    class Pointers(Object):
        one: Ref[SpinLock]
        two: Ref[SpinLock]

    pointers = Pointers()
    """
    body = "one = pointers.{0}\ntwo = pointers.{1}\nspin_lock(one)\nspin_lock(two)\n"
    body += "spin_unlock(two)\nspin_unlock(one)"
    begin = f"pointers.one = first\npointers.two = {{0}}\n{INIT}"
    both = body.format("one", "two"), body.format("two", "one")
    for two, used in ("box.a", "assert not spin_is_mine(box.a)"), ("SpinLock()", "pause()"):
        assert ordered(*both, used, begin=begin.format(two), more=more) == "lock-order"
    assert ordered(both[0], both[0], begin=begin.format("SpinLock()"), more=more) == "holds"


@pytest.mark.parametrize(
    ("wait", "verdict"),
    [
        ("flush_work(g.work)", "lock-order"),
        ("cancel_work_sync(g.work)", "lock-order"),
        ("flush_workqueue(system_wq)", "lock-order"),
        ("pause()", "holds"),
    ],
)
def test_waiting_for_a_work_under_a_lock_that_it_takes(wait: str, verdict: str) -> None:
    text = f"""
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.mutex import Mutex, mutex_lock, mutex_unlock
    from kmcheck.kernel.workqueue import INIT_WORK, Work, schedule_work, system_wq
    from kmcheck.kernel.workqueue import cancel_work_sync, flush_work, flush_workqueue

    class G(Object):
        work: Work
        done: bool

    g = G()
    mutex = Mutex()

    def work_fn(work: Work) -> None:
        mutex_lock(mutex)
        mutex_unlock(mutex)
        g.done = True

    @process
    def late() -> None:
        schedule_work(g.work)
        wait_until(g.done)
        mutex_lock(mutex)
        {wait}
        mutex_unlock(mutex)

    @setup
    def begin() -> None:
        lockdep_init()
        INIT_WORK(g.work, work_fn)
        start(late)
    """
    assert told(explore(text)) == verdict


def test_an_xarray_has_a_lock_inside() -> None:
    text = """
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock
    from kmcheck.kernel.xarray import XArray, xa_lock, xa_store, xa_unlock

    class G(Object):
        xa: XArray
        slots: Annotated[ArrayOf[Ref["G"]], 1]
        lock: SpinLock

    g = G()

    @process
    def store() -> None:
        spin_lock(g.lock)
        xa_store(g.xa, g.slots, 0, g)
        spin_unlock(g.lock)
        xa_lock(g.xa)
        spin_lock(g.lock)
        spin_unlock(g.lock)
        xa_unlock(g.xa)

    @setup
    def begin() -> None:
        lockdep_init()
        start(store)
    """
    assert told(explore(text)) == "lock-order"


# --- interrupts


PLAIN = "spin_lock(box.lock)\nspin_unlock(box.lock)"


@pytest.mark.parametrize(
    ("task", "handler", "declared", "verdict"),
    [
        (PLAIN, hardirq(PLAIN), IRQ, "lock-order"),
        ("spin_lock_irq(box.lock)\nspin_unlock_irq(box.lock)", hardirq(PLAIN), IRQ, "holds"),
        ("spin_lock_bh(box.lock)\nspin_unlock_bh(box.lock)", hardirq(PLAIN), IRQ, "lock-order"),
        ("spin_lock_bh(box.lock)\nspin_unlock_bh(box.lock)", softirq(PLAIN), BH, "holds"),
        (PLAIN, softirq(PLAIN), BH, "lock-order"),
        (PLAIN, hardirq("box.n = 1"), IRQ, "holds"),
        (
            "spin_lock_irq(box.lock)\nlocal_irq_enable()\nspin_unlock(box.lock)",
            hardirq(PLAIN),
            IRQ,
            "lock-order",
        ),
    ],
)
def test_a_lock_of_a_handler_is_not_taken_with_interrupts_on(
    task: str, handler: str, declared: str, verdict: str
) -> None:
    started = f"lockdep_init()\n    {declared}"
    assert bound_to((task, "task", 0), (handler, started, 1)) == verdict


@pytest.mark.parametrize(
    ("lock", "unlock", "verdict"),
    [
        ("spin_lock", "spin_unlock", "lock-order"),
        ("spin_lock_bh", "spin_unlock_bh", "holds"),
        ("spin_lock_irq", "spin_unlock_irq", "holds"),
    ],
)
@pytest.mark.parametrize("flavour", ["rcu", "rcu_split"])
def test_an_rcu_callback_runs_in_softirq(
    flavour: str, lock: str, unlock: str, verdict: str
) -> None:
    more = "\ndef release(head: RcuHead) -> None:\n    spin_lock(box.lock)\n"
    more += "    spin_unlock(box.lock)\n"
    task = f"call_rcu(box.head, release)\n{lock}(box.lock)\n{unlock}(box.lock)"
    other = ("pause()", "lockdep_init()\n    request_irq", 1)
    assert bound_to((task, "task", 0), other, more=more, home=flavour) == verdict


# --- what is told


@pytest.mark.parametrize("order", ["a", "a > b", "a > b > here; b > a > there"])
def test_a_stored_order_that_is_none(order: str) -> None:
    text = """
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

    a = SpinLock()
    b = SpinLock()

    @process
    def one() -> None:
        spin_lock(a)
        spin_unlock(a)

    @setup
    def begin() -> None:
        lockdep_init()
        start(one)
    """
    with pytest.raises(UsageError, match="order of locks"):
        explore(text, Options(settings={LOCK_ORDER: order}))


def test_the_place_is_where_the_last_code_of_the_spec_takes_the_lock() -> None:
    text = """
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.rcu import RcuHead, call_rcu
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

    lock = SpinLock()
    head = RcuHead()

    def callback(head: RcuHead) -> None:
        spin_lock(lock)
        spin_unlock(lock)

    @process
    def task() -> None:
        call_rcu(head, callback)
        spin_lock(lock)
        spin_unlock(lock)

    @setup
    def begin() -> None:
        lockdep_init()
        start(task)
    """
    [verdict] = [v for v in explore(text).verdicts if isinstance(v, Violated)]
    assert verdict.trace.violation.message.endswith("in callback() at spec.py:11")


def test_a_lock_may_be_taken_against_the_order_where_no_code_of_the_spec_runs() -> None:
    text = """
    from kmcheck.kernel.css_chain import Css, cgroup_rmdir, init_and_link_css, no_css_released
    from kmcheck.kernel.lockdep import lockdep_init

    class G(Object):
        parent: Css
        css: Css

    g = G()

    def done(css: Css) -> None:
        pause()

    @process
    def rmdir() -> None:
        cgroup_rmdir(g.css)

    @setup
    def begin() -> None:
        lockdep_init()
        init_and_link_css(g.parent, None, done, no_css_released, done)
        init_and_link_css(g.css, g.parent, done, no_css_released, done)
        start(rmdir)
    """
    assert told(explore(text)) == "holds"


def test_both_places_are_told() -> None:
    text = """
    from kmcheck.kernel.lockdep import lockdep_init
    from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock

    one = SpinLock()
    two = SpinLock()

    def lock_both() -> None:
        spin_lock(one)
        spin_lock(two)

    @process
    def first() -> None:
        lock_both()
        spin_unlock(two)
        spin_unlock(one)

    @process
    def second() -> None:
        spin_lock(two)
        spin_lock(one)
        spin_unlock(one)
        spin_unlock(two)

    @setup
    def begin() -> None:
        lockdep_init()
        start(first)
        start(second)
    """
    for options in (Options(), Options(engine="native", without=frozenset())):
        [verdict] = [v for v in explore(text, options).verdicts if isinstance(v, Violated)]
        assert verdict.property == LOCK_ORDER
        assert verdict.trace.violation.message == (
            "two is taken while one is held; but one is taken while two is held "
            "in second() at spec.py:22"
        )
