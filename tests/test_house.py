"""The rules of the house: its rooms, its style, its types, and what may not be in it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
IGNORED = {".git", *(ROOT / ".gitignore").read_text("utf-8").replace("/", "").split()}

CHECKS = {
    "imports_run_one_way": ["lint-imports"],
    "ruff_has_no_complaint": ["ruff", "check"],
    "the_formatter_would_change_nothing": ["ruff", "format", "--check"],
    "mypy_strict_passes": ["mypy"],
}

HEAVY = {"llvmlite", "networkx", "numpy", "scipy", "z3"}

MODULES_AT_EXIT = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
sys.argv = ["kmcheck", "--help"]
{statement}
"""

MACHINE_PATH = r"(?<![\w.:~*-])/(?:home|root|opt|Users|workspace|work|mnt|srv)/\w"
REGISTRY = (
    r"(?:extra-)?index[-_]url|find[-_]links|trusted[-_]host"
    r"|pythonhosted|pypi\.|deb\.debian|registry\.(?:npmjs|yarnpkg|hub)|//[\w.-]+/simple\b"
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def modules_after(statement: str) -> set[str]:
    """Return the top-level packages that are loaded when `kmcheck --help` as `statement` ends."""
    ended = run(sys.executable, "-c", MODULES_AT_EXIT.format(statement=statement))
    assert ended.returncode == 0, ended.stderr
    return {name.partition(".")[0] for name in ended.stderr.split()}


def files_of_the_project(folder: Path = ROOT) -> Iterator[Path]:
    """Yield what is, or would be, committed: all but this file and what .gitignore names."""
    for path in sorted(folder.iterdir()):
        if path.name in IGNORED or path == Path(__file__):
            continue
        if path.is_dir():
            yield from files_of_the_project(path)
        else:
            yield path


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS.keys())
def test_the_tool_is_content(command: list[str]) -> None:
    ended = run(str(BIN / command[0]), *command[1:])
    if ended.returncode:
        pytest.fail(f"{ended.stdout}\n{ended.stderr}", pytrace=False)


def test_no_file_names_a_machine_or_a_registry() -> None:
    pattern = re.compile(f"{MACHINE_PATH}|{REGISTRY}|{re.escape(str(ROOT))}/".encode())
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files_of_the_project()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert found == []


def test_the_vocabulary_of_specs_loads_nothing_but_python() -> None:
    loaded = modules_after("import kmcheck.lang") - modules_after("pass")
    assert loaded - sys.stdlib_module_names == {"kmcheck"}


def test_lint_loads_nothing_heavy() -> None:
    command = ["lint", "specs/kmemcg/reparent_caches.py"]
    loaded = modules_after(f"from kmcheck.cli import main; main({command})")
    assert not loaded & (HEAVY | {"cattrs", "jinja2", "pygls", "rich"})


def test_help_loads_nothing_heavy() -> None:
    if find_spec("kmcheck.cli") is None:
        pytest.skip("there is no kmcheck.cli yet")
    assert not modules_after("from kmcheck.cli import main; main()") & HEAVY
