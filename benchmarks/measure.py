"""Measures whole processes: CPU and wall seconds and peak memory, as the system accounts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """One run: `cpu` is user and system time of the process and its children."""

    cpu: float
    wall: float
    peak: int
    output: str


def once(command: list[str], folder: Path) -> Measurement:
    """Run a command in a folder.

    Raises:
        RuntimeError: it fails.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{output}")
    return Measurement(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, output)


def median(command: list[str], folder: Path, runs: int) -> Measurement:
    """Run a command several times; return the medians, and the last output."""
    all_runs = [once(command, folder) for _ in range(runs)]
    return Measurement(
        statistics.median(r.cpu for r in all_runs),
        statistics.median(r.wall for r in all_runs),
        int(statistics.median(r.peak for r in all_runs)),
        all_runs[-1].output,
    )
