"""SPIN and kmcheck see the same: as many states, the same violations, after as many steps.

SPIN gets the compiled program in Promela, which shares nothing with the semantics; two protocols
it gets as a textbook would write them, which shares nothing with the front end either.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kmcheck.diagnostics import UsageError
from kmcheck.export.promela import export
from kmcheck.frontend import compile_spec, read
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from tests.language import system
from tests.random_programs import built, on_random_programs
from tests.spin import MISSING, answer, ask, count, explore

ROOT = Path(__file__).resolve().parent.parent
needs_spin = pytest.mark.skipif(bool(MISSING), reason=f"there is no {' and no '.join(MISSING)}")

BATCHES = 6
EXAMPLES = 20
MOST = 3000
"""States of a random program that is compared."""

PETERSON = """
bit wants[2]; byte turn = 2;
active [2] proctype cpu()
{
  do
  :: wants[_pid] = 1;
     turn = 1 - _pid;
again:
     if
     :: wants[1 - _pid] -> if :: turn == 1 - _pid -> goto again :: else fi
     :: else
     fi;
     skip; /* critical section */
     wants[_pid] = 0
  od
}
"""
DEKKER = """
bit wants[2]; byte turn = 0;
active [2] proctype cpu()
{
  do
  :: wants[_pid] = 1;
again:
     if
     :: wants[1 - _pid] ->
        if
        :: turn == 1 - _pid ->
           wants[_pid] = 0; turn == _pid; wants[_pid] = 1; goto again
        :: else -> goto again
        fi
     :: else
     fi;
     skip; /* critical section */
     turn = 1 - _pid;
     wants[_pid] = 0
  od
}
"""


WITHOUT_SIZES = [
    ("kmemcg/reparent_lists", {}),
    ("kmemcg/reparent_lists", {"READ_LOCK": "no"}),
    ("kmemcg/page_owner_drain", {}),
]
"""Some of the kmemcg specs and settings that Promela can say."""


def checks() -> list[tuple[str, dict[str, str]]]:
    """Return each spec and setting that is checked of the classic ones, and some of the others."""
    found = []
    smaller = {"readers_writers": {"READERS": 2}}  # broken, it has 173,452 states for three
    for path in sorted((ROOT / "specs/classic").glob("*.toml")):
        for check in tomllib.loads(path.read_text("utf-8"))["check"]:
            wanted = {**check.get("choices", {}), **check.get("bounds", {})}
            wanted |= smaller.get(path.stem, {})
            found.append((f"classic/{path.stem}", {k: str(v) for k, v in wanted.items()}))
    return found + WITHOUT_SIZES


def load(name: str, wanted: dict[str, str]) -> tuple[TransitionSystem, Solver]:
    solver = Solver()
    program = compile_spec(read(str(ROOT / "specs" / f"{name}.py")), wanted)
    return build(program, solver.holds), solver


@needs_spin
@pytest.mark.parametrize(("name", "wanted"), checks(), ids=str)
def test_spin_sees_the_same_of_a_spec(name: str, wanted: dict[str, str], tmp_path: Path) -> None:
    whole, solver = load(name, wanted)
    assert ask(whole, tmp_path) == answer(explore(whole, solver))


@needs_spin
@pytest.mark.parametrize(("name", "text"), [("peterson", PETERSON), ("dekker", DEKKER)])
def test_a_protocol_has_the_states_of_its_textbook_model(
    name: str, text: str, tmp_path: Path
) -> None:
    whole, solver = load(f"classic/{name}", {})
    assert count(text, tmp_path) == explore(whole, solver).statistics.states


@needs_spin
@pytest.mark.parametrize("batch", range(BATCHES))
def test_spin_sees_the_same_of_random_programs(batch: int) -> None:
    def compare(text: str) -> None:
        found = built(text)
        if found is None:
            return
        whole, solver = found
        finding = explore(whole, solver, MOST)
        if finding.statistics.states <= MOST:
            with TemporaryDirectory() as folder:
                assert ask(whole, Path(folder)) == answer(finding), text

    on_random_programs(batch, EXAMPLES, compare)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class G(Object):\n    n: Size\n\ng = G()", "`G.n` is a Size"),
        ("class G(Object):\n    n: Counter\n\ng = G()", "`G.n` is a Counter"),
        ("class G(Object):\n    s: SetOf[Annotated[int, range(40)]]\n\ng = G()", "40 possible"),
        ("class G(Object):\n    n: Annotated[int, range(2000000000)]\n\ng = G()", "does not fit"),
    ],
)
def test_what_promela_cannot_say_is_refused_with_a_reason(text: str, told: str) -> None:
    ending = "    g.s.clear()" if "SetOf" in text else "    pass"
    body = f"@process\ndef p() -> None:\n    x = {'len(g.s)' if 'SetOf' in text else '0'}\n"
    whole, _ = system(f"{text}\n{body}@setup\ndef begin() -> None:\n{ending}\n    start(p)\n")
    with pytest.raises(UsageError, match=told):
        export(whole)


def test_the_same_system_gives_the_same_model() -> None:
    first, second = (load("classic/bounded_buffer", {})[0] for _ in range(2))
    assert export(first) == export(second)
