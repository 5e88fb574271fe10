"""Measures whole processes: CPU and wall seconds and peak memory, as the system accounts them.

A process is never charged less memory than the one that started it: Linux counts what a process
held before it became the new program. So the measuring process stays small, and loads no z3.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """One run: seconds of the process and the children that it waited for, its peak in bytes.

    `cut`: it was ended, since it took longer than it might.
    """

    user: float
    system: float
    wall: float
    peak: int
    output: str
    code: int
    cut: bool = False

    @property
    def cpu(self) -> float:
        """User and system time."""
        return self.user + self.system


def once(
    command: Sequence[str],
    folder: Path,
    fine: Sequence[int] = (0, 1),
    limit: float | None = None,
) -> Measurement:
    """Run a command in a folder, and end it after `limit` seconds on the wall.

    Raises:
        RuntimeError: it ends with a code that is not among the fine ones.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        ended = threading.Event()
        watch = _ending(process, limit, ended)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        code = process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if code not in fine and not ended.is_set():
        raise RuntimeError(f"`{' '.join(command)}` ended with {code}:\n{output[-2000:]}")
    peak = usage.ru_maxrss * 1024
    return Measurement(usage.ru_utime, usage.ru_stime, wall, peak, output, code, cut=ended.is_set())


def _ending(
    process: subprocess.Popen[str], limit: float | None, ended: threading.Event
) -> threading.Timer:
    """Return a watch that ends a process when its time is over, and says so; it runs already."""

    def end() -> None:
        ended.set()
        process.kill()

    watch = threading.Timer(threading.TIMEOUT_MAX if limit is None else limit, end)
    watch.daemon = True
    watch.start()
    return watch


def side_by_side(
    command: Sequence[str],
    folder: Path,
    copies: int,
    fine: Sequence[int] = (0, 1),
    limit: float | None = None,
) -> list[Measurement]:
    """Run so many of a command at the same time, each measured by itself.

    Raises:
        RuntimeError: one ends with a code that is not among the fine ones.
    """
    with ThreadPoolExecutor(copies) as pool:
        return list(pool.map(lambda _: once(command, folder, fine, limit), range(copies)))


def median(command: Sequence[str], folder: Path, runs: int) -> Measurement:
    """Run a command several times; return the medians, and the last output."""
    all_runs = [once(command, folder) for _ in range(runs)]
    return Measurement(
        statistics.median(r.user for r in all_runs),
        statistics.median(r.system for r in all_runs),
        statistics.median(r.wall for r in all_runs),
        int(statistics.median(r.peak for r in all_runs)),
        all_runs[-1].output,
        all_runs[-1].code,
    )
