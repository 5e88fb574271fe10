"""kmcheck: a model checker for the teardown and reparenting of Linux kernel objects.

`load` a spec, `verify` it, look at the trace: docs/api.md has examples. Nothing is imported before
it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmcheck.api import (
        Diagnostic,
        Event,
        InternalError,
        Label,
        Progress,
        Result,
        Span,
        Spec,
        SpecError,
        Trace,
        UsageError,
        Verdict,
        Violation,
        load,
        load_trace,
        loads,
    )

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Event",
    "InternalError",
    "Label",
    "Progress",
    "Result",
    "Span",
    "Spec",
    "SpecError",
    "Trace",
    "UsageError",
    "Verdict",
    "Violation",
    "__version__",
    "load",
    "load_trace",
    "loads",
]


if not TYPE_CHECKING:  # for mypy, what is not above is not there

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module("kmcheck.api"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return __all__
