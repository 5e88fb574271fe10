"""The graph in GraphML, for Gephi, yEd, networkx: of any size."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.stategraph import Form, Quotient, summary


@dataclass(frozen=True, slots=True)
class GraphML:
    """Nodes and edges have attributes for all that the picture says."""

    name: str = "graphml"
    is_drawn: bool = False

    def write(self, graph: Quotient) -> tuple[tuple[str, bytes], ...]:
        """Write the graph down."""
        import networkx as nx  # noqa: PLC0415 - only where it is wanted

        made: nx.MultiDiGraph[str] = nx.MultiDiGraph(about="\n".join(summary(graph)))
        for number, knot in enumerate(graph.knots):
            made.add_node(
                f"n{number}", label="\n".join(knot.lines), states=knot.states,
                inside=graph.inside[number], depth=knot.depth, initial=knot.initial,
                terminal=knot.terminal, cut=knot.cut, violations=" ".join(knot.violations),
                way=" ".join(map(str, knot.steps)),
            )  # fmt: skip
        for number, arrow in enumerate(graph.arrows):
            made.add_edge(
                f"n{arrow.source}", f"n{arrow.target}", f"e{number}", process=arrow.process,
                count=arrow.count, way=" ".join(map(str, arrow.steps)),
            )  # fmt: skip
        return ((".graphml", ("\n".join(nx.generate_graphml(made)) + "\n").encode()),)


FORM: Form = GraphML()
