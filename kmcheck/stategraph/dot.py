"""The graph in DOT: the counterexample's way is bold and numbered, so grey print has it, too."""

from __future__ import annotations

from itertools import groupby

import graphviz

from kmcheck.explain import plain, ranges, wrapped
from kmcheck.stategraph.form import summary
from kmcheck.stategraph.quotient import Arrow, Knot, Quotient

RED, INK, GREY = "#b8290e", "#1f2328", "#59636e"
LEGEND = "an arrow: who steps, and how often; a double frame: from some of these nobody goes on"
WIDER, WIDEST = 66, 78
"""Characters of a line above, and with the room that `dot` thinks they take less of."""
BLANK = "&#160;"
WIDE = 40
"""Characters of a line in a node."""
TALLEST = 12
"""Lines of a node; what is longer is cut, and says so."""


def document(graph: Quotient) -> str:
    """Return a DOT document."""
    drawn = graphviz.Digraph("states")
    lines = [part for line in (*summary(graph), LEGEND) for part in wrapped(plain(line), WIDER)]
    label = "".join(f"{_escaped(line)}{BLANK * (WIDEST - len(line))}\\l" for line in lines)
    drawn.attr(
        rankdir="TB", bgcolor="white", labelloc="t", labeljust="l", label=f"{label}\\l",
        fontname="monospace", fontsize="13", nodesep="0.35", ranksep="0.55",
    )  # fmt: skip
    drawn.attr("node", fontname="monospace", fontsize="11", shape="box", fontcolor=INK)
    drawn.attr("edge", fontname="monospace", fontsize="10", arrowsize="0.7")
    for number, knot in enumerate(graph.knots):
        _knot(drawn, number, knot, graph.inside[number], bare=graph.is_whole)
    for _, arrows in groupby(graph.arrows, key=lambda arrow: (arrow.source, arrow.target)):
        _arrows(drawn, list(arrows))
    return str(drawn.source)


def _knot(drawn: graphviz.Digraph, number: int, knot: Knot, inside: int, *, bare: bool) -> None:
    """A node: dashed where steps fail, double where none goes on, dotted where it is cut off."""
    lines = [part for line in knot.lines for part in wrapped(line, WIDE)]
    if len(lines) > TALLEST:
        lines = [*lines[: TALLEST - 1], f"... {len(lines) - TALLEST + 1} more lines"]
    if knot.states and not bare:
        within = f", {inside:,} step{'s' * (inside > 1)} inside" if inside else ""
        lines.append(f"({knot.states:,} state{'s' * (knot.states > 1)}{within})")
    if knot.cut:
        lines.append("... cut off here" if bare else f"... {knot.cut:,} cut off here")
    lines += [f"*** {name}" for name in knot.violations if knot.states]
    if knot.steps:
        lines.append(f"way: {ranges(knot.steps)}")
    bad, on_way = bool(knot.violations), bool(knot.steps)
    styles = ["filled", *["rounded"] * bool(knot.states), *["dashed"] * (not knot.states)]
    styles += ["dotted"] * bool(knot.cut)
    drawn.node(
        f"n{number}", "\\n".join(map(_escaped, map(plain, lines))),
        style=",".join([*styles, *["bold"] * knot.initial]),
        fillcolor="#ffd6d6" if bad else "#e6f4e9" if knot.initial else "white",
        color=RED if bad or on_way else GREY, penwidth="2.4" if on_way else "1",
        peripheries="2" if knot.terminal else "1",
    )  # fmt: skip


def _arrows(drawn: graphviz.Digraph, arrows: list[Arrow]) -> None:
    """One edge for all steps from a node to another, with who takes how many of them."""
    steps = sorted(step for arrow in arrows for step in arrow.steps)
    lines = [f"{a.process}{f' ({a.count:,})' if a.count > 1 else ''}" for a in arrows]
    if steps:
        lines.insert(0, f"[{ranges(steps)}]")
    ink = RED if steps else GREY
    drawn.edge(
        f"n{arrows[0].source}", f"n{arrows[0].target}",
        label="\\n".join(f" {_escaped(line)} " for line in lines),
        color=ink, fontcolor=ink, penwidth="2.4" if steps else "0.8",
    )  # fmt: skip


def _escaped(text: str) -> str:
    """Keep DOT from reading escapes or entities into a text."""
    return text.replace("\\", "\\\\").replace("&", "&amp;")
