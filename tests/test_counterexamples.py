"""The counterexamples in the repository are what verification writes today, to the byte."""

import shutil
from pathlib import Path

import pytest

from kmcheck.expected import expectations, meet_all, tables
from kmcheck.machine import processors
from kmcheck.verdict import Budget

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "counterexamples"
AGAIN = "kmcheck verify --expected specs/kmemcg --counterexamples counterexamples"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_committed_counterexamples_are_regenerated_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    checks = [c for spec in tables(["specs/kmemcg"]) for c in expectations(spec)]
    meet_all(checks, "reference", Budget(), tmp_path, processors())
    committed, made = _files(COMMITTED), _files(tmp_path)
    assert committed.keys() == made.keys(), f"write them again: {AGAIN}"
    changed = [name for name in made if committed[name] != made[name]]
    assert not changed, f"look at these, then write them again: {AGAIN}"


def test_no_counterexample_needs_dot_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    spec = "specs/kmemcg/reparent_caches.py"
    checks = [c for c in expectations(spec) if c.verdict == "use-after-free"]
    meet_all(checks, "reference", Budget(), tmp_path, 1)
    assert any(name.endswith(".dot") for name in _files(tmp_path))
