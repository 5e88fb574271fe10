"""The specs on which engines and reductions are compared.

Those of bugs are many, small and alike, and the designs that upstream shipped are long and have as
many checks as all others together. That both engines find in them what their tables say, with the
same counts, is what test_expected asks.
"""

from pathlib import Path

from kmcheck.expected import tables

SPECS = Path(__file__).resolve().parent.parent / "specs"
SHIPPED = frozenset(
    {
        "dangling_caches",
        "kmem_cache_refcnt",
        "list_lru_early_id",
        "list_lru_lazy",
        "list_lru_memcg_locks",
        "lru_folios",
        "obj_cgroup_stock",
        "objcg_no_pins",
        "objcg_task_cache",
        "page_pins_css",
        "tryget_loop",
    }
)
RUNS = frozenset({"test_and_set"})
"""Specs that only a run which never ends breaks: no engine is asked of these in the comparisons."""

DESIGNS = [
    spec
    for spec in tables([str(SPECS)])
    if Path(spec).parent.name != "bugs" and Path(spec).stem not in SHIPPED | RUNS
]
