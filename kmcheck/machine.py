"""What this machine has: memory that may be used, processors."""

from __future__ import annotations

import os
import resource
from pathlib import Path

SHARE = 0.75
"""Of the memory that is free, what a search takes at the most."""


def memory() -> int:
    """Return how many bytes a search may use: a share of what is free to this cgroup."""
    free = _available()
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        ceiling, taken = _number(limit), _number(used)
        if ceiling is not None:
            free = min(free, max(0, ceiling - (taken or 0)))
    return int(free * SHARE)


def resident() -> int:
    """Return how many bytes of memory this process has now."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(pages) * resource.getpagesize()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 4 * 2**30


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
