"""How each tool is run on a model, what to install for it, and how its answer is read."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "benchmarks" / "models"

PACKAGES = {"spin": "spin", "rumur": "rumur", "gcc": "gcc libc6-dev"}
"""What Debian calls the package that brings a program."""

HOLDS = "holds"
ANSWERED = (0, 1, 4)
"""kmcheck's exit codes where it prints an answer: it holds, it is violated, it gave up."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tool on a model. `compared`: it counts every state, as the others of its scenario do."""

    settings: Mapping[str, int] = field(default_factory=dict)
    compared: bool = True


@dataclass(frozen=True, kw_only=True)
class Kmcheck(Peer):
    """kmcheck on a spec of the project; `copies` run at the same time."""

    spec: str
    flags: tuple[str, ...] = ("--engine", "native")
    copies: int = 1


@dataclass(frozen=True, kw_only=True)
class Spin(Peer):
    """SPIN on a model beside this file: flags of spin, of gcc and of the verifier."""

    model: str
    generate: tuple[str, ...] = ()
    compile: tuple[str, ...] = ("-O3", "-DNOREDUCE")
    run: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rumur(Peer):
    """Rumur on a model beside this file: flags of rumur."""

    model: str
    flags: tuple[str, ...] = ("--symmetry-reduction", "off")


Tool = Kmcheck | Spin | Rumur


@dataclass(frozen=True)
class Stage:
    """A part of a run, measured for itself. The last one of a tool searches."""

    name: str
    folder: Path
    command: tuple[str, ...]
    fine: tuple[int, ...] = (0,)
    copies: int = 1


@dataclass(frozen=True)
class Answer:
    """What a tool says of a model: `verdict` is `holds`, or why that is not said."""

    states: int
    transitions: int
    verdict: str


def name(tool: Tool) -> str:
    """Return what the tool is called."""
    match tool:
        case Kmcheck():
            return "kmcheck"
        case Spin():
            return "SPIN"
        case Rumur():
            return "Rumur"
    assert_never(tool)


def missing(tool: Tool) -> str | None:
    """Return which programs are not there and how to get them, None if all are."""
    wanted = {Kmcheck: [], Spin: ["spin", "gcc"], Rumur: ["rumur", "gcc"]}[type(tool)]
    gone = [program for program in wanted if shutil.which(program) is None]
    packages = " ".join(PACKAGES[program] for program in gone)
    return f"no {' and no '.join(gone)} here: apt install {packages}" if gone else None


def stages(tool: Tool, folder: Path) -> list[Stage]:
    """Return what is to be run, in this order; models are put into the folder.

    Generating and compiling are the first stages, and kmcheck has none of these.
    """
    match tool:
        case Kmcheck():
            return [_kmcheck(tool)]
        case Spin():
            return _spin(tool, folder)
        case Rumur():
            return _rumur(tool, folder)
    assert_never(tool)


def _kmcheck(tool: Kmcheck) -> Stage:
    command = [sys.executable, "-m", "kmcheck", "verify", tool.spec, *tool.flags]
    command += [part for key, value in tool.settings.items() for part in ("-D", f"{key}={value}")]
    command += ["--no-counterexamples", "--progress", "never", "--format", "json"]
    return Stage("search", ROOT, tuple(command), ANSWERED, tool.copies)


def _spin(tool: Spin, folder: Path) -> list[Stage]:
    given = [f"-D{key}={value}" for key, value in tool.settings.items()]
    shutil.copy(MODELS / tool.model, folder)
    compiled = ("-w", "-DSAFETY", *tool.compile, "-o", "pan", "pan.c")
    return [
        Stage("generate", folder, ("spin", *given, "-a", *tool.generate, tool.model)),
        Stage("compile", folder, ("gcc", *compiled)),
        Stage("search", folder, ("./pan", "-m1000000", *tool.run)),
    ]


def _rumur(tool: Rumur, folder: Path) -> list[Stage]:
    text = (MODELS / tool.model).read_text("utf-8")
    for key, value in tool.settings.items():
        text = re.sub(rf"\b{key}: \d+;", f"{key}: {value};", text, count=1)
    (folder / tool.model).write_text(text, encoding="utf-8")
    optimised = ("-O3", "-march=native", "-w", "-o", "checker", "checker.c", "-lpthread")
    return [
        Stage(
            "generate",
            folder,
            ("rumur", "--threads", "1", *tool.flags, "--output", "checker.c", tool.model),
        ),
        Stage("compile", folder, ("gcc", *optimised)),
        Stage("search", folder, ("./checker",)),
    ]


def answer(tool: Tool, output: str) -> Answer:
    """Return what the tool said when it searched.

    Raises:
        ValueError: it said nothing that this understands.
    """
    match tool:
        case Kmcheck():
            return _of_kmcheck(output)
        case Spin():
            return _of_spin(output)
        case Rumur():
            return _of_rumur(output)
    assert_never(tool)


def _of_kmcheck(output: str) -> Answer:
    told: dict[str, Any]
    told, _ = json.JSONDecoder().raw_decode(output, output.index("{"))  # warnings stand around it
    label = told["label"][0]
    verdicts = {result["verdict"] for result in told["results"]}
    if label["stopped"]:
        verdict = f"gave up: {label['stopped']}"
    else:
        verdict = HOLDS if verdicts == {"holds"} else "violated"
    return Answer(label["states"], label["transitions"], verdict)


def _of_spin(output: str) -> Answer:
    """Return SPIN's answer. It counts the way into the initial state as a transition."""
    states = re.search(r"(\d+) states, stored", output)
    steps = re.search(r"(\d+) transitions \(= stored\+matched\)", output)
    errors = re.search(r"errors: (\d+)", output)
    if not (states and steps and errors):
        raise ValueError(f"SPIN gave no counts:\n{output[-2000:]}")
    unfinished = "Search not completed" in output or "max search depth too small" in output
    verdict = "gave up" if unfinished else HOLDS if errors[1] == "0" else "violated"
    return Answer(int(states[1]), int(steps[1]) - 1, verdict)


def _of_rumur(output: str) -> Answer:
    counts = re.findall(r"(\d+) states, (\d+) rules fired in", output)
    if not counts:
        raise ValueError(f"Rumur gave no counts:\n{output[-2000:]}")
    states, steps = counts[-1]
    verdict = HOLDS if "No error found" in output else "violated"
    return Answer(int(states), int(steps), verdict)
