"""Runs SPIN on exported models: how many states, and which violations after how many steps."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kmcheck.export.promela import Model

MISSING = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
"""The programs that are needed and not there."""

SECONDS = 600


@dataclass(frozen=True)
class Answer:
    """What SPIN found. `violations` gives the steps of a shortest run to each."""

    states: int
    violations: dict[str, int]


class SpinError(Exception):
    """SPIN or the C compiler did not do what it was asked."""


def ask(model: Model, folder: Path, *, shortest: bool = True) -> Answer:
    """Let SPIN explore a model: depth first for the states, breadth first for shortest runs.

    Without `shortest` the violations are given with some run's length.
    """
    (folder / "model.pml").write_text(model.text)
    _run(["spin", "-a", "-o1", "-o2", "-o3", "model.pml"], folder)
    deep = _verify(folder, [], ["-m1000000"])
    if "max search depth too small" in deep or "out of memory" in deep:
        raise SpinError(deep)
    stored = re.search(r"(\d+) states, stored", deep)
    if stored is None:
        raise SpinError(deep)
    broad = _verify(folder, ["-DBFS"], []) if shortest else deep
    return Answer(int(stored.group(1)) - 1, _violations(model, broad))


def _verify(folder: Path, options: list[str], arguments: list[str]) -> str:
    fixed = ["-w", "-DSAFETY", "-DNOREDUCE", "-DVECTORSZ=65536", "-DMEMLIM=4000"]
    _run(["gcc", "-O0", *fixed, *options, "-o", "pan", "pan.c"], folder)
    return _run(["./pan", "-c0", "-w20", *arguments], folder)


def _run(command: list[str], folder: Path) -> str:
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if ended.returncode:
        raise SpinError(f"{' '.join(command)}: {ended.stdout}{ended.stderr}")
    return ended.stdout


def _violations(model: Model, output: str) -> dict[str, int]:
    found: dict[str, int] = {}
    names = {flag: (v, 1) for v, flag in model.by_step.items()}
    names |= {flag: (v, 0) for v, flag in model.of_state.items()}
    for flag, at in re.findall(r"assertion violated \(?(\w+)==0\)? \(at depth (\d+)\)", output):
        violation, more = names[flag]
        steps = (int(at) - model.first) // model.moves + more
        found[violation] = min(steps, found.get(violation, steps))
    errors = re.findall(r"^pan:\d+: .*", output, re.MULTILINE)
    others = [line for line in errors if "assertion violated" not in line]
    if others:
        raise SpinError("\n".join(others))
    return found
