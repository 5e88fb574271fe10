"""Which choices would have prevented a violation; of primitives in test_remedies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmcheck.cli import kmcheck
from tests.language import source

SPEC = """
class Mode(Enum):
    NEVER = auto()
    ONCE = auto()
    TWICE = auto()

class G(Object):
    n: int

g = G()
A = choice({0}, "whether a is counted")
B = choice({1}, "whether b is counted")
MODE = choice(Mode.{2}, "how often the rest is counted")

@process
def counts() -> None:
    if A:
        g.n += 1
    if B:
        g.n += 1
    if MODE != Mode.NEVER:
        g.n += 2 if MODE == Mode.TWICE else 1

@finally_
def two_are_counted() -> bool:
    return g.n == 2

@setup
def begin() -> None:
    start(counts)
"""


def asked(tmp_path: Path, *given: str, spec: str = SPEC) -> tuple[int, str]:
    """Return the exit code and what is printed, for what the spec's own choices are."""
    path = tmp_path / "here" / "counted.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source(spec).text, "utf-8")
    command = ["prevent", str(path), "--no-primitives", "--progress", "never", *given]
    done = CliRunner().invoke(kmcheck, command, standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, done.stdout


def enough(told: str) -> list[dict[str, str]]:
    found: list[dict[str, dict[str, str]]] = json.loads(told)["enough"]
    return [change["choices"] for change in found]


@pytest.mark.parametrize(
    ("own", "changes"),
    [
        (("True", "True", "ONCE"), [{"A": "no"}, {"B": "no"}, {"MODE": "never"}]),
        (("False", "False", "NEVER"), [{"MODE": "twice"}]),
        (("False", "True", "TWICE"), [{"B": "no"}, {"MODE": "once"}]),
        (("True", "True", "TWICE"), [{"MODE": "never"}]),
    ],
)
def test_the_smallest_changes_are_told(
    own: tuple[str, ...], changes: list[dict[str, str]], tmp_path: Path
) -> None:
    code, told = asked(tmp_path, "--format", "json", spec=SPEC.format(*own))
    found = enough(told)
    assert code == 0
    assert found == changes


def test_two_changes_are_made_together_where_no_single_one_is_enough(tmp_path: Path) -> None:
    spec = SPEC.format("False", "False", "ONCE").replace("g.n == 2", "g.n == 4")
    assert asked(tmp_path, "--most", "1", spec=spec)[0] == 1
    assert asked(tmp_path, "--most", "2", spec=spec)[0] == 1
    code, told = asked(tmp_path, "--most", "3", "--format", "json", spec=spec)
    assert code == 0
    assert enough(told) == [{"A": "yes", "B": "yes", "MODE": "twice"}]


def test_what_prevents_one_violation_and_brings_another_is_not_enough(tmp_path: Path) -> None:
    spec = SPEC.format("True", "True", "ONCE").replace(
        "if B:", "if B:\n        assert MODE != Mode.NEVER\n    if B:"
    )
    code, told = asked(tmp_path, spec=spec)
    assert code == 0
    assert told.splitlines() == [
        "here/counted: two_are_counted in 6 steps",
        "",
        "prevented by",
        "  A=no",
        "  B=no",
        "",
        "not by",
        "  MODE=never  assertion in 2 steps",
        "  MODE=twice  two_are_counted in 6 steps",
    ]


def test_choices_that_are_asked_for_are_changed_too(tmp_path: Path) -> None:
    spec = SPEC.format("True", "True", "NEVER")
    code, told = asked(tmp_path, "-D", "A=no", "--format", "json", spec=spec)
    assert (code, enough(told)) == (0, [{"A": "yes"}, {"MODE": "once"}])


def test_nothing_is_tried_where_nothing_is_violated(tmp_path: Path) -> None:
    code, told = asked(tmp_path, spec=SPEC.format("True", "True", "NEVER"))
    assert (code, told) == (0, "here/counted: holds\n")


LONG = """
class G(Object):
    n: int

g = G()
WAIT = choice(False, "whether it takes its time")

@process
def counts() -> None:
    if WAIT:
        for _ in range(9):
            pause()
    else:
        check(g.n == 1, "uncounted", "nothing is counted")

@setup
def begin() -> None:
    start(counts)
"""


def test_what_is_unknown_is_not_enough(tmp_path: Path) -> None:
    code, told = asked(tmp_path, "--max-states", "4", spec=LONG)
    assert code == 4
    assert "prevented by nothing that was tried" in told
    assert "WAIT=yes  unknown: " in told
    assert asked(tmp_path, spec=LONG)[0] == 0


def test_a_spec_without_choices_says_so(tmp_path: Path) -> None:
    code, told = asked(tmp_path, spec=LONG.replace("choice(False, ", "bound(0, "))
    assert code == 1
    assert told.endswith("there is nothing to try\n")
