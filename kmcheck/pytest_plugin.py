"""Specs as tests of pytest: each check of the table beside a spec is one, and a fixture for others.

pytest loads this file wherever kmcheck is installed. So it does nothing unless it is asked to, and
loads nothing of kmcheck before a spec is collected or verified.
"""

from __future__ import annotations

from collections.abc import Generator
from fnmatch import fnmatch
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kmcheck.testing import Kmcheck


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what turns the collection of specs on."""
    told = "collect specs: Python files with a table of expected verdicts (.toml) beside them"
    parser.getgroup("kmcheck").addoption("--kmcheck", action="store_true", help=told)
    told = "specs that are always collected: patterns of names, seen from the root directory"
    parser.addini("kmcheck_specs", told, type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "kmcheck: a check of the table beside a spec")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect a spec in the place of all else that somebody would make of it: it is never run."""
    found = yield
    if not _is_wanted(file_path, parent.config):
        return found
    from kmcheck.testing.collected import SpecFile  # noqa: PLC0415 - not before it is needed

    spec: SpecFile = SpecFile.from_parent(parent, path=file_path)
    spec.add_marker("kmcheck")
    return [spec]


def _is_wanted(path: Path, config: pytest.Config) -> bool:
    if path.suffix != ".py" or not path.with_suffix(".toml").is_file():
        return False
    if config.getoption("kmcheck"):
        return True
    name = Path(relpath(path, config.rootpath)).as_posix()
    return any(fnmatch(name, pattern) for pattern in config.getini("kmcheck_specs"))


@pytest.fixture(name="kmcheck")
def kmcheck_fixture() -> Kmcheck:
    """Verify specs in a test: `kmcheck.verify("lookup.py", D={"TRYGET": False}).holds`."""
    from kmcheck.testing import Kmcheck  # noqa: PLC0415 - not before it is needed

    return Kmcheck()
