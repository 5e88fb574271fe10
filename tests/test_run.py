"""./run makes the environment once, and again when it must. Neither venv nor pip is real here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

VENV = """
import pathlib, sys
bin = pathlib.Path(sys.argv[1], "bin")
bin.mkdir(parents=True)
(bin / "python").symlink_to(sys.executable)
"""

PIP = """
import os, sys, time
time.sleep(0.2)
print("installing")
open("installs", "a").write("once ")
sys.exit(os.path.exists("broken"))
"""


class Project:
    """A copy of the project, as far as ./run looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("run", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        (folder / "fake").mkdir()
        for module, text in {"venv": VENV, "pip": PIP, "ensurepip": ""}.items():
            (folder / "fake" / f"{module}.py").write_text(text, "utf-8")

    def begin(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "run", *command],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "fake")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, str, str]:
        with self.begin(*command) as process:
            out, err = process.communicate()
        return process.returncode, out, err

    def replace(self, old: str, new: str) -> None:
        path = self.folder / "pyproject.toml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    @property
    def installs(self) -> int:
        return (self.folder / "installs").read_text("utf-8").count("once")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_output_and_exit_code_are_the_commands(project: Project) -> None:
    code, out, err = project.run("python", "-c", "print('out'); raise SystemExit(3)")
    assert (code, out) == (3, "out\n")
    assert "once; this takes a minute" in err


def test_the_environment_is_made_once(project: Project) -> None:
    project.run("true")
    assert project.run("true") == (0, "", "")
    assert project.installs == 1


def test_of_several_at_once_one_makes_it_and_the_others_wait(project: Project) -> None:
    running = [project.begin("true") for _ in range(4)]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 4, ended
    assert project.installs == 1


def test_a_failed_install_is_done_again(project: Project) -> None:
    broken = project.folder / "broken"
    broken.touch()
    assert project.run("true")[0] == 125
    broken.unlink()
    assert project.run("true")[0] == 0
    assert project.installs == 2


def test_nothing_of_an_interrupted_install_is_left(project: Project) -> None:
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "half").touch()
    (project.folder / ".venv.stamp").touch()
    assert project.run("true")[0] == 0
    assert not (project.folder / ".venv" / "half").exists()


def test_other_dependencies_make_it_again(project: Project) -> None:
    project.run("true")
    project.replace("dependencies = [", 'dependencies = ["another",')
    assert project.run("true")[0] == 0
    assert project.installs == 2


def test_other_settings_of_tools_do_not(project: Project) -> None:
    project.run("true")
    project.replace("line-length = 100", "line-length = 99")
    project.run("true")
    assert project.installs == 1


def test_the_environment_of_a_stranger_is_left_alone(project: Project) -> None:
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "theirs").touch()
    code, _, err = project.run("true")
    assert (code, err.count("\n")) == (125, 1)
    assert (project.folder / ".venv" / "theirs").exists()


def test_an_unknown_command_is_told_in_one_line(project: Project) -> None:
    project.run("true")
    code, _, err = project.run("no-such-command")
    assert (code, err.count("\n")) == (127, 1)
