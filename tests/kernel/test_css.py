"""The life of a css: references, and the guarantees that protocols lean on (G1 to G4)."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found

# Boxes are css's here: `box` is the child of `g.box`, and that one of the root.
FIELDS = "css: Css\nusers: int\nn: int\nref: Ref['Box']"
FREE = """
def css_free(css: Css) -> None:
    kfree(container_of(css, Box, Box.css))
"""
OFFLINE = """
def css_offline(css: Css) -> None:
    box = container_of(css, Box, Box.css)
    box.n = 1
"""
NOTHING = "def css_offline(css: Css) -> None:\n    pause()"
BEGIN = """
root = Box()
parent = Box()
init_and_link_css(root.css, None, no_css_released, css_free)
init_and_link_css(parent.css, root.css, no_css_released, css_free)
init_and_link_css(box.css, parent.css, no_css_released, css_free)
g.box = parent
box.ref = box
"""
RMDIR = "cgroup_rmdir(box.css, css_offline)"
RMDIR_PARENT = "parent = g.box\ncgroup_rmdir(parent.css, css_offline)"


def lives(*bodies: str, offline: str = OFFLINE, free: str = FREE, more: str = "") -> str:
    """Verify bodies that work on the css's."""
    return found(*bodies, fields=FIELDS, begin=BEGIN, more=f"{free}\n{offline}\n{more}")


# --- references


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("css_get(box.css)\ncss_put(box.css)", "holds"),
        ("assert css_tryget(box.css)\ncss_put(box.css)", "holds"),
        ("assert css_tryget_online(box.css)\ncss_put(box.css)", "holds"),
        ("rcu_read_lock()\ncss_put(box.css)\ncss_get(box.css)", "ref-resurrect"),
        ("rcu_read_lock()\ncss_put(box.css)\nassert not css_tryget(box.css)\nrcu_read_unlock()",
         "holds"),
        ("rcu_read_lock()\ncss_put(box.css)\ncss_put(box.css)", "ref-underflow"),
        ("kill_css(box.css)\nassert not css_tryget_online(box.css)", "holds"),
        ("kill_css(box.css)\nassert css_tryget(box.css)", "holds"),
    ],
)  # fmt: skip
def test_by_one(body: str, verdict: str) -> None:
    assert lives(body) == verdict


def test_the_root_is_not_counted() -> None:
    body = "css_get(box.css)\ncss_put(box.css)\ncss_put(box.css)\nassert css_tryget(box.css)"
    begin = "init_and_link_css(box.css, None, no_css_released, css_free)"
    assert found(body, fields=FIELDS, begin=begin, more=FREE) == "holds"


def test_a_css_has_more_children_than_small_specs_need() -> None:
    more = "@always\ndef children(box: Box) -> bool:\n    return box.css.children < 6"
    begin = (
        BEGIN
        + "for i in range({0}):\n    child = Box()\n"
        + ("    init_and_link_css(child.css, box.css, no_css_released, css_free)\n")
    )
    for children, verdict in ((5, "holds"), (6, "children")):
        spec = found("pause()", fields=FIELDS, begin=begin.format(children), more=f"{FREE}\n{more}")
        assert spec == verdict


def test_the_last_reference_sets_off_the_release() -> None:
    gone = "@finally_\ndef gone() -> bool:\n    return count(b for b in alive(Box)) == 2"
    user = "css_get(box.css)\ng.a = True\ncss_put(box.css)"
    assert lives(user, f"wait_until(g.a)\n{RMDIR}", more=gone) == "holds"


def test_a_reference_that_is_never_dropped_makes_a_zombie() -> None:
    law = "@finally_\ndef none_is_kept(box: Box) -> bool:\n    return not css_is_zombie(box.css)"
    assert lives(f"css_get(box.css)\n{RMDIR}", more=law) == "none_is_kept"
    assert lives(f"css_get(box.css)\n{RMDIR}\ncss_put(box.css)", more=law) == "holds"


def test_a_cgroup_is_removed_once() -> None:
    assert lives(RMDIR, RMDIR) == "double-kill"
    assert lives(RMDIR, RMDIR_PARENT) == "holds"
    once = f"removed = test_and_set(g.a)\nif not removed:\n    {RMDIR}"
    assert lives(once, once) == "holds"


def test_css_released_runs_once_before_css_free() -> None:
    released = "def released(css: Css) -> None:\n    g.n += 1"
    free = FREE.replace("    kfree", "    assert g.n == 1\n    kfree")
    begin = BEGIN.replace("no_css_released", "released")
    more = f"{released}\n{free}\n{OFFLINE}"
    assert found(RMDIR, fields=FIELDS, begin=begin, more=more) == "holds"


# --- G1: at css_offline(), css_tryget_online() has failed on all CPUs for a grace period

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
LINKS = """
kill_css(box.css)
css_confirm_kill(box.css)
css_wait_for_children(box.css)
css_killed_work_fn(box.css, css_offline)
"""


def removed_without(link: str) -> str:
    """Return the links of the chain but one."""
    assert f"{link}(" in LINKS
    return "\n".join(line for line in LINKS.splitlines() if not line.startswith(link))


KEEP = "def css_free(css: Css) -> None:\n    g.b = True"
"""Do not free it: who has been given the box may look at it for ever."""


def test_g1_who_got_it_online_in_a_section_is_through_at_offline() -> None:
    assert lives(USER, LINKS, offline=NO_USER, free=KEEP) == "holds"
    assert (
        lives(USER, removed_without("css_confirm_kill"), offline=NO_USER, free=KEEP) == "assertion"
    )


def test_g1_but_not_who_sleeps_with_the_reference() -> None:
    sleeper = USER.replace("rcu_read_lock()\n", "").replace("rcu_read_unlock()\n", "")
    assert lives(sleeper, LINKS, offline=NO_USER, free=KEEP) == "assertion"


# --- G2: a grace period between the last reference and css_free()

READER = """
rcu_read_lock()
mine = g.box
if mine is not None:
    mine.n = 2
rcu_read_unlock()
"""
UNPUBLISH = """
def css_offline(css: Css) -> None:
    g.box = None
"""
PUBLISHED = BEGIN.replace("g.box = parent", "g.box = box")


def test_g2_what_is_loaded_in_a_section_is_not_freed_in_it() -> None:
    more = FREE + UNPUBLISH
    assert found(READER, RMDIR, fields=FIELDS, begin=PUBLISHED, more=more) == "holds"


def test_g2_freeing_in_css_released_is_too_early() -> None:
    begin = PUBLISHED.replace("no_css_released, css_free", "css_free, no_css_released")
    more = FREE + UNPUBLISH
    assert found(READER, RMDIR, fields=FIELDS, begin=begin, more=more) == "use-after-free"


def test_g2_but_the_count_may_be_zero_in_the_section() -> None:
    getter = READER.replace("mine.n = 2", "css_get(mine.css)\n    css_put(mine.css)")
    more = FREE + UNPUBLISH
    assert found(getter, RMDIR, fields=FIELDS, begin=PUBLISHED, more=more) == "ref-resurrect"


# --- G3: a parent goes offline after its children, and is freed after them

CHILDREN_FIRST = """
def css_offline(css: Css) -> None:
    if css == g.box.css:
        assert g.a
    else:
        g.a = True
"""
PARENT_LINKS = "parent = g.box\n" + LINKS.replace("box.css", "parent.css")


def test_g3_the_parent_goes_offline_last() -> None:
    offline = CHILDREN_FIRST.replace("css == g.box.css", "css.parent.parent is None")
    assert lives(RMDIR, RMDIR_PARENT, offline=offline) == "holds"
    hasty = "\n".join(x for x in PARENT_LINKS.splitlines() if not x.startswith("css_wait_for"))
    assert lives(RMDIR, hasty, offline=offline) == "assertion"


def test_g3_the_parent_is_freed_last() -> None:
    free = FREE.replace(
        "    kfree", "    assert css.parent.parent is None or is_alive(css.parent)\n    kfree"
    )
    one = "@finally_\ndef one() -> bool:\n    return count(b for b in alive(Box)) == 1"
    assert lives(RMDIR, RMDIR_PARENT, free=free, more=one) == "holds"
    thief = f"parent = g.box\ncss_put(parent.css)\n{RMDIR}"
    assert lives(thief, RMDIR_PARENT, offline=NOTHING) == "ref-underflow"


# --- G4: css_offline() calls are serialised

ALONE = """
def css_offline(css: Css) -> None:
    was = test_and_set(g.c)
    assert not was
    g.c = False
"""
SIBLINGS = BEGIN.replace(
    "init_and_link_css(box.css, parent.css", "init_and_link_css(box.css, root.css"
)


def test_g4_one_css_goes_offline_at_a_time() -> None:
    bodies = (RMDIR, RMDIR_PARENT)
    assert found(*bodies, fields=FIELDS, begin=SIBLINGS, more=FREE + ALONE) == "holds"
    unlocked = ("css_offline(box.css)", "parent = g.box\ncss_offline(parent.css)")
    assert found(*unlocked, fields=FIELDS, begin=SIBLINGS, more=FREE + ALONE) == "assertion"


# --- cgroup_mutex, and the wait that waits for itself


@pytest.mark.parametrize(
    ("offline", "verdict"),
    [
        ("mutex_lock(cgroup_mutex)", "self-deadlock"),
        ("synchronize_rcu()", "holds"),
    ],
)
def test_what_css_offline_may_do(offline: str, verdict: str) -> None:
    assert lives(RMDIR, offline=f"def css_offline(css: Css) -> None:\n    {offline}") == verdict


def test_a_reader_that_waits_for_offline_waits_for_ever() -> None:
    reader = "rcu_read_lock()\nwait_until(g.a)\nrcu_read_unlock()"
    offline = "def css_offline(css: Css) -> None:\n    g.a = True"
    assert lives(reader, RMDIR, offline=offline) == "deadlock"


def test_a_cgroup_is_not_removed_in_atomic_context() -> None:
    assert lives(f"rcu_read_lock()\n{RMDIR}") == "sleep-in-atomic"


def test_a_cgroup_with_children_is_not_removed() -> None:
    assert lives(RMDIR_PARENT) == "deadlock"
    assert lives(RMDIR, RMDIR_PARENT) == "holds"
