"""What this machine has: memory that may be used, processors."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SHARE = 0.75
"""Of the memory that is free, what a search takes at the most."""

UNKNOWN = 4 * 2**30
"""What is taken to be free where the system does not say."""

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
"""Where Linux tells about processes, and where its control groups are mounted."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A version of control groups: where it is mounted, and the names of its files."""

    mounted: str
    ceilings: tuple[str, ...]
    used: str
    cache: str
    """The line of `memory.stat` with the cache that the kernel drops when it needs memory."""


UNIFIED = Hierarchy("", ("memory.max", "memory.high"), "memory.current", "inactive_file")
LEGACY = Hierarchy(
    "memory", ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"
)


def memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """Return how many bytes a search may use: a share of what is free to this process.

    That is what the machine has available, what is left to the process's control group and to each
    group around it, and what is left of its address space, whichever is least.
    """
    rooms = [_available(proc), *_in_groups(proc, cgroups)]
    ceiling = resource.getrlimit(resource.RLIMIT_AS)[0]
    if ceiling != resource.RLIM_INFINITY:
        rooms.append(ceiling - _address_space(proc))
    return int(max(0, min(rooms)) * SHARE)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resident(proc: Path = PROC) -> int:
    """Return how much memory of this process is resident now, in bytes."""
    pages = _statm(proc, 1)
    if pages is None:  # no Linux: the most that there ever was, there in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def _address_space(proc: Path) -> int:
    return (_statm(proc, 0) or 0) * resource.getpagesize()


def _statm(proc: Path, place: int) -> int | None:
    """Return a number of pages: the address space (0), what is resident (1)."""
    try:
        return int((proc / "self" / "statm").read_text(encoding="ascii").split()[place])
    except (OSError, ValueError, IndexError):
        return None


def _available(proc: Path) -> int:
    found = _entry(proc / "meminfo", "MemAvailable:")
    return UNKNOWN if found is None else found * 1024


def _in_groups(proc: Path, cgroups: Path) -> Iterator[int]:
    """Yield what is left below each limit that holds for this process."""
    for hierarchy, path in _memberships(proc):
        for folder in _around(cgroups / hierarchy.mounted, path):
            ceilings = [_number(folder / name) for name in hierarchy.ceilings]
            used = _number(folder / hierarchy.used) or 0
            cache = _entry(folder / "memory.stat", hierarchy.cache) or 0
            yield from (c - max(0, used - cache) for c in ceilings if c is not None)


def _memberships(proc: Path) -> Iterator[tuple[Hierarchy, PurePosixPath]]:
    """Yield which groups this process is in; the roots if the system does not say.

    A line of `/proc/self/cgroup` is `number:controllers:path`, version 2 is number 0 without any.

    Source: cgroups(7).
    """
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = ["0::/", "1:memory:/"]
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield UNIFIED, PurePosixPath(path)
        elif "memory" in controllers.split(","):
            yield LEGACY, PurePosixPath(path)


def _around(root: Path, path: PurePosixPath) -> Iterator[Path]:
    """Yield the folder of a group, and those of the groups around it, up to what is mounted.

    In a container the path may be the host's, or lead outside of what is mounted: then only some of
    the folders are there, or none but the root.
    """
    parts = path.parts[1:]
    if ".." not in parts:
        for length in range(len(parts), 0, -1):
            yield root.joinpath(*parts[:length])
    yield root


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or `max`: no limit
        return None


def _entry(path: Path, name: str) -> int | None:
    """Return the number behind a name, in a file of a name and a number a line."""
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            if line.split()[:1] == [name]:
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return None
