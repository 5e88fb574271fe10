"""The table beside a spec as tests of pytest, a test for each check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os.path import relpath
from pathlib import Path

import pytest

from kmcheck import machine
from kmcheck.diagnostics import SpecError, UsageError, show
from kmcheck.expected import Expectation, asked, compared, expectations
from kmcheck.frontend import read
from kmcheck.testing.checked import Unmet, explored, told
from kmcheck.verdict import ENGINE, Budget


class SpecFile(pytest.File):
    """A spec with a table of expected verdicts."""

    def collect(self) -> Iterator[SpecCheck]:
        """Yield a test for each check; of several called alike, the later ones have a number."""
        try:
            checks = expectations(str(self.path))
        except UsageError as error:
            raise self.CollectError(f"{error.message}\n{error.hint}".strip()) from None
        met: dict[str, int] = {}
        for check in checks:
            name = name_of(check)
            met[name] = met.get(name, 0) + 1
            several = f"#{met[name]}" if met[name] > 1 else ""
            test: SpecCheck = SpecCheck.from_parent(self, name=name + several)
            test.check = check
            yield test


class SpecCheck(pytest.Item):
    """One check of the table."""

    check: Expectation

    def runtest(self) -> None:
        """Verify the spec as the check says."""
        meet(self.check, relpath(self.path))

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: object = None,  # noqa: ARG002 - pytest's
    ) -> str:
        """Show what is not as expected, with the table of the run, and no line of kmcheck."""
        if isinstance(excinfo.value, Unmet):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where the check is from."""
        return self.path, None, f"{self.path.name} {self.name}"


def name_of(check: Expectation) -> str:
    """Return what a check is called: its settings, and its property if it asks for one only."""
    given = ",".join(f"{name}={_spelled(value)}" for name, value in check.settings.items())
    return (given or "as it stands") + (f":{check.property}" if check.property else "")


def _spelled(value: int | bool | str) -> str:  # noqa: FBT001 - TOML's values
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def meet(check: Expectation, path: str) -> None:
    """Verify the spec at `path` as a check says.

    Raises:
        Unmet: it is not as expected.
    """
    check = replace(check, spec=path)
    try:
        options = asked(check, ENGINE, Budget(bytes=machine.memory()))
        result = explored(read(path), options)
    except SpecError as error:
        raise Unmet("\n\n".join(show(d) for d in error.diagnostics)) from None
    except UsageError as error:
        raise Unmet(f"{error.message}\n{error.hint}".strip()) from None
    outcome = compared(check, result)
    if outcome.wrong:
        wrong = "; ".join(outcome.wrong)
        raise Unmet(f"not as the table expects: {wrong}\n{told(result)}")
