"""What a shell offers at Tab."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem, ShellComplete

from kmcheck import shelf
from kmcheck.cli import COMPLETING
from kmcheck.cli import kmcheck as program
from kmcheck.completion.bash import Bash
from tests.test_cli import FLAGSHIP, ROOT, kmcheck

VERIFY = ["verify", str(ROOT / FLAGSHIP)]


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word, a file as `file`."""
    *before, last = words
    shell = ShellComplete(program, {}, "kmcheck", COMPLETING)
    return [_told(item) for item in shell.get_completions(before, last)]


def _told(item: CompletionItem) -> str:
    return str(item.value) if item.type == "plain" else item.type


def test_verbs_are_offered_with_what_they_do() -> None:
    shell = ShellComplete(program, {}, "kmcheck", COMPLETING)
    items = shell.get_completions([], "")
    assert [item.value for item in items] == list(shelf.names("cli"))
    assert all(item.help for item in items)
    assert offered("ve") == ["verify"]
    assert offered("--v") == ["--version"]


def test_what_stands_on_a_shelf_is_offered() -> None:
    assert offered("verify", "--engine", "") == list(shelf.names("engines"))
    assert offered("verify", "--engine", "na") == ["native"]
    assert offered("verify", "--format", "s") == ["sarif"]
    assert offered("show", "--as", "") == list(shelf.names("render"))
    assert set(offered("verify", "--no-reduce", "")) == {*shelf.names("reduce"), "all", "none"}


@pytest.mark.parametrize("verb", ["verify", "lint", "mutate", "sweep"])
def test_the_settings_of_the_spec_are_offered(verb: str) -> None:
    spec = str(ROOT / FLAGSHIP)
    assert offered(verb, spec, "-D", "READ") == ["READ_LOCK=yes", "READ_LOCK=no"]
    assert offered(verb, spec, "-D", "F") == ["FREERS=2"]
    assert offered(verb, spec, "-D", "READ_LOCK=no", "-D", "C") == ["CACHES=1"]
    assert offered(verb, "-D", "READ") == []  # of which spec?


def test_what_states_are_told_apart_by_is_offered() -> None:
    graph = ["graph", str(ROOT / FLAGSHIP), "--by"]
    assert {"depth", "processes", "state", "cache", "cache.memcg"} <= set(offered(*graph, ""))
    assert offered(*graph, "cache.m") == ["cache.memcg"]
    assert offered(*graph, "depth,cache.m") == ["depth,cache.memcg"]


def test_the_properties_of_the_spec_are_offered() -> None:
    assert offered(*VERIFY, "-p", "ch") == ["charged_where_it_belongs", "child_is_freed"]
    assert "counter-underflow" in offered(*VERIFY, "-p", "")
    assert offered("mutate", str(ROOT / FLAGSHIP), "--property", "liv") == ["livelock"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["verify", ""], "file"),
        (["verify", FLAGSHIP, ""], "file"),
        (["lint", "sp"], "file"),
        (["replay", ""], "file"),
        (["replay", "--spec", ""], "file"),
        (["verify", "-o", ""], "file"),
        (["verify", "--resume", ""], "file"),
        (["verify", "--counterexamples", ""], "dir"),
    ],
)
def test_files_are_offered_where_one_is_meant(words: list[str], kind: str) -> None:
    assert offered(*words) == [kind]


def test_nothing_is_offered_of_a_wrong_spec_or_of_standard_input(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def")
    assert offered("verify", str(tmp_path / "wrong.py"), "-D", "") == []
    assert offered("verify", str(tmp_path / "none.py"), "-D", "") == []
    assert offered("verify", "-", "-D", "") == []
    assert offered("verfy", "x") == []


BROKEN = {
    "one word": (["verify", "a.py", "-D", "READ"], (["verify", "a.py", "-D"], "READ"), ""),
    "behind =": (["-D", "READ", "="], (["-D"], "READ="), "READ="),
    "a letter more": (["-D", "READ", "=", "n"], (["-D"], "READ=n"), "READ="),
    "one before": (["-D", "READ", "=", "no", "-D", "F"], (["-D", "READ=no", "-D"], "F"), ""),
    "an option": (["--engine", "=", "na"], ([], "--engine=na"), "--engine="),
    "nothing yet": (["verify", ""], (["verify"], ""), ""),
}  # fmt: skip


@pytest.mark.parametrize(("words", "meant", "known"), BROKEN.values(), ids=BROKEN.keys())
def test_words_that_bash_breaks_are_put_together(
    monkeypatch: pytest.MonkeyPatch, words: list[str], meant: tuple[list[str], str], known: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", "\n".join(["kmcheck", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    shell = Bash(program, {}, "kmcheck", COMPLETING)
    assert shell.get_completion_args() == meant
    assert shell.format_completion(CompletionItem(f"{known}native")) == "plain,native"


@pytest.mark.parametrize(
    ("shell", "part"),
    [
        ("bash", "complete -o nosort -F _kmcheck_completion kmcheck"),
        ("zsh", "compdef _kmcheck_completion kmcheck"),
        ("fish", "complete --no-files --command kmcheck"),
    ],
)
def test_a_shell_gets_its_script(shell: str, part: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("there is no bash")
    done = kmcheck(_KMCHECK_COMPLETE=f"{shell}_source")
    assert done.returncode == 0, done.stderr
    assert part in done.stdout


TYPED = """
eval "$(_KMCHECK_COMPLETE=bash_source kmcheck)"
COMP_WORDS=(kmcheck verify {spec} -D READ_LOCK = n)
COMP_CWORD=6
_kmcheck_completion kmcheck
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_the_value_of_a_setting(tmp_path: Path) -> None:
    command = tmp_path / "kmcheck"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m kmcheck "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "--norc", "-c", TYPED.format(spec=FLAGSHIP)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("no\n", "")
