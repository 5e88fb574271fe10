"""How much memory a search may use: the least of all limits, wherever they are set."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

import pytest

from kmcheck import machine

MIB = 2**20
FREE = 16_000 * MIB
"""What the machine has available, in these tests."""

NO_LIMIT_V1 = 9223372036854771712


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_address_space(monkeypatch, resource.RLIM_INFINITY)


def limit_address_space(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (most, resource.RLIM_INFINITY))


def share(free: int) -> int:
    return int(free * machine.SHARE)


def fake(tmp_path: Path, groups: str, files: Mapping[str, object]) -> dict[str, Path]:
    """Write a small /proc and /sys/fs/cgroup; return what `memory` takes."""
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {FREE // 1024} kB\n")
    (proc / "self" / "cgroup").write_text(groups)
    pages = 100 * MIB // resource.getpagesize()
    (proc / "self" / "statm").write_text(f"{pages} {pages // 2} 0 0 0 0 0\n")
    for name, content in files.items():
        path = cgroups / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return {"proc": proc, "cgroups": cgroups}


V2 = "0::/user.slice/me.scope\n"
V1 = "5:cpu,cpuacct:/elsewhere\n4:hugetlb,memory:/docker/box\n1:name=systemd:/init.scope\n"


@pytest.mark.parametrize(
    ("groups", "files", "free"),
    [
        (V2, {}, FREE),
        (V2, {"user.slice/me.scope/memory.max": "max", "memory.max": "max"}, FREE),
        (V2, {"user.slice/me.scope/memory.max": 900 * MIB}, 900 * MIB),
        (V2, {"user.slice/memory.max": 900 * MIB}, 900 * MIB),
        (V2, {"memory.max": 900 * MIB}, 900 * MIB),
        (V2, {"user.slice/memory.high": 800 * MIB, "memory.max": 900 * MIB}, 800 * MIB),
        (V2, {"memory.max": 900 * MIB, "memory.current": 200 * MIB}, 700 * MIB),
        (V2, {"memory.max": 900 * MIB, "memory.current": 950 * MIB}, 0),
        (V2, {"somebody.slice/memory.max": 1 * MIB}, FREE),
        ("0::/\n", {"memory.max": 900 * MIB}, 900 * MIB),
        ("0::/../beside\n", {"memory.max": 900 * MIB}, 900 * MIB),
        (V1, {}, FREE),
        (V1, {"memory/docker/box/memory.limit_in_bytes": 900 * MIB}, 900 * MIB),
        (V1, {"memory/docker/memory.limit_in_bytes": 900 * MIB}, 900 * MIB),
        (V1, {"memory/memory.limit_in_bytes": 900 * MIB}, 900 * MIB),
        (V1, {"memory/docker/box/memory.limit_in_bytes": NO_LIMIT_V1}, FREE),
        (V1, {"memory/elsewhere/memory.limit_in_bytes": 1 * MIB}, FREE),
        ("", {"memory.max": 1 * MIB}, FREE),
    ],
)
def test_the_least_limit_of_all_groups_around_a_process_counts(
    tmp_path: Path, groups: str, files: Mapping[str, object], free: int
) -> None:
    assert machine.memory(**fake(tmp_path, groups, files)) == share(free)


def test_each_limit_counts_with_what_its_own_group_uses(tmp_path: Path) -> None:
    files = {
        "user.slice/memory.max": 1000 * MIB,
        "user.slice/memory.current": 700 * MIB,
        "user.slice/me.scope/memory.max": 500 * MIB,
        "user.slice/me.scope/memory.current": 10 * MIB,
    }
    assert machine.memory(**fake(tmp_path, V2, files)) == share(300 * MIB)


@pytest.mark.parametrize(
    ("groups", "folder", "ceiling", "used", "cache"),
    [
        (V2, "user.slice", "memory.max", "memory.current", "inactive_file"),
        (V1, "memory/docker", "memory.limit_in_bytes", "memory.usage_in_bytes",
         "total_inactive_file"),
    ],
)  # fmt: skip
def test_cache_that_the_kernel_will_drop_is_free(
    tmp_path: Path, groups: str, folder: str, ceiling: str, used: str, cache: str
) -> None:
    files = {
        f"{folder}/{ceiling}": 900 * MIB,
        f"{folder}/{used}": 800 * MIB,
        f"{folder}/memory.stat": f"anon 1\n{cache} {600 * MIB}\nunevictable 0",
    }
    assert machine.memory(**fake(tmp_path, groups, files)) == share(700 * MIB)


def test_without_a_list_of_groups_the_roots_count(tmp_path: Path) -> None:
    paths = fake(tmp_path, "", {"memory/memory.limit_in_bytes": 900 * MIB})
    (paths["proc"] / "self" / "cgroup").unlink()
    assert machine.memory(**paths) == share(900 * MIB)


def test_a_limit_of_the_address_space_counts_with_what_is_taken_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_address_space(monkeypatch, 600 * MIB)
    assert machine.memory(**fake(tmp_path, V2, {})) == share(500 * MIB)


def test_where_nothing_is_told_something_is_assumed(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert machine.memory(nowhere, nowhere) == share(machine.UNKNOWN)
    assert machine.resident(nowhere) > 0


def test_what_is_resident_now_is_told(tmp_path: Path) -> None:
    assert machine.resident(fake(tmp_path, V2, {})["proc"]) == 50 * MIB
    assert machine.resident() > MIB
