"""What a notebook shows of a result and of a trace: HTML that needs no style and no script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from itertools import groupby

from kmcheck import shelf
from kmcheck.formats.text import headline, label_lines
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.trace import Trace
from kmcheck.verdict import Holds, Result, Unknown, Verdict, Violated

PRE = "white-space:pre;overflow-x:auto;line-height:1.3;text-align:left"
LEFT = "text-align:left"
MARKS = {"holds": "\u2713", "violated": "\u2717", "unknown": "?"}
"""What says a verdict beside its word, so that the eye finds it without a colour."""
FEW = 3
"""As many built-in properties are named in one row."""


def picture_of(trace: Trace) -> str:
    """Return the sequence diagram as SVG."""
    return _drawn(trace, "sequence")


def trace_page(trace: Trace) -> str:
    """Return the diagram and, to be opened, the table.

    The diagram is an image of its own: its styles and names do not meet those of the page.
    """
    data = b64encode(picture_of(trace).encode()).decode()
    said = escape(f"{trace.spec}: {trace.violation.message}")
    table = escape(_drawn(trace, "columns"))
    return (
        f'<div><img src="data:image/svg+xml;base64,{data}" alt="{said}" style="max-width:100%">\n'
        f'<details><summary>The table</summary><pre style="{PRE}">{table}</pre></details></div>'
    )


def result_page(result: Result) -> str:
    """Return the verdicts as a table, and the label."""
    rows = "\n".join(_rows(result))
    label = escape("\n".join(label_lines(result)))
    return (
        f"<div><p><strong>{escape(headline(result))}</strong></p>\n"
        f"<table><thead><tr>{_cells('th', ('property', 'verdict', ''))}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n"
        f'<pre style="{PRE}">{label}</pre></div>'
    )


def _rows(result: Result) -> Iterator[str]:
    """Yield a row for each verdict; built-in properties of which the same is said share one."""
    own = result.label.properties
    for (word, about, single), group in groupby(
        result.verdicts, lambda v: (*_said(v), v.property if v.property in own else "")
    ):
        names = [single] if single else [v.property for v in group]
        shown = f"{len(names)} built-in properties" if len(names) > FEW else ", ".join(names)
        yield f"<tr>{_cells('td', (shown, f'{MARKS[word]} {word}', about))}</tr>"


def _said(verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Violated(trace=trace, shortest=shortest):
            steps = len(trace.events)
            counted = f"{steps} step{'' if steps == 1 else 's'}{', shortest' if shortest else ''}"
            return "violated", f"{trace.violation.message} ({counted})"
        case Unknown(why=why):
            return "unknown", why
        case Holds(omission=omission):
            return "holds", "up to hash omission" if omission else ""


def _cells(tag: str, texts: tuple[str, ...]) -> str:
    return "".join(f'<{tag} style="{LEFT}">{escape(text)}</{tag}>' for text in texts)


def _drawn(trace: Trace, picture: str) -> str:
    renderer: Renderer = shelf.take("render", picture, "RENDERER")
    return str(renderer.render(trace, RenderOptions()))
