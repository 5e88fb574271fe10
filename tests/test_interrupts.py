"""Interrupts and full disks: a verb ends at once, and says how far it is or what is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kmcheck.cli import run
from kmcheck.driver import verify
from kmcheck.expected import Expectation, Outcome
from tests.symmetric import ROOT

LONG = ["specs/kmemcg/reparent_caches.py", "-D", "FREERS=1..9", "-j", "1"]
"""Cells of which the first takes no time, and the last no end."""

PETERSON = str(ROOT / "specs/classic/peterson.py")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.json"


def interrupted(kept: Path, *command: str) -> tuple[int, str, str]:
    """Run a verb until an outcome is kept, then interrupt it and all its processes, as ^C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kmcheck", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for _ in range(1200):
            if kept.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no groups of processes")
def test_an_interrupted_sweep_keeps_what_is_done(kept: Path) -> None:
    code, out, err = interrupted(kept, "sweep", *LONG, "--resume", str(kept))
    done = len(json.loads(kept.read_text("utf-8")))
    assert (code, out) == (130, "")
    assert 1 <= done < 9
    told, hint = err.splitlines()
    assert told.startswith("kmcheck: interrupted: ")
    assert told.endswith(("of 9 cells are done", "of 9 cells is done"))
    assert hint == f"  hint: the same command goes on from {kept}"


@pytest.fixture
def second_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Expectation] = []

    def meet(expectation: Expectation, *_: object) -> Outcome:
        if met:
            raise KeyboardInterrupt
        met.append(expectation)
        return Outcome(expectation, "holds", ())

    monkeypatch.setattr("kmcheck.expected.meet", meet)


@pytest.mark.usefixtures("second_fails")
def test_interrupted_checks_are_counted(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--expected", str(ROOT / "specs/classic"), "-j", "1"]) == 130
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("kmcheck: interrupted: 1 of ")
    assert told.err.endswith(" checks is done\n")


@pytest.mark.parametrize(
    ("verb", "where"), [("mutate", "necessity"), ("prevent", "prevention"), ("verify", "expected")]
)
def test_an_interrupted_search_is_no_outcome(
    verb: str, where: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def ended(*given: object) -> object:
        result = verify(*given)  # type: ignore[arg-type]
        return replace(result, label=replace(result.label, stopped="interrupted"))

    monkeypatch.setattr(f"kmcheck.{where}.verify", ended)
    flags = ["--expected", "-j", "1"] if verb == "verify" else []
    assert run([verb, PETERSON, *flags]) == 130
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("kmcheck: interrupted")


def test_what_could_be_kept_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("kmcheck.necessity.done", stop)
    assert run(["mutate", PETERSON]) == 130
    told, hint = capfd.readouterr().err.splitlines()
    assert told.startswith("kmcheck: interrupted: ")
    assert hint == "  hint: `--resume FILE` keeps those that are done, for the next time"


# --- what cannot be written ----------------------------------------------------------------------


FULL = Path("/dev/full")


def command(*arguments: str, out: str = "/dev/null", err: str = "/dev/null") -> int:
    """Run kmcheck with its output to somewhere; return the exit code."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(out, "wb") as told, open(err, "wb") as said:  # noqa: PTH123 - devices
        run = [sys.executable, "-m", "kmcheck", *arguments]
        return subprocess.run(run, check=False, env=env, stdout=told, stderr=said).returncode


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_where_there_is_no_room_it_says_so(tmp_path: Path) -> None:
    said = tmp_path / "said"
    assert command("--help", out=str(FULL), err=str(said)) == 2
    told = said.read_text("utf-8")
    assert told == "kmcheck: cannot write the output: No space left on device\n"
    assert command("lint", "nowhere.py", err=str(FULL)) == 2


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_outcomes_that_cannot_be_kept_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", PETERSON, "--resume", "/dev/full"]) == 2
    assert capfd.readouterr().err.startswith("kmcheck: /dev/full is no file of outcomes")
    nowhere = str(ROOT / "nowhere" / "outcomes")
    assert run(["sweep", PETERSON, "--resume", nowhere]) == 2
    assert capfd.readouterr().err.startswith(f"kmcheck: cannot write {nowhere}")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_error(closed: int) -> None:
    process = subprocess.run(
        ["sh", "-c", f'exec "$0" -m kmcheck lint {PETERSON} {closed}>&-', sys.executable],
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert (process.returncode, process.stderr) == (0, b"")
