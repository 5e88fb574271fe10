"""The graph as two tables in Parquet, nodes and edges: for pandas, Polars, DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from kmcheck.diagnostics import UsageError
from kmcheck.stategraph import Form, Quotient, summary

NODES = {
    "node": "int", "label": "text", "states": "int", "inside": "int", "depth": "int",
    "initial": "bool", "terminal": "int", "cut": "int", "violations": "texts", "way": "ints",
}  # fmt: skip
EDGES = {"source": "int", "target": "int", "process": "text", "count": "int", "way": "ints"}
"""The columns, and what is in them."""


@dataclass(frozen=True, slots=True)
class Parquet:
    """Columns are the attributes that GraphML has; an edge names its nodes by number."""

    name: str = "parquet"
    is_drawn: bool = False

    def write(self, graph: Quotient) -> tuple[tuple[str, bytes], ...]:
        """Write both tables.

        Raises:
            UsageError: pyarrow is not installed.
        """
        about = "\n".join(summary(graph))
        nodes = [
            (
                number, "\n".join(knot.lines), knot.states, graph.inside[number], knot.depth,
                knot.initial, knot.terminal, knot.cut, list(knot.violations), knot.steps,
            )
            for number, knot in enumerate(graph.knots)
        ]  # fmt: skip
        edges = [(a.source, a.target, a.process, a.count, list(a.steps)) for a in graph.arrows]
        return (
            (".nodes.parquet", _table(NODES, nodes, about)),
            (".edges.parquet", _table(EDGES, edges, about)),
        )


def _table(kinds: dict[str, str], rows: Sequence[tuple[object, ...]], about: str) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra
    except ImportError:
        hint = "pip install 'kmcheck[parquet]'"
        raise UsageError("Parquet needs pyarrow, which is not installed", hint) from None
    types = {
        "int": pa.int64(), "text": pa.string(), "bool": pa.bool_(),
        "ints": pa.list_(pa.int64()), "texts": pa.list_(pa.string()),
    }  # fmt: skip
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()], {"about": about})
    columns = [[row[i] for row in rows] for i in range(len(kinds))]
    written = BytesIO()
    pq.write_table(pa.table(columns, schema=schema), written)
    return written.getvalue()


FORM: Form = Parquet()
