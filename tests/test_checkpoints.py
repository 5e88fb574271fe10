"""A search that was stopped or killed, and resumed, ends as an uninterrupted one does."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kmcheck.diagnostics import UsageError
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import events
from kmcheck.engines.native import search as native
from kmcheck.engines.native.noticed import Noticed
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Question
from kmcheck.semantics import Judge
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Checkpoints, Finding
from tests.language import program
from tests.tables import ends
from tests.test_native import of, search

ROOT = Path(__file__).resolve().parent.parent
REPARENT = ROOT / "benchmarks" / "models" / "reparent.py"
LARGE = ("-D", "F=3", "-D", "P=6")
CHECKS = ends()
STOPS = 3
KILLS = 4
SPELL = 1.2
EVERY = Question(every=True)

COUNTER = program("n: int", *["for i in range(5):\n    g.n = g.n + 1"] * 3, begin="g.n = 0")


def of_check(check: Expectation) -> TransitionSystem:
    return build(compile_spec(read(check.spec), check.settings), Solver().holds)


def resumed(system: TransitionSystem, file: Path, chance: random.Random) -> tuple[Finding, int]:
    """Search with stops after a few states each, on one or two threads; tell how often."""
    kept, reached = Checkpoints(str(file)), 0
    for times in range(STOPS):
        reached += chance.randint(1, 60)
        budget = Budget(states=reached, threads=chance.randint(1, 2), checkpoints=kept)
        found = search(NATIVE, system, EVERY, budget)
        if not found.statistics.checkpoint:
            return found, times
        reached = max(reached, found.statistics.states)
        kept = replace(kept, resume=str(file))
    return search(NATIVE, system, EVERY, Budget(checkpoints=kept)), STOPS


@pytest.mark.parametrize("check", CHECKS[::9], ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_stops_change_nothing(
    check: Expectation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "CHUNK", 7)
    system = of_check(check)
    found, times = resumed(system, tmp_path / "kept", random.Random(str(check)))  # noqa: S311 - no secret
    assert times > 0
    assert found == search(NATIVE, system, EVERY)


def verify(*flags: str, spec: Path = REPARENT) -> list[str]:
    command = [sys.executable, "-m", "kmcheck", "verify", str(spec), "--engine", "native"]
    return [*command, "--format", "json", "--no-counterexamples", *flags]


def label(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    told = json.loads(done.stdout)["label"][0]
    return {n: told[n] for n in ("states", "transitions", "depth", "terminal_states", "vacuous")}


def written(file: Path) -> int:
    """Tell when a file was written; 0 if it never was."""
    return file.stat().st_mtime_ns if file.exists() else 0


def test_a_search_that_is_killed_at_any_time_goes_on(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    flags = [*LARGE, "--checkpoint", str(kept), "--checkpoint-every", "0.01s"]
    chance = random.Random(3)  # noqa: S311 - no secret
    for _ in range(KILLS):
        more = ["--resume", str(kept)] if kept.exists() else []
        running = subprocess.Popen(verify(*flags, *more), stdout=subprocess.PIPE)
        before = written(kept)
        while running.poll() is None and written(kept) == before:
            time.sleep(0.01)
        time.sleep(chance.random() * SPELL)
        running.kill()
        running.communicate()
    last = subprocess.run(
        verify(*LARGE, "--resume", str(kept)), capture_output=True, text=True, check=True
    )
    whole = subprocess.run(verify(*LARGE), capture_output=True, text=True, check=True)
    assert label(last) == label(whole)


def test_an_interrupted_search_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    flags = [*LARGE, "--checkpoint", str(kept), "--checkpoint-every", "0.01s"]
    running = subprocess.Popen(verify(*flags), stdout=subprocess.PIPE, text=True)
    while not kept.exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    told = json.loads(running.communicate()[0])["label"][0]
    assert running.returncode == 130
    assert (told["stopped"], told["checkpoint"]) == ("interrupted", str(kept))
    last = subprocess.run(
        verify(*LARGE, "--resume", str(kept)), capture_output=True, text=True, check=True
    )
    assert json.loads(last.stdout)["label"][0]["states"] > told["states"]


@pytest.mark.parametrize(("of_what", "name"), [(Noticed, "claim"), (Judge, "leaked")])
def test_a_search_that_is_interrupted_where_it_finds_something_is_not_kept(
    of_what: type, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*about: object) -> None:
        if not isinstance(about[0], Noticed) or about[1]:
            raise KeyboardInterrupt

    page = "class Page(Object, limit=1):\n    n: bool\n"
    system = of(program("n: bool", "x = Page()\ng.n = True", more=page))
    file = tmp_path / "kept"
    assert {c.violation for c in search(NATIVE, system, EVERY).claims} == {"leak"}
    monkeypatch.setattr(of_what, name, interrupted)
    budget = Budget(checkpoints=Checkpoints(str(file)))
    assert search(NATIVE, system, EVERY, budget).stopped == "interrupted"
    assert not file.exists()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A checkpoint of COUNTER, after 60 states."""
    file = tmp_path / "kept"
    stopped = search(
        NATIVE, of(COUNTER), EVERY, Budget(states=60, checkpoints=Checkpoints(str(file)))
    )
    assert stopped.statistics.checkpoint == str(file)
    return file


def resume(kept: Path) -> Finding:
    return search(NATIVE, of(COUNTER), EVERY, Budget(checkpoints=Checkpoints(resume=str(kept))))


def test_a_search_that_has_lost_what_it_found_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "EVENTS", 2)
    kept = tmp_path / "kept"
    laws = (f"@always\ndef law_{n}() -> bool:\n    return g.n != 1\n" for n in range(4))
    found = search(
        NATIVE, of(COUNTER + "".join(laws)), EVERY, Budget(checkpoints=Checkpoints(str(kept)))
    )
    assert found.stopped is not None
    assert "violations at one depth" in found.stopped
    assert not found.complete
    assert not kept.exists()


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_damaged_checkpoint_is_refused(kept: Path, at: float) -> None:
    text = bytearray(kept.read_bytes())
    text[int(at * (len(text) - 1))] ^= 4
    kept.write_bytes(text)
    with pytest.raises(UsageError):
        resume(kept)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_that_ends_too_early_is_refused(kept: Path, at: float) -> None:
    kept.write_bytes(kept.read_bytes()[: int(at * kept.stat().st_size)])
    with pytest.raises(UsageError):
        resume(kept)


def test_more_behind_a_checkpoint_is_refused(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes() + b"x")
    with pytest.raises(UsageError, match="damaged"):
        resume(kept)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-D", "F=2", "-D", "P=6"], "its settings is"),
        ([*LARGE, "--all"], "its --all is"),
        ([*LARGE, "-p", "leak"], "its properties is"),
        ([*LARGE, "--engine", "reference"], "keeps no checkpoints"),
        ([*LARGE, "--expected"], "a checkpoint is of one search"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused(
    flags: list[str], told: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    first = verify(*LARGE, "--max-states", "1000", "--checkpoint", str(kept))
    assert subprocess.run(first, check=False, capture_output=True).returncode == 4
    other = verify(*flags, "--resume", str(kept))
    done = subprocess.run(other, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize("name", ["", "no/such/folder/kept"])
def test_a_place_that_cannot_be_written_is_refused_before_the_search(
    name: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        verify("--checkpoint", str(tmp_path / name)), check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert not done.stdout
