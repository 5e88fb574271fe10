"""Memcgs: their place in the tree, and their life."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

FIELDS = "root: Ref[MemCgroup]\nparent: Ref[MemCgroup]\nchild: Ref[MemCgroup]"
BEGIN = lines(
    "box.root = MemCgroup()",
    "box.parent = MemCgroup()",
    "box.child = MemCgroup()",
    "mem_cgroup_init(box.root, None)",
    "mem_cgroup_init(box.parent, box.root)",
    "mem_cgroup_init(box.child, box.parent)",
)
OFFLINE = "def offline(css: Css) -> None:\n    g.n += 1"
BELOW = "assert mem_cgroup_is_descendant(box.{0}, box.{1})"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (BELOW.format("child", "root"), "holds"),
        (BELOW.format("child", "child"), "holds"),
        (BELOW.format("parent", "child"), "assertion"),
        (lines("page_counter_nr_charge(box.child.memory, 1)",
               "assert box.root.memory.usage == 1"), "holds"),
        # freed at the end of its life, with all that leads to it
        (lines("cgroup_rmdir(box.child.css, offline)",
               "wait_until(box.parent.css.refcnt.refs == 1)", "x = box.child.parent"),
         "use-after-free"),
        (lines("cgroup_rmdir(box.child.css, offline)", "kill_css(box.parent.css)",
               "mem_cgroup_init(box.root, box.parent)"), "parent-is-dying"),
    ],
)  # fmt: skip
def test_by_one(body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS, begin=BEGIN, more=OFFLINE) == verdict
