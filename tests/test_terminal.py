"""What is shown of a search that lasts: how far it is, how fast, and how far it will go."""

from __future__ import annotations

import re
import sys
import time
from io import StringIO
from math import comb

import pytest

from kmcheck import machine, terminal
from kmcheck.protocols import Progress
from kmcheck.terminal import QUICK, SLOW, Rate, progress, told

BELL = [comb(30, n) for n in range(31)]


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    return found


class Screen(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Let stderr be a terminal from here on; no fixture, for pytest has its own between those."""
    found = Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("COLUMNS", "200")
    return found


def at(states: int, frontier: int = 0, depth: int = 3) -> Progress:
    return Progress(states, frontier, depth, 2 * states)


def test_all_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "resident", lambda: 3 * 2**29)
    line = " ".join(told(Progress(1_234_567, 890, 33, 5, [1, 2]), 45_678.9))
    said = "1,234,567 states, 45,679/s, 890 to expand, depth 33, 1.50 GiB, estimate: not yet"
    assert line == said


def test_an_estimate_says_between_what_and_what_and_how_long() -> None:
    now = Progress(sum(BELL[:22]), BELL[21], 21, 0, BELL[:22])
    match = re.search(r"estimate: (\d)G to (\d\.\d)G, (\d+) s to (\d+) s left", told(now, 1e7)[-1])
    assert match is not None
    low, high, soon, late = map(float, match.groups())
    assert low <= 2**30 / 1e9 <= high
    assert soon - 1 <= (2**30 - sum(BELL[:21])) / 1e7 <= late + 1


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (970, "970"), (1500, "1.5k"), (24_000_000, "24M")]
)
def test_a_number_of_few_digits_is_short(number: int, text: str) -> None:
    assert terminal._short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7000, "117 min"), (7200, "2 h"), (1e6, "12 d")],
)
def test_times_are_told_in_units_that_fit(seconds: float, text: str) -> None:
    assert terminal._lasting(seconds) == text


def test_a_rate_is_smoothed_and_follows() -> None:
    rate = Rate(0.0)
    assert rate.at(1.0, 100) == 100
    assert 100 < rate.at(1.25, 150) < 200
    found = [rate.at(float(second), 150 + 1000 * (second - 1)) for second in range(2, 40)]
    assert found == sorted(found)
    assert 990 < found[-1] < 1001


def test_a_rate_begins_again_with_the_search() -> None:
    rate = Rate(0.0)
    rate.at(1.0, 1_000_000)
    assert rate.at(2.0, 30) == 30


def test_a_terminal_gets_four_lines_a_second_at_the_most(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = terminal_of(monkeypatch)
    with progress("auto", "spec.py") as report:
        for tick in range(100):
            clock.now = 1000 + tick / 50
            report(at(tick))
    lines = screen.getvalue().split("\r\x1b[K")[1:]
    assert lines[-1] == ""
    assert len(lines) - 1 <= 2 / QUICK
    assert all(line.startswith("spec.py: ") and "\n" not in line for line in lines[:-1])


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (99, "spec.py: 90 states, 90/s, 0 to expand, depth 3, 0.50 GiB, estimate: not yet"),
        (71, "90 states, 90/s, 0 to expand, depth 3, 0.50 GiB, estimate: not yet"),
        (60, "90 states, 90/s, depth 3, 0.50 GiB, estimate: not yet"),
        (50, "90 states, 90/s, 0.50 GiB, estimate: not yet"),
        (20, "90 states, 90/s, 0."),
    ],
)
def test_a_line_is_no_longer_than_the_terminal_is_wide(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, columns: int, line: str
) -> None:
    screen = terminal_of(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(machine, "resident", lambda: 2**29)
    with progress("auto", "spec.py") as report:
        clock.now += 1
        report(at(90))
    assert screen.getvalue().split("\r\x1b[K")[1] == line


def test_a_log_gets_a_plain_line_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("auto", "spec.py") as report:
        for second in range(1, 200):
            clock.now = 1000 + second
            report(at(100 * second))
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 199 // SLOW
    assert "\x1b" not in said
    assert "\r" not in said
    assert "6,000 states, 100/s, 0 to expand, depth 3, " in said


def test_nothing_is_shown_of_a_short_search_or_to_whom_wants_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = terminal_of(monkeypatch)
    with progress("auto", "spec.py") as report:
        report(at(5))
    with progress("never", "spec.py") as report:
        clock.now += 1000
        report(at(5))
    assert screen.getvalue() == ""
