"""The man pages: one a verb, with all that its help says, and no warning of groff.

That they are in sync with `--help` is held in test_docs.py, as of every generated page.
"""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest

from docs import generate, manual
from kmcheck import shelf
from kmcheck.cli import SUMMARIES
from tests.test_cli import ROOT, kmcheck

FILES = sorted(manual.pages())
needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")


def shown(file: str) -> str:
    """Return a page as a terminal shows it that is wide enough for every line."""
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-rLL=1000n", "-P-cbou", str(ROOT / file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return " ".join(done.stdout.split())


def test_each_verb_has_a_page_and_nothing_else_has() -> None:
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / manual.FOLDER).iterdir()}
    assert there == set(FILES)
    assert len(FILES) == len(shelf.names("cli")) + 1
    assert set(FILES) <= generate.GENERATED.keys()


@needs_groff
@pytest.mark.parametrize("file", FILES)
def test_a_page_is_shown_without_a_warning_and_says_what_the_help_says(file: str) -> None:
    text = shown(file)
    helped = kmcheck(*manual.pages()[file].split(), "--help").stdout
    flags = re.findall(r"^  (--?\w[\w-]*)", helped, re.MULTILINE)
    assert flags
    for flag in flags:
        assert f" {flag} " in text or f" {flag}, " in text
    words = [line.split("  ")[-1].strip() for line in helped.splitlines() if "  " in line[20:]]
    words = [word.replace("`", "") for word in words]  # what is code is bold there
    assert [w for w in words if w not in text and "[default" not in w] == []


@needs_groff
def test_what_exit_codes_mean_is_a_section() -> None:
    text = shown(f"{manual.FOLDER}/kmcheck-verify.1")
    assert "EXIT STATUS 0 all holds and all was explored 1 violated 2 wrong command" in text
    assert "Exit code:" not in text


@needs_groff
def test_what_roff_would_obey_stands_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command(
        help=".PP is no \\fBmacro\\fR, and 'PP' is none\n\n\b\n.kept\n  as it is\n\nEnd."
    )
    @click.option("--a-flag", help=".5 of \"it\" ~ ^ `code`")  # fmt: skip
    def odd() -> None: ...

    monkeypatch.setitem(SUMMARIES, "odd", "Be odd.")
    monkeypatch.setattr("kmcheck.cli.kmcheck.get_command", lambda *_: odd)
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"],
        input=manual.page("odd"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert r".PP is no \fBmacro\fR, and 'PP' is none" in lines
    assert lines[lines.index(".kept") + 1] == "as it is"
    assert '.5 of "it" ~ ^ code' in lines
