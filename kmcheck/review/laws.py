"""What a spec claims: its properties as they are written, and how often they were asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.review.study import Ran
from kmcheck.verdict import Holds, Unknown, Violated

CONSERVED = "conserved"


@dataclass(frozen=True, slots=True)
class Law:
    """A property of the spec: its decorator, what it says, and what came of it in the first run.

    `symbolic` means that it is about sizes, and was decided for all of them.
    """

    name: str
    sort: str
    says: str
    text: str
    symbolic: bool
    asked: int
    word: str


def laws(ran: Ran) -> Iterator[Law]:
    """Yield the spec's own properties, conservation laws first."""
    program = ran.program
    written = {
        node.name: node
        for node in ast.walk(ast.parse(program.source.text))
        if isinstance(node, ast.FunctionDef)
    }
    words = {v.property: _word(v) for v in ran.result.verdicts}
    judged = ran.result.label.statistics.judged
    found = []
    for prop in program.properties:
        node = written.get(prop.name)
        if node is None or prop.span.source.module:
            continue
        sort = ", ".join(ast.unparse(d).rstrip("_") for d in node.decorator_list)
        found.append(
            Law(
                prop.name,
                sort,
                " ".join((ast.get_docstring(node) or "").split()),
                _body(program.source.text, node),
                prop.symbolic,
                judged.get(prop.name, 0),
                words.get(prop.name, "not asked for"),
            )
        )
    yield from sorted(found, key=lambda law: law.sort != CONSERVED)


def _word(verdict: object) -> str:
    match verdict:
        case Violated():
            return "violated"
        case Unknown():
            return "unknown"
        case Holds():
            return "holds"
    raise AssertionError(verdict)


def _body(text: str, node: ast.FunctionDef) -> str:
    """Return what a property returns, as it is written."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return ""
    lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return "\n".join(line.removeprefix("    ") for line in lines)
