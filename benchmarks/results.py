"""What was measured, as data that a file keeps, and the arithmetic that tables need."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

import cattrs

FILE = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Spread:
    """The median of several runs, the least and the most."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Run:
    """One process: seconds as the system accounts them, and the peak of its memory in bytes."""

    user: float
    system: float
    wall: float
    peak: int


@dataclass(frozen=True)
class Part:
    """A stage of a tool: its runs. Copies that ran at the same time stand one behind the other."""

    name: str
    runs: tuple[Run, ...]
    copies: int = 1

    @property
    def cpu(self) -> Spread:
        """User and system time."""
        return _spread([run.user + run.system for run in self.runs])

    @property
    def system(self) -> Spread:
        """Time of the system alone."""
        return _spread([run.system for run in self.runs])

    @property
    def wall(self) -> Spread:
        """Time on the wall."""
        return _spread([run.wall for run in self.runs])

    @property
    def peak(self) -> Spread:
        """Most memory that a process held, in bytes."""
        return _spread([float(run.peak) for run in self.runs])


@dataclass(frozen=True)
class Entry:
    """A tool's row. The last part is the search; what is before it made the program."""

    title: str
    tool: str
    compared: bool
    states: int
    transitions: int
    verdict: str
    parts: tuple[Part, ...]

    @property
    def search(self) -> Part:
        """The part that explored."""
        return self.parts[-1]

    @property
    def making(self) -> float:
        """Median CPU seconds of generating and compiling a verifier, 0 where there is none."""
        return sum(part.cpu.median for part in self.parts[:-1])

    @property
    def whole_cpu(self) -> float:
        """Median CPU seconds of all parts."""
        return self.making + self.search.cpu.median

    @property
    def whole_wall(self) -> float:
        """Median seconds from the start of the first part to the answer."""
        return sum(part.wall.median for part in self.parts)

    @property
    def rate(self) -> float:
        """States explored in a second of CPU time, by the search alone."""
        return self.states / self.search.cpu.median

    @property
    def flow(self) -> float:
        """States explored in a second on the wall, by all copies that ran at the same time."""
        return self.search.copies * self.states / self.search.wall.median

    @property
    def bytes_per_state(self) -> float:
        """Peak memory over states, all included."""
        return self.search.peak.median / self.states


@dataclass(frozen=True)
class Machine:
    """Where it was measured, and with which versions."""

    processor: str
    processors: int
    memory: int
    system: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Record:
    """A scenario as it was measured: rows, and for each tool that was left out the reason."""

    name: str
    title: str
    when: str
    machine: Machine
    entries: tuple[Entry, ...]
    skipped: dict[str, str]

    def entry(self, title: str) -> Entry | None:
        """Return a tool's row if it was measured."""
        return next((e for e in self.entries if e.title == title), None)


Records = dict[str, Record]
"""Records by the name of their scenario."""


def _spread(numbers: list[float]) -> Spread:
    return Spread(statistics.median(numbers), min(numbers), max(numbers))


def load(path: Path = FILE) -> Records:
    """Return what a file keeps, nothing where there is no file."""
    if not path.exists():
        return {}
    return cattrs.structure(json.loads(path.read_text("utf-8")), Records)


def save(records: Records, path: Path = FILE) -> None:
    """Write the records to a file."""
    text = json.dumps(cattrs.unstructure(records, Records), indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")
