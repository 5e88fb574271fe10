"""What Python programs and notebooks use: load, verify, look at the trace. `kmcheck` re-exports it.

A thin layer: what is decided is decided in `driver`, what is drawn is drawn in `render`.
"""

from kmcheck.api.results import Result, Verdict
from kmcheck.api.specs import Spec, load, loads
from kmcheck.api.traces import Trace, load_trace
from kmcheck.diagnostics import Diagnostic, InternalError, Span, SpecError, UsageError
from kmcheck.protocols import Progress
from kmcheck.trace import Event, Violation
from kmcheck.verdict import Label

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
    "load",
    "load_trace",
    "loads",
]
