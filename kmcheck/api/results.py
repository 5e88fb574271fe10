"""A result to be looked at: verdicts by name, the label, and a trace for each violation."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from kmcheck import evidence, shelf
from kmcheck.api.notebook import result_page
from kmcheck.api.traces import Trace
from kmcheck.diagnostics import UsageError
from kmcheck.formats.text import headline
from kmcheck.frontend.hints import did_you_mean
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.verdict import Holds, Label, Unknown, Violated
from kmcheck.verdict import Result as Found
from kmcheck.verdict import Verdict as Decided

Outcome = Literal["holds", "violated", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one property. `why` says it in words; a violation has its trace."""

    name: str
    outcome: Outcome
    why: str = ""
    trace: Trace | None = None
    shortest: bool | None = None
    """Of a violation: whether no run with fewer steps is as bad."""


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """All that came of verifying a spec with one setting. `data` is all of it."""

    data: Found

    @property
    def outcome(self) -> Outcome:
        """The worst of the verdicts: violated, then unknown, then holds."""
        return self.data.outcome

    @property
    def holds(self) -> bool:
        """Whether all that was asked holds, and the whole bounded space was explored."""
        return self.outcome == "holds"

    @property
    def violated(self) -> bool:
        """Whether something is violated."""
        return self.outcome == "violated"

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each property, by name: violations first."""
        return {v.property: _told(v) for v in self.data.verdicts}

    @property
    def traces(self) -> dict[str, Trace]:
        """The trace of each violated property, by name."""
        return {v.property: Trace(v.trace) for v in self.data.verdicts if isinstance(v, Violated)}

    @property
    def trace(self) -> Trace | None:
        """The trace of the first violation; None where nothing is violated."""
        return next(iter(self.traces.values()), None)

    @property
    def label(self) -> Label:
        """The truth about the verdicts: bounds, choices, engine, counts, what was never run."""
        return self.data.label

    @property
    def seconds(self) -> float:
        """Wall time, in seconds."""
        return self.data.seconds

    @property
    def peak_bytes(self) -> int:
        """The most memory that the process has used, in bytes."""
        return self.data.peak_bytes

    def render(self, form: str = "text", *, full: bool = False) -> str:
        """Return what `kmcheck verify --format FORM` prints.

        Raises:
            UsageError: there is no such format.
        """
        known = shelf.names("formats")
        if form not in known:
            raise UsageError(f"there is no format `{form}`", did_you_mean(form, known))
        found: Format = shelf.take("formats", form, "FORMAT")
        return found.render([Told(self.data, {})], FormatOptions(full=full))

    def save(self, folder: str | PathLike[str] = "counterexamples") -> dict[str, Path]:
        """Write the traces and their pictures as `kmcheck verify` does; return where, by property.

        Raises:
            UsageError: the folder cannot be made or written to.
        """
        try:
            kept = evidence.keep_all(self.data, Path(folder))
        except OSError as error:
            raise UsageError(f"cannot write to {folder}: {error.strerror}") from None
        return {name: Path(path) for name, path in kept.items()}

    def __bool__(self) -> bool:
        """Whether all holds: what is unknown does not."""
        return self.holds

    def __repr__(self) -> str:
        """Return the verdict in one line."""
        return f"<Result {headline(self.data)}>"

    def __str__(self) -> str:
        """Return what `kmcheck verify` prints."""
        return self.render()

    def _repr_html_(self) -> str:
        """Show the verdicts and the label, for notebooks."""
        return result_page(self.data)


def _told(verdict: Decided) -> Verdict:
    match verdict:
        case Violated(property=name, trace=trace, shortest=shortest):
            return Verdict(name, "violated", trace.violation.message, Trace(trace), shortest)
        case Unknown(property=name, why=why):
            return Verdict(name, "unknown", why)
        case Holds(property=name):
            return Verdict(name, "holds")
