"""What was measured, as data that a file keeps, and the arithmetic that tables need."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

import cattrs

FILE = Path(__file__).with_name("results.json")

START = "start"
"""The part of kmcheck that comes before its search, and is in the search's process, too."""


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
    """A tool's row. The last part is the search; what is before it made the program.

    kmcheck makes its program in the process that searches: its part `START` is that once more, by
    itself. So `alone` is the search without it, and `whole` is the search with all before it, for
    each tool.
    """

    title: str
    tool: str
    compared: bool
    states: int
    transitions: int
    verdict: str
    parts: tuple[Part, ...]
    reductions: tuple[str, ...] = ()
    """What each that was applied did, as the tool says it."""

    @property
    def search(self) -> Part:
        """The part that explored."""
        return self.parts[-1]

    @property
    def start(self) -> Part | None:
        """What of the search's process comes before the search, where it was measured."""
        return next((part for part in self.parts[:-1] if part.name == START), None)

    @property
    def made(self) -> tuple[Part, ...]:
        """Generating and compiling a verifier; nothing where there is none."""
        return tuple(part for part in self.parts[:-1] if part.name != START)

    @property
    def before(self) -> float | None:
        """Median CPU seconds of all that comes before the search, None where that is not known."""
        if not self.made:
            return self.start.cpu.median if self.start else None
        return sum(part.cpu.median for part in self.made)

    @property
    def whole_cpu(self) -> float:
        """Median CPU seconds from the start of the first part to the answer."""
        return sum(part.cpu.median for part in (*self.made, self.search))

    @property
    def alone_cpu(self) -> float | None:
        """Median CPU seconds of the search alone, None where that is not known.

        Nor is it where it is a difference so small that noise is a good part of it.
        """
        if self.before is None:
            return None
        alone = self.whole_cpu - self.before
        return alone if self.made or alone > self.before / 2 else None

    @property
    def whole_wall(self) -> float:
        """Median seconds from the start of the first part to the answer."""
        return sum(part.wall.median for part in (*self.made, self.search))

    @property
    def rate(self) -> float:
        """States explored in a second of CPU time, with all that comes before the search."""
        return self.states / self.whole_cpu

    @property
    def alone_rate(self) -> float | None:
        """The same of the search alone, None where that is not known."""
        return self.states / self.alone_cpu if self.alone_cpu else None

    @property
    def flow(self) -> float:
        """States explored in a second on the wall, by all copies that ran at the same time."""
        return self.search.copies * self.states / self.search.wall.median

    @property
    def alone_flow(self) -> float:
        """The same without the time before the search."""
        start = self.start.wall.median if self.start else 0
        return self.search.copies * self.states / (self.search.wall.median - start)

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
    """A scenario as it was measured: rows, and for each tool that was left out the reason.

    `growth`: each row is the same, and one size larger than the row above.
    """

    name: str
    title: str
    when: str
    machine: Machine
    entries: tuple[Entry, ...]
    skipped: dict[str, str]
    growth: bool = False

    @property
    def took(self) -> float:
        """Seconds on the wall that measuring it took."""
        parts = [part for entry in self.entries for part in entry.parts]
        return sum(run.wall / part.copies for part in parts for run in part.runs)

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
