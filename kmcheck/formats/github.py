"""Results as workflow commands of GitHub Actions: annotations at the lines that fail.

docs.github.com, "Workflow commands for GitHub Actions", says how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kmcheck import shelf
from kmcheck.diagnostics import STDIN, Diagnostic, show
from kmcheck.explain import failing_place
from kmcheck.protocols import Format, FormatOptions, Renderer, RenderOptions, Told
from kmcheck.trace import Place, Trace
from kmcheck.verdict import Unknown, Violated
from kmcheck.violations import sentence


class GitHub:
    """The format on the shelf."""

    name = "github"

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return a line for the log for each spec, and an annotation for what does not hold."""
        return "".join(f"{line}\n" for t in told for line in _lines(t, options))

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return an annotation for each thing that is wrong with a spec."""
        return "".join(f"{_refusal(diagnostic)}\n" for diagnostic in diagnostics)


def _lines(told: Told, options: FormatOptions) -> Iterator[str]:
    text: Format = shelf.take("formats", "text", "FORMAT")
    yield text.render([told], FormatOptions(quiet=True)).rstrip("\n")
    result = told.result
    for verdict in result.verdicts:
        if isinstance(verdict, Violated):
            yield _violation(verdict, told, options)
    open_ones = [v for v in result.verdicts if isinstance(v, Unknown)]
    if open_ones and result.outcome == "unknown":  # else the violation says why nothing else is
        names = ", ".join(v.property for v in open_ones)
        message = f"not decided: {open_ones[0].why}\n{names}"
        place = Place(result.label.path, 1, 0, "")
        yield _command("warning", place, f"{result.label.spec}: UNKNOWN", message)


def _violation(verdict: Violated, told: Told, options: FormatOptions) -> str:
    trace, label = verdict.trace, told.result.label
    given = "".join(f" {name}={value}" for name, value in label.changed)
    title = f"{label.spec}: {verdict.property}{given}"
    file = told.files.get(verdict.property)
    again = f"\n\nreplay: kmcheck replay {file}" if file else ""
    message = f"{sentence(trace.violation)}\n\n{_table(trace, options)}{again}"
    return _command("error", failing_place(trace) or Place(label.path, 1, 0, ""), title, message)


def _table(trace: Trace, options: FormatOptions) -> str:
    renderer: Renderer = shelf.take("render", "columns", "RENDERER")
    return str(renderer.render(trace, RenderOptions(full=options.full))).rstrip("\n")


def _refusal(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    place = Place(span.source.path, span.line, span.column, span.text)
    title = f"{diagnostic.code}: {diagnostic.title}"
    return _command(diagnostic.severity, place, title, show(diagnostic))


def _command(what: str, place: Place, title: str, message: str) -> str:
    """Return one annotation; without a place where the spec is no file."""
    where: dict[str, object] = {}
    if place.path != STDIN:
        where = {"file": place.path, "line": place.line}
        if place.column > 0:
            where["col"] = place.column
    given = ",".join(
        f"{key}={_property(str(value))}" for key, value in (where | {"title": title}).items()
    )
    return f"::{what} {given}::{_data(message)}"


def _data(text: str) -> str:
    """Write a message so that it stays one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Write a property, which a colon or a comma would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMAT: Format = GitHub()
