"""The hooks for pre-commit: commands that there are, for files that they can take."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.test_cli import FAILING, ROOT, kmcheck

yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra `docs`")
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}


def run(hook: str, folder: Path, *files: str) -> tuple[int, str]:
    """Do as pre-commit does: the hook's entry, and behind it the files that have changed."""
    program, *words = shlex.split(HOOKS[hook]["entry"])
    assert program == "kmcheck"
    done = kmcheck(*words, *files, cwd=folder)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "flag.py").write_text(FAILING)
    (tmp_path / "specs" / "flag.toml").write_text('[[check]]\nverdict = "never_up"\nsteps = 1\n')
    return tmp_path


def test_there_are_two_hooks_and_what_they_need_is_said() -> None:
    assert set(HOOKS) == {"kmcheck-lint", "kmcheck-verify"}
    for hook in HOOKS.values():
        assert hook["language"] == "python"
        assert {"name", "description", "files"} <= hook.keys()


def test_lint_lets_good_specs_pass_and_no_others(folder: Path) -> None:
    assert run("kmcheck-lint", folder, "specs/flag.py") == (0, "")
    (folder / "specs" / "flag.py").write_text("def")
    code, said = run("kmcheck-lint", folder, "specs/flag.py")
    assert code == 3
    assert "specs/flag.py:1:4: error[K002]" in said


def test_verify_takes_specs_and_tables_and_checks_each_once(folder: Path) -> None:
    both = ("specs/flag.py", "specs/flag.toml")
    for files in (both, both[:1], both[1:]):
        assert run("kmcheck-verify", folder, *files) == (0, "1 of 1 checks are as expected\n")
    (folder / "specs" / "flag.toml").write_text('[[check]]\nverdict = "holds"\n')
    code, said = run("kmcheck-verify", folder, *both)
    assert code == 1
    assert "WRONG  specs/flag.py: verdict is never_up, expected holds" in said


def test_a_table_without_its_spec_is_a_wrong_command(folder: Path) -> None:
    (folder / "specs" / "flag.py").unlink()
    code, said = run("kmcheck-verify", folder, "specs/flag.toml")
    assert (code, said) == (2, "kmcheck: there is no specs/flag.py\n")
