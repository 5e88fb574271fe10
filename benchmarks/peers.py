"""How each tool is run on a model, what to install for it, and how its answer is read."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, assert_never

from benchmarks.results import START

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "benchmarks" / "models"

PACKAGES = {"spin": "spin", "rumur": "rumur", "gcc": "gcc libc6-dev"}
"""What Debian calls the package that brings a program."""

HOLDS = "holds"
ANSWERED = (0, 1, 4)
"""kmcheck's exit codes where it prints an answer: it holds, it is violated, it gave up."""

PLAIN = ("--engine", "native", "--no-reduce", "all", "-j", "1")
"""kmcheck's native engine, without reductions, on one thread."""
REDUCED = ("--engine", "native", "--no-reduce", "none", "-j", "1")
"""The same with all reductions. Nothing that is measured depends on what the defaults are."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tool on a model. `compared`: it counts every state, as the others of its scenario do."""

    settings: Mapping[str, int] = field(default_factory=dict)
    compared: bool = True


@dataclass(frozen=True, kw_only=True)
class Kmcheck(Peer):
    """kmcheck on a spec of the project; `copies` run at the same time.

    `apart`: what comes before the search is measured for itself, too, by a run that stops at the
    first state.
    """

    spec: str
    flags: tuple[str, ...] = PLAIN
    copies: int = 1
    apart: bool = True


@dataclass(frozen=True, kw_only=True)
class Spin(Peer):
    """SPIN on a model beside this file: flags of spin, of gcc and of the verifier."""

    model: str
    generate: tuple[str, ...] = ()
    compile: tuple[str, ...] = ("-O3", "-DNOREDUCE")
    run: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rumur(Peer):
    """Rumur on a model beside this file: flags of rumur, and how many seconds it may search."""

    model: str
    flags: tuple[str, ...] = ("--symmetry-reduction", "off")
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class Look(Peer):
    """A Python program that looks at a file, as an editor has it, and explores nothing."""

    called: str
    command: tuple[str, ...]
    """What stands behind `python`."""
    module: str = ""
    """What it is in, where it is none of ours."""


Tool = Kmcheck | Spin | Rumur | Look


@dataclass(frozen=True)
class Stage:
    """A part of a run, measured for itself. The last one of a tool searches.

    It is ended after `limit` seconds on the wall.
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    fine: tuple[int, ...] = (0,)
    copies: int = 1
    limit: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a tool says of a model: `verdict` is `holds`, or why that is not said.

    `reductions` is what kmcheck says of each that it applied.
    """

    states: int
    transitions: int
    verdict: str
    reductions: tuple[str, ...] = ()


def name(tool: Tool) -> str:
    """Return what the tool is called."""
    match tool:
        case Kmcheck():
            return "kmcheck"
        case Spin():
            return "SPIN"
        case Rumur():
            return "Rumur"
        case Look(called=called):
            return called
    assert_never(tool)


def missing(tool: Tool) -> str | None:
    """Return which programs are not there and how to get them, None if all are."""
    if isinstance(tool, Look):
        there = not tool.module or find_spec(tool.module) is not None
        return None if there else f"no {tool.module} here: pip install {tool.module}"
    wanted = {Kmcheck: [], Spin: ["spin", "gcc"], Rumur: ["rumur", "gcc"]}[type(tool)]
    gone = [program for program in wanted if shutil.which(program) is None]
    packages = " ".join(PACKAGES[program] for program in gone)
    return f"no {' and no '.join(gone)} here: apt install {packages}" if gone else None


def stages(tool: Tool, folder: Path) -> list[Stage]:
    """Return what is to be run, in this order; models are put into the folder.

    Generating and compiling are the first stages. kmcheck has none of these: its search has what
    comes before it in itself, and the stage `START` is that part once more.
    """
    match tool:
        case Kmcheck():
            return _kmcheck(tool)
        case Spin():
            return _spin(tool, folder)
        case Rumur():
            return _rumur(tool, folder)
        case Look(command=command):
            return [Stage("search", ROOT, (sys.executable, *command))]
    assert_never(tool)


def _kmcheck(tool: Kmcheck) -> list[Stage]:
    command = [sys.executable, "-m", "kmcheck", "verify", tool.spec, *tool.flags]
    command += [part for key, value in tool.settings.items() for part in ("-D", f"{key}={value}")]
    command += ["--no-counterexamples", "--progress", "never", "--format", "json"]
    search = Stage("search", ROOT, tuple(command), ANSWERED, tool.copies)
    start = replace(search, name=START, command=(*command, "--max-states", "1"))
    return [start, search] if tool.apart else [search]


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
        Stage("search", folder, ("./checker",), limit=tool.limit),
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
        case Look():
            return Answer(0, 0, HOLDS)  # it ended well, or there is no answer
    assert_never(tool)


def unfinished(tool: Tool, output: str, why: str) -> Answer:
    """Return what a tool that was ended in the middle of its search had found by then."""
    told = re.findall(r"(\d+) states explored in \d+s, with (\d+) rules fired", output)
    assert isinstance(tool, Rumur)  # no other has a limit
    states, steps = told[-1] if told else (0, 0)
    return Answer(int(states), int(steps), f"gave up: {why}")


def _of_kmcheck(output: str) -> Answer:
    told: dict[str, Any]
    told, _ = json.JSONDecoder().raw_decode(output, output.index("{"))  # warnings stand around it
    label = told["label"][0]
    verdicts = {result["verdict"] for result in told["results"]}
    if "violated" in verdicts:
        verdict = "violated"
    else:
        verdict = HOLDS if verdicts == {"holds"} else f"gave up: {label['stopped']}"
    reductions = tuple(label["reductions"])
    return Answer(label["states"], label["transitions"], verdict, reductions)


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
