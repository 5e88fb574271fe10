"""Runs SPIN on exported models: how many states, and which violations after how many steps."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kmcheck.engines.reference import ENGINE
from kmcheck.export.promela import OVERFLOW, Model, export
from kmcheck.protocols import Question
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Budget, Finding

MISSING = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
"""The programs that are needed and not there."""

SECONDS = 600
BOUND = "bound reached: "


@dataclass(frozen=True)
class Answer:
    """What was found: distinct states, each violation's shortest length, the bounds reached."""

    states: int
    violations: dict[str, int]
    bounds: frozenset[str]


class SpinError(Exception):
    """SPIN or the C compiler did not do what it was asked."""


def explore(system: TransitionSystem, solver: Solver, most: int | None = None) -> Finding:
    """Let the reference engine look for every violation, up to a number of states."""
    question, budget = Question(every=True), Budget(states=most)
    return ENGINE.search(system, question, solver, budget, lambda _: None)


def answer(finding: Finding) -> Answer:
    """Return what the engine found, to be compared with what SPIN does."""
    violations = {c.violation: len(c.witness.steps) for c in finding.claims}
    bounds = frozenset(finding.statistics.bound_reached)
    return Answer(finding.statistics.states, violations, bounds)


def ask(system: TransitionSystem, folder: Path, turns: int = 1) -> Answer:
    """Let SPIN explore a system: depth first for the states, breadth first for shortest runs."""
    model = export(system, turns)
    (folder / "model.pml").write_text(model.text)
    _run(["spin", "-a", "-o1", "-o2", "-o3", "model.pml"], folder)
    deep = _verify(folder, "-m1000000")
    found = _violations(model, deep)
    if OVERFLOW in found:
        return ask(system, folder, 2 * turns)
    if found:
        found = _violations(model, _verify(folder, "-DBFS"))
    bounds = frozenset(name.removeprefix(BOUND) for name in found if name.startswith(BOUND))
    violations = {name: at for name, at in found.items() if not name.startswith(BOUND)}
    return Answer(stored(deep) - 1, violations, bounds)


def stored(output: str) -> int:
    """Return the number of states that SPIN reports.

    Raises:
        SpinError: it does not, or has not seen them all.
    """
    found = re.search(r"(\d+) states, stored", output)
    if found is None or "max search depth too small" in output:
        raise SpinError(output)
    return int(found.group(1))


def count(text: str, folder: Path) -> int:
    """Return the number of states of a model that somebody wrote."""
    (folder / "model.pml").write_text(text)
    _run(["spin", "-a", "-o1", "-o2", "-o3", "model.pml"], folder)
    return stored(_verify(folder, "-m1000000"))


def _verify(folder: Path, way: str) -> str:
    options = ["-w", "-DSAFETY", "-DNOREDUCE", "-DVECTORSZ=65536", "-DMEMLIM=4000"]
    compiled = [way] if way.startswith("-D") else []
    given = [] if compiled else [way]
    _run(["gcc", "-O0", *options, *compiled, "-o", "pan", "pan.c"], folder)
    return _run(["./pan", "-c0", "-w16", *given], folder)


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
    for line in re.findall(r"^pan:\d+: (.*)", output, re.MULTILINE):
        told = re.fullmatch(r"assertion violated \(?(\w+)==0\)? \(at depth (\d+)\)", line)
        if told is None:
            raise SpinError(line)
        violation, more = names[told.group(1)]
        steps = (int(told.group(2)) - model.first) // model.moves + more
        found[violation] = min(steps, found.get(violation, steps))
    return found
