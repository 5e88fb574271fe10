"""The life of a css in all its links: in which context each runs, and what it waits for."""

from __future__ import annotations

import re

import pytest

from tests.kernel.boxes import found, lines

# Boxes are css's here: `box` is the child of `g.box`, and that one of the root.
FIELDS = "css: Css\nusers: int\nn: int"
OFFLINE = """
def css_offline(css: Css) -> None:
    box = container_of(css, Box, Box.css)
    box.n = 1
"""
RELEASED = """
def css_released(css: Css) -> None:
    g.m += 1
"""
FREE = """
def css_free(css: Css) -> None:
    kfree(container_of(css, Box, Box.css))
"""
LINK = "init_and_link_css({0}.css, {1}, css_offline, css_released, css_free)"
BEGIN = lines(
    "root = Box()",
    "parent = Box()",
    LINK.format("root", "None"),
    LINK.format("parent", "root.css"),
    LINK.format("box", "parent.css"),
    "g.box = parent",
)
RMDIR = "cgroup_rmdir(box.css)"
RMDIR_PARENT = "parent = g.box\ncgroup_rmdir(parent.css)"
LEFT = "@finally_\ndef left() -> bool:\n    return count(b for b in alive(Box)) == {0}"


def lives(
    *bodies: str,
    offline: str = OFFLINE,
    released: str = RELEASED,
    free: str = FREE,
    more: str = "",
    begin: str = BEGIN,
    engine: str = "reference",
) -> str:
    """Verify bodies that work on the css's."""
    text = f"{offline}\n{released}\n{free}\n{more}"
    return found(*bodies, fields=FIELDS, begin=begin, more=text, home="css_chain", engine=engine)


# --- references


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("assert css_tryget(box.css)\ncss_put(box.css)", "holds"),
        ("assert css_tryget_online(box.css)\ncss_put(box.css)", "holds"),
        (lines(RMDIR, "css_tryget_online(box.css)"), "use-after-free"),
        (lines("css_get(box.css)", RMDIR, "assert css_tryget(box.css)"), "holds"),
        # until the kill is confirmed, it need not be seen
        (lines("css_get(box.css)", RMDIR, "assert not css_tryget_online(box.css)"), "assertion"),
        (lines("css_get(box.css)", RMDIR, "wait_until(box.css.refcnt.mode == RefMode.ATOMIC)",
               "assert not css_tryget_online(box.css)"), "holds"),
        # a put too many is not noticed before the switch
        (f"css_put(box.css)\n{RMDIR}", "double-queue"),
        ("css_put(box.css)\ncss_put(box.css)", "ref-underflow"),
        ("percpu_ref_exit(box.css.refcnt)\ncss_put(box.css)", "use-after-exit"),
    ],
)  # fmt: skip
def test_by_one(body: str, verdict: str) -> None:
    assert lives(body) == verdict


def test_a_removed_css_is_freed_although_nobody_waits_for_it() -> None:
    assert lives(RMDIR, more=LEFT.format(2)) == "holds"


def test_a_reference_that_is_never_dropped_makes_a_zombie() -> None:
    law = "@finally_\ndef none_is_kept(box: Box) -> bool:\n    return not css_is_zombie(box.css)"
    assert lives(lines("css_get(box.css)", RMDIR), more=law) == "none_is_kept"
    assert lives(lines("css_get(box.css)", RMDIR, "css_put(box.css)"), more=law) == "holds"


def test_a_cgroup_is_removed_once() -> None:
    assert lives(RMDIR, RMDIR, begin=KEPT) == "double-kill"


# --- who runs a link

CONTEXT = "mine(current).preempt_count"


@pytest.mark.parametrize(
    ("link", "verdict"),
    [
        # workers may sleep, and have cgroup_mutex or not
        ("def css_offline(css: Css) -> None:\n    mutex_lock(cgroup_mutex)", "self-deadlock"),
        ("def css_released(css: Css) -> None:\n    mutex_lock(cgroup_mutex)", "self-deadlock"),
        (FREE + "    mutex_lock(cgroup_mutex)\n    mutex_unlock(cgroup_mutex)", "holds"),
    ],
)
def test_a_link_runs_in_a_worker(link: str, verdict: str) -> None:
    kind = re.findall(r"def css_([a-z]+)", link)[0]
    assert lives(RMDIR, **{kind: link}) == verdict


def test_the_last_put_may_be_in_any_context() -> None:
    """css_put() by a spinlock's holder does not sleep: the release is a worker's."""
    user = lines("spin_lock(lock)", "css_put(box.css)", "spin_unlock(lock)")
    more = "lock = SpinLock()\n" + LEFT.format(2)
    assert lives(lines("css_get(box.css)", RMDIR, user), more=more) == "holds"


def test_rmdir_does_not_wait_for_the_offline() -> None:
    assert lives(lines(RMDIR, "assert g.a"), offline=SAY) == "assertion"


SAY = "def css_offline(css: Css) -> None:\n    g.a = True"


# --- what the protocols lean on: G1 to G4, as in test_css

USER = """
rcu_read_lock()
got = css_tryget_online(box.css)
if got:
    fetch_add(box.users, 1)
    fetch_add(box.users, -1)
rcu_read_unlock()
if got:
    css_put(box.css)
"""
NO_USER = """
def css_offline(css: Css) -> None:
    box = container_of(css, Box, Box.css)
    assert box.users == 0
"""
KEPT = BEGIN + "\ncss_get(box.css)"
"""Who has been given the box may look at it for ever."""


def test_g1_who_got_it_online_in_a_section_is_through_at_offline() -> None:
    assert lives(USER, RMDIR, offline=NO_USER, begin=KEPT) == "holds"
    asleep = USER.replace("rcu_read_lock()\n", "").replace("rcu_read_unlock()\n", "")
    assert lives(asleep, RMDIR, offline=NO_USER, begin=KEPT) == "assertion"


def test_g2_what_is_loaded_in_a_section_is_not_freed_in_it_but_may_be_at_zero() -> None:
    unpublish = "def css_offline(css: Css) -> None:\n    g.a = True"
    reader = "rcu_read_lock()\nif not g.a:\n    {0}\nrcu_read_unlock()"
    assert lives(reader.format("box.n = 2"), RMDIR, offline=unpublish) == "holds"
    getter = reader.format("css_get(box.css)\n    css_put(box.css)")
    assert lives(getter, RMDIR, offline=unpublish) == "ref-resurrect"
    late = reader.replace("rcu_read_lock()", "pause()").replace("rcu_read_unlock()", "pause()")
    assert lives(late.format("box.n = 2"), RMDIR, offline=unpublish) == "use-after-free"


CHILD_FIRST = """
def css_offline(css: Css) -> None:
    if css.parent.parent is None:
        assert g.a
        assert not g.b
        g.b = True
    else:
        g.a = True
"""


def test_g3_the_parent_goes_offline_once_and_after_its_child() -> None:
    both = "@finally_\ndef both() -> bool:\n    return g.b and g.m == 2\n" + LEFT.format(1)
    bodies = (RMDIR, RMDIR_PARENT)
    assert lives(*bodies, offline=CHILD_FIRST, more=both, engine="native") == "holds"


# --- waits that wait for themselves


def test_a_loop_on_tryget_online_in_a_section_holds_the_grace_period_up() -> None:
    """The shape of 00d484f354d8, "switch to css_tryget() in get_mem_cgroup_from_mm()"."""
    spinning = """
def spinning(box: Box) -> None:
    {0}
    g.b = True
    while not css_tryget_online(box.css) and not g.a:
        pause("cpu_relax()")
    {1}
"""
    offline = """
def css_offline(css: Css) -> None:
    with atomic():
        g.a = True
        assert count(p for p in within(spinning)) == 0
"""
    bodies = ("spinning(box)", f"wait_until(g.b)\n{RMDIR}")
    reader = spinning.format("rcu_read_lock()", "rcu_read_unlock()")
    assert lives(*bodies, offline=reader + offline, begin=KEPT) == "holds"
    sleeper = spinning.format("pause()", "pause()")
    assert lives(*bodies, offline=sleeper + offline, begin=KEPT) == "assertion"


def test_a_reader_that_waits_for_the_offline_waits_for_ever() -> None:
    reader = "rcu_read_lock()\nwait_until(g.a)\nrcu_read_unlock()"
    assert lives(reader, RMDIR, offline=SAY) == "deadlock"


def test_a_cgroup_is_not_removed_in_atomic_context() -> None:
    assert lives(f"rcu_read_lock()\n{RMDIR}") == "sleep-in-atomic"


def test_a_cgroup_with_children_is_not_removed() -> None:
    assert lives(RMDIR_PARENT) == "deadlock"
