"""`kmcheck export`: a model that its own comment says how to run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from kmcheck import shelf
from kmcheck.cli import run
from kmcheck.driver import Options, verify
from kmcheck.frontend import read
from kmcheck.protocols import Exporter
from tests.language import program
from tests.spin import MISSING, stored

ROOT = Path(__file__).parent.parent
PETERSON = str(ROOT / "specs/classic/peterson.py")
needs_spin = pytest.mark.skipif(bool(MISSING), reason=f"there is no {' and no '.join(MISSING)}")


def commands(model: str) -> list[str]:
    """Return what the comment above a model says is to be run."""
    return re.findall(r"^ \* ((?:spin|gcc|\./pan) .*)$", model, re.MULTILINE)


@needs_spin
@pytest.mark.parametrize("first", ["yes", "no"])
def test_spin_runs_a_model_as_its_comment_says(first: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pml"
    given = ["-D", f"ANNOUNCE_FIRST={first}"]
    assert run(["export", PETERSON, "--to", "promela", *given, "-o", str(file)]) == 0
    said = ""
    for command in commands(file.read_text()):
        ended = subprocess.run(
            command.split(), cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        said = ended.stdout
    options = Options({"ANNOUNCE_FIRST": first}, every=True)
    found = verify(read(PETERSON), options)
    assert stored(said) - 1 == found.label.statistics.states
    wrong = first == "no"
    assert ("assertion violated (wrong_mutual_exclusion==0)" in said) == wrong


@pytest.mark.parametrize("name", shelf.names("export"))
def test_an_exporter_is_called_like_its_file(name: str) -> None:
    found: Exporter = shelf.take("export", name, "EXPORTER")
    assert found.name == name


def test_a_model_says_what_it_is_and_what_it_leaves_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["export", PETERSON]) == 0
    text = capsys.readouterr().out
    assert text.startswith("/* classic/peterson ANNOUNCE_FIRST=yes: written by kmcheck\n")
    assert " * Left out, as they are about runs that never end: gets_the_lock\n" in text
    assert run(["export", PETERSON]) == 0
    assert capsys.readouterr().out == text


def test_what_a_language_cannot_say_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(ROOT / "specs/kmemcg/reparent_caches.py")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Promela knows no symbols" in told.err


def test_more_turns_make_more_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = "with atomic():\n    while choose(0, 1) == 1:\n        g.n = 1 - g.n"
    spec = tmp_path / "chooses.py"
    text = program("n: Annotated[int, range(2)]", loop)
    words = "Annotated, Object, atomic, choose, process, setup, start"
    spec.write_text(f"from kmcheck.lang import {words}\n{text}")
    lengths = []
    for turns in ("1", "3"):
        assert run(["export", str(spec), "--turns", turns]) == 0
        lengths.append(len(capsys.readouterr().out))
    assert lengths[0] < lengths[1]
