"""What a spec claims: its properties as they are written, and how often they were asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.coverage import Line, Listing
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


def excerpt(listing: Listing, name: str) -> tuple[Line, ...]:
    """Return the lines of a class or function of the spec, with its decorators; none if none."""
    text = "\n".join(line.text for line in listing.lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return listing.lines[begin - 1 : node.end_lineno]
    return ()


def named(listing: Listing) -> list[str]:
    """Return the names of the classes and functions of a spec."""
    text = "\n".join(line.text for line in listing.lines)
    kinds = ast.FunctionDef | ast.ClassDef
    return [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def code(listing: Listing) -> tuple[Line, ...]:
    """Return the lines of a spec that stand behind its docstring."""
    tree = ast.parse("\n".join(line.text for line in listing.lines))
    first = tree.body[0] if tree.body else None
    docs = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    begin = (first.end_lineno or 0) if docs and first is not None else 0
    lines = listing.lines[begin:]
    while lines and not lines[0].text.strip():
        lines = lines[1:]
    return lines
