"""What was set out to be reached, and how far the results are from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.peers import HOLDS
from benchmarks.results import Entry, Records

MIB = 2**20


@dataclass(frozen=True)
class Measured:
    """A number, and what it is to be. `way` is how they compare; `unit` stands behind them."""

    value: float
    way: Literal["at least", "at most"]
    wanted: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it is as wanted."""
        return self.missed_by <= 1

    @property
    def missed_by(self) -> float:
        """How many times better it would have to be; 1 or less where the target is met."""
        high, low = (
            (self.wanted, self.value) if self.way == "at least" else (self.value, self.wanted)
        )
        return high / low


@dataclass(frozen=True)
class Target:
    """A line of the table of targets. `measure` takes the rows of all its scenarios, by title."""

    what: str
    wanted: str
    scenarios: tuple[str, ...]
    measure: Callable[[dict[str, Entry]], list[Measured]]


def measured(target: Target, records: Records) -> list[Measured]:
    """Return a target's numbers, none where a scenario, or a tool in it, was not measured."""
    known = [records[name] for name in target.scenarios if name in records]
    try:
        return target.measure({entry.title: entry for r in known for entry in r.entries})
    except KeyError:  # a tool that is not installed has no row
        return []


def _at_least(value: float, wanted: float, unit: str) -> Measured:
    return Measured(value, "at least", wanted, unit)


def _at_most(value: float, wanted: float, unit: str) -> Measured:
    return Measured(value, "at most", wanted, unit)


def _rate_over(peer: str, wanted: float) -> Callable[[dict[str, Entry]], list[Measured]]:
    def measure(rows: dict[str, Entry]) -> list[Measured]:
        ours, theirs = rows["kmcheck"], rows[peer]
        found = [_at_least(ours.rate / theirs.rate, wanted, "times, whole processes")]
        if ours.alone_rate and theirs.alone_rate:
            alone = ours.alone_rate / theirs.alone_rate
            found.append(_at_least(alone, wanted, "times, searches alone"))
        return found

    return measure


def _bytes(wanted: float) -> Callable[[dict[str, Entry]], list[Measured]]:
    def measure(rows: dict[str, Entry]) -> list[Measured]:
        ours = rows["kmcheck"]
        if ours.verdict != HOLDS:
            return []
        unit = f"bytes a state ({ours.states / 10**6:.0f} million)"
        return [_at_most(ours.bytes_per_state, wanted, unit)]

    return measure


def _threads(rows: dict[str, Entry]) -> list[Measured]:
    one, two = rows["-j 2"], rows["two searches"]
    return [
        _at_least(one.flow / two.flow, 0.85, "of that rate, whole processes"),
        _at_least(one.alone_flow / two.alone_flow, 0.85, "of that rate, searches alone"),
    ]


def _liveness(rows: dict[str, Entry]) -> list[Measured]:
    safety, both = rows["kmcheck, safety"], rows["kmcheck, starvation, too"]
    return [_at_most(both.whole_wall / safety.whole_wall, 3, "times the time")]


def _start(rows: dict[str, Entry]) -> list[Measured]:
    ours = rows["kmcheck, the flagship"]
    ratios = [
        _at_least(entry.whole_wall / ours.whole_wall, 3, f"times faster than {entry.title}")
        for entry in rows.values()
        if entry.tool == "SPIN"
    ]
    return [_at_most(ours.whole_wall, 1, "s"), *ratios]


def _lint(rows: dict[str, Entry]) -> list[Measured]:
    return [_at_most(rows["kmcheck lint, reparent_caches"].whole_cpu, 0.3, "s of CPU time")]


def _qrcu(rows: dict[str, Entry]) -> list[Measured]:
    ours, theirs = rows["kmcheck"], rows["Rumur, scalarsets"]
    if ours.verdict != HOLDS:
        return []
    times = theirs.search.cpu.median / ours.search.cpu.median
    unit = "times less CPU" if theirs.verdict == HOLDS else "times less CPU, had Rumur ended then"
    return [
        _at_least(times, 10, unit),
        _at_most(ours.search.peak.median / MIB, 1024, "MiB"),
    ]


def _frees(rows: dict[str, Entry]) -> list[Measured]:
    six = rows["6"]
    if six.verdict != HOLDS:
        return []
    return [
        _at_most(six.search.wall.median / 60, 10, "minutes"),
        _at_most(six.search.peak.median / MIB, 8192, "MiB"),
    ]


TARGETS = [
    Target(
        "states per CPU-second against SPIN -O3 exact, no reductions",
        "at least 10 times",
        ("reparent",),
        _rate_over("SPIN -O3", 10),
    ),
    Target(
        "the same against Rumur",
        "at least 30 times",
        ("reparent",),
        _rate_over("Rumur", 30),
    ),
    Target(
        "100 million states and more, exact, states of one word",
        "finishes, at most 24 bytes a state",
        ("large_one_word",),
        _bytes(24),
    ),
    Target(
        "the same with states of two words",
        "finishes, at most 40 bytes a state",
        ("large_two_words",),
        _bytes(40),
    ),
    Target(
        "two threads against two searches at the same time",
        "at least 0.85 of the combined rate",
        ("two_threads",),
        _threads,
    ),
    Target(
        "process start to verdict, the flagship's default bounds",
        "under 1 s, 3 times faster than SPIN",
        ("start",),
        _start,
    ),
    Target(
        "`kmcheck lint` in an editor, the flagship",
        "under 0.3 s of CPU time",
        ("lint",),
        _lint,
    ),
    Target(
        "runs that never end, decided too, on a million states or more",
        "at most 3 times the time",
        ("liveness",),
        _liveness,
    ),
    Target(
        "QRCU 3x3, all reductions, against Rumur with scalarsets",
        "10 times less CPU, at most 1 GiB",
        ("qrcu_3x3",),
        _qrcu,
    ),
    Target(
        "the flagship with 6 racing frees, all reductions",
        "within 10 minutes and 8 GiB",
        ("frees_reduced",),
        _frees,
    ),
]
