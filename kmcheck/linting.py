"""All that can be said of a spec without exploring it: what is wrong, and what is doubtful."""

from __future__ import annotations

from kmcheck.diagnostics import Diagnostic, Source, SpecError
from kmcheck.frontend import compile_and_doubt
from kmcheck.frontend.settings import Wanted
from kmcheck.solver import Solver
from kmcheck.system import build


def lint(source: Source, wanted: Wanted | None = None) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a spec: its errors, as `verify` says them, or else its warnings.

    Raises:
        UsageError: a setting is given that the spec does not have.
    """
    try:
        program, doubtful = compile_and_doubt(source, wanted)
        build(program, Solver().holds)
    except SpecError as error:
        return error.diagnostics
    return doubtful
