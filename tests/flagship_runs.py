"""The flagship's bugs, written by hand: what goes wrong while a child's caches are reparented."""

from __future__ import annotations

from kmcheck.trace import Trace
from tests.traces import Script


def hierarchy(script: Script, freers: int = 1) -> None:
    """Set the flagship's stage: root, parent, child, one cache of the child, its pages."""
    script.globe("rcu", "Rcu", readers="{}")
    for name, up in (("root", "NULL"), ("parent", "root"), ("child", "parent")):
        caches = "{cache#0}" if name == "child" else "{}"
        script.thing(name, "Memcg", parent=up, slab_caches=caches)
        above = "NULL" if up == "NULL" else f"&{up}->kmem"
        script.thing(f"{name}->kmem", "PageCounter", usage="0", parent=above)
    script.thing("cache#0", "Cache", memcg="child")
    total = " + ".join(f"size(page#{i})" for i in range(freers))
    for name in ("root", "parent", "child"):
        script.things[f"{name}->kmem"].fields["usage"] = total
    for i in range(freers):
        script.thing(f"page#{i}", "Page", slab_cache="cache#0", size=f"size(page#{i})")
        name = f"CPU{i}"
        script.process(name, "kmem_cache_free", f"page#{i}", line=38)
        script.actors[name].variables["page"] = f"page#{i}"


def read_lock(script: Script, process: str, line: int = 40) -> None:
    with script.call(process, "rcu_read_lock", module="rcu", line=line):
        script.step(
            process,
            f"rcu.readers |= {process}",
            ("update", "rcu", "readers", f"{{{process}}}"),
            note="outermost lock",
            line=31,
        )


def load_memcg(script: Script, process: str, page: str, memcg: str) -> None:
    script.step(process, f"cache = {page}->slab_cache", ("load", page, "slab_cache"), line=41)
    with script.call(process, "rcu_dereference", "cache#0->memcg", module="rcu", line=41):
        script.step(
            process, "memcg = cache#0->memcg", ("load", "cache#0", "memcg"), note=memcg, line=88,
            memcg=memcg,
        )  # fmt: skip


def swap(script: Script, *, wait: str) -> None:
    """Let css_free do its work on the child: `wait` is none, nobody or a reader's name."""
    script.step(
        "css_free", "parent = child->parent", ("load", "child", "parent"), note="parent", line=52,
        parent="parent",
    )  # fmt: skip
    script.step(
        "css_free", "cache = child->slab_caches", ("load", "child", "slab_caches"), note="cache#0",
        line=53, cache="cache#0",
    )  # fmt: skip
    script.step(
        "css_free", "list_move(cache#0, &parent->slab_caches)",
        ("update", "parent", "slab_caches", "{cache#0}"), line=54,
    )  # fmt: skip
    with script.call(
        "css_free", "rcu_assign_pointer", "cache#0->memcg", "parent", module="rcu", line=55
    ):
        script.step(
            "css_free", "cache#0->memcg = parent", ("store", "cache#0", "memcg", "parent"), line=90
        )
    if wait == "nobody":
        with script.call("css_free", "synchronize_rcu", module="rcu", line=57):
            script.step(
                "css_free", "readers = rcu.readers", ("load", "rcu", "readers"),
                note="grace period starts", line=60,
            )  # fmt: skip
            script.step(
                "css_free", "wait until readers have left", ("load", "rcu", "readers"),
                note="grace period ends", line=61,
            )  # fmt: skip


def start_css_free(script: Script) -> None:
    script.process("css_free", "css_free", "child", line=50)
    script.actors["css_free"].variables["child"] = "child"
    script.begin()


def free_child(script: Script) -> None:
    with script.call("css_free", "kfree", "child", module="slab", line=61):
        script.step("css_free", "free(child)", ("free", "child"), line=20, ends=True)


def no_read_lock() -> Trace:
    """Say how the grace period waits for nobody, since the free path takes no read lock."""
    script = Script("kmemcg/reparent_caches", FREERS="1", READ_LOCK="no", GRACE_PERIOD="yes")
    hierarchy(script)
    start_css_free(script)
    load_memcg(script, "CPU0", "page#0", "child")
    swap(script, wait="nobody")
    free_child(script)
    with script.call(
        "CPU0", "page_counter_uncharge", "&child->kmem", "size(page#0)",
        module="page_counter", line=42,
    ):  # fmt: skip
        script.step(
            "CPU0", "child->kmem.usage -= size(page#0)",
            ("update", "child->kmem", "usage", "0"), line=33,
        )  # fmt: skip
        return script.end("use-after-free", "child is freed", thing="child", cause=9, source=2)


def no_grace_period() -> Trace:
    """Say how the child is freed under a reader, since nobody waits."""
    script = Script("kmemcg/reparent_caches", FREERS="1", READ_LOCK="yes", GRACE_PERIOD="no")
    hierarchy(script)
    start_css_free(script)
    read_lock(script, "CPU0")
    load_memcg(script, "CPU0", "page#0", "child")
    swap(script, wait="none")
    free_child(script)
    with script.call(
        "CPU0", "page_counter_uncharge", "&child->kmem", "size(page#0)",
        module="page_counter", line=42,
    ):  # fmt: skip
        script.step(
            "CPU0", "child->kmem.usage -= size(page#0)",
            ("update", "child->kmem", "usage", "0"), line=33,
        )  # fmt: skip
        return script.end("use-after-free", "child is freed", thing="child", cause=8, source=3)


def late_reader() -> Trace:
    """Say how a grace period that started too early waits for one reader and misses the other."""
    script = Script("kmemcg/reparent_caches", FREERS="2", ORDER="grace period first")
    hierarchy(script, freers=2)
    start_css_free(script)
    read_lock(script, "CPU1")
    grace = script.enter("css_free", "synchronize_rcu", module="rcu", line=55)
    script.step(
        "css_free", "readers = rcu.readers", ("load", "rcu", "readers"),
        note="grace period starts", line=60,
    )  # fmt: skip
    read_lock(script, "CPU0")
    load_memcg(script, "CPU0", "page#0", "child")
    with script.call("CPU1", "rcu_read_unlock", module="rcu", line=43):
        script.step(
            "CPU1",
            "rcu.readers &= ~CPU1",
            ("update", "rcu", "readers", "{CPU0}"),
            line=40,
            ends=True,
        )
    script.step(
        "css_free", "wait until readers have left", ("load", "rcu", "readers"),
        note="grace period ends", line=61,
    )  # fmt: skip
    script.actors["css_free"].frames.remove(grace)
    swap(script, wait="none")
    free_child(script)
    with script.call(
        "CPU0", "page_counter_uncharge", "&child->kmem", "size(page#0)",
        module="page_counter", line=42,
    ):  # fmt: skip
        script.step(
            "CPU0", "child->kmem.usage -= size(page#0)",
            ("update", "child->kmem", "usage", "0"), line=33,
        )  # fmt: skip
        return script.end("use-after-free", "child is freed", thing="child", cause=12, source=5)


def uncharged_twice() -> Trace:
    """Say how both frees uncharge the size of page#1: with equal sizes nobody would see it."""
    script = Script("kmemcg/reparent_caches", FREERS="2", HIERARCHY="no")
    hierarchy(script, freers=2)
    start_css_free(script)
    swap(script, wait="none")
    for cpu, page, left in (
        ("CPU1", "page#1", "size(page#0)"),
        ("CPU0", "page#0", "size(page#0) - size(page#1)"),
    ):
        read_lock(script, cpu)
        load_memcg(script, cpu, page, "parent")
        with script.call(
            cpu, "page_counter_uncharge", "&parent->kmem", "size(page#1)",
            module="page_counter", line=42,
        ):  # fmt: skip
            script.step(
                cpu, "parent->kmem.usage -= size(page#1)",
                ("update", "parent->kmem", "usage", left), line=33,
            )  # fmt: skip
            script.step(
                cpu, "root->kmem.usage -= size(page#1)",
                ("update", "root->kmem", "usage", left), line=33,
            )  # fmt: skip
        with script.call(cpu, "rcu_read_unlock", module="rcu", line=43):
            script.step(cpu, "rcu.readers &= ~me", ("update", "rcu", "readers", "{}"), line=40)
        with script.call(cpu, "kfree", page, module="slab", line=44):
            script.step(cpu, f"free({page})", ("free", page), line=20, ends=True)
    return script.end(
        "charged_where_it_belongs",
        "parent->kmem is size(page#0) - size(page#1), but nothing is charged to parent",
        thing="parent",
        sizes=(("page#0", 1), ("page#1", 2)),
    )
