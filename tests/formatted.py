"""Results to print: a run written by hand as a verdict, with others beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kmcheck import shelf
from kmcheck.diagnostics import Diagnostic, Source, Span
from kmcheck.driver import Options, verify
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.trace import Trace
from kmcheck.verdict import Label, Result, Statistics, Verdict, Violated
from tests.test_cli import FLAGSHIP, ROOT

RAN_OUT = "100 states are reached"


def told(trace: Trace, *others: Verdict, stopped: str | None = None) -> Told:
    """Say that a run was found in a search for all that the others are verdicts of, too."""
    own = trace.violation.kind if "_" in trace.violation.kind else "conserved"
    label = Label(
        spec=trace.spec,
        path=trace.path,
        digest="0" * 64,
        bounds=(("CPUS", "2"),),
        choices=trace.settings,
        changed=trace.settings,
        properties=(own,),
        engine="native",
        reductions=(),
        left_out=(),
        exact=True,
        memory_model="sequential consistency",
        statistics=Statistics(7, 8, 9, 0, {"leak": 0}, (), ()),
        stopped=stopped,
        solver_queries=0,
        solver_stood_for=0,
        version="0",
    )
    verdicts = (Violated(trace.violation.kind, trace), *others)
    return Told(Result(verdicts, label, seconds=1.5, peak_bytes=4096), {})


def without(one: Told, *, stopped: str | None = None) -> Told:
    """Leave out the violation, as if the search had not come to it."""
    label = replace(one.result.label, stopped=stopped)
    return Told(replace(one.result, verdicts=one.result.verdicts[1:], label=label), {})


def rendered(name: str, told: Sequence[Told], *, full: bool = False) -> str:
    form: Format = shelf.take("formats", name, "FORMAT")
    return form.render(told, FormatOptions(full=full))


WRONG = [
    Diagnostic(
        "K012", "Flag has no field `upp`", Span(Source("a, b:c.py", "flag.upp = 1"), 1, 6, 1, 9),
        "50% of it", "did you mean `up`?",
    ),
]  # fmt: skip


def late_flagship() -> Told:
    """Verify the flagship without its read lock."""
    options = Options({"READ_LOCK": "no"}, engine="native")
    source = Source(FLAGSHIP, (ROOT / FLAGSHIP).read_text("utf-8"))
    return Told(verify(source, options), {"use-after-free": "c/use-after-free.json"})
