"""The counterexamples in the repository are what verification writes today, to the byte."""

import shutil
from pathlib import Path

import pytest

from kmcheck.driver import again
from kmcheck.evidence import keep
from kmcheck.expected import expectations, meet_all, tables
from kmcheck.frontend import read
from kmcheck.machine import processors
from kmcheck.store import load
from kmcheck.verdict import Budget
from tests.designs import SHIPPED

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "counterexamples"
AGAIN = "kmcheck verify --expected specs/kmemcg --counterexamples counterexamples"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_committed_counterexamples_are_regenerated_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    checks = [c for s in _specs() if Path(s).stem not in SHIPPED for c in expectations(s)]
    outcomes = meet_all(checks, "reference", Budget(), tmp_path, processors())
    assert not [outcome.wrong for outcome in outcomes if outcome.wrong]
    made = _files(tmp_path)
    committed = {
        name: content for name, content in _files(COMMITTED).items() if not _is_shipped(name)
    }
    assert committed.keys() == made.keys(), f"write them again: {AGAIN}"
    changed = [name for name in made if committed[name] != made[name]]
    assert not changed, f"look at these, then write them again: {AGAIN}"


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_those_of_shipped_designs_are_told_in_the_same_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # that what is stored is a shortest run, test_expected asks
    monkeypatch.chdir(ROOT)
    spec = next(spec for spec in _specs() if Path(spec).stem == name)
    stored = sorted((COMMITTED / "kmemcg" / name).rglob("*.json"))
    assert {p.stem for p in stored} == {c.verdict for c in expectations(spec)} - {"holds"}
    for path in (stored[0], stored[-1]):
        keep(again(read(spec), load(str(path))), tmp_path / path.parent.relative_to(COMMITTED))
    committed = _files(COMMITTED)
    assert not [f for f, new in _files(tmp_path).items() if committed[f] != new], AGAIN


def _specs() -> list[str]:
    return tables(["specs/kmemcg"])


def _is_shipped(name: str) -> bool:
    return Path(name).parts[1] in SHIPPED


def test_no_counterexample_needs_dot_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    spec = "specs/kmemcg/reparent_caches.py"
    checks = [c for c in expectations(spec) if c.verdict == "use-after-free"]
    meet_all(checks, "reference", Budget(), tmp_path, 1)
    assert any(name.endswith(".dot") for name in _files(tmp_path))
