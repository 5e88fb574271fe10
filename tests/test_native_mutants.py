"""Comparing the engines catches seeded faults: in code generation, tables, rounds, questions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.reference import ENGINE as REFERENCE
from tests.native_mutants import MUTANTS, search
from tests.native_programs import PROGRAMS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, str]]:
    """How each search of `native_mutants` ends: forked by a process that has no threads to lose."""
    command = [sys.executable, "-m", "tests.native_mutants"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def test_every_fault_is_noticed(outcomes: dict[str, dict[str, str]]) -> None:
    ends = outcomes["faults"]
    assert list(ends) == [mutant.name for mutant in MUTANTS]
    assert not {
        name: end for name, end in ends.items() if end.startswith(("the same", "no mutant"))
    }


def test_without_a_fault_small_tables_and_buffers_find_the_same(
    outcomes: dict[str, dict[str, str]],
) -> None:
    assert set(outcomes["right"].values()) == {"the same"}


def test_a_thread_that_is_late_is_waited_for(outcomes: dict[str, dict[str, str]]) -> None:
    assert set(outcomes["late"].values()) == {"the same"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_a_fault_the_engines_agree(program: str) -> None:
    assert search(NATIVE, program) == search(REFERENCE, program)
