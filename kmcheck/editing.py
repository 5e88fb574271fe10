"""Changes to the text of a spec that leave all other lines where they are, as far as they can."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in the place of what is from `start` to `end`: lines from 1, bytes from 0."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing taken away, or put in: what it is, where it stands, and the edits that do it.

    `needs` are words to import, each behind the module that it is in, or a word from there. `last`
    is the last of the lines that it is about, if they are several. `places` are the places that it
    could as well be said to stand at, this one among them: each with its line, and what is there.
    """

    what: str
    line: int
    edits: tuple[Edit, ...]
    needs: tuple[tuple[str, str], ...] = ()
    last: int | None = None
    places: tuple[tuple[int, str], ...] = ()


class Mutator(Protocol):
    """Finds what it could take away: a file of `kmcheck.mutators`."""

    @property
    def name(self) -> str:
        """What a table of mutants calls it, which is also the file's name."""

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield what could be taken away from the functions of a spec."""


Body = list[ast.stmt]
"""Statements one behind the other, at one depth."""


def functions_of(text: str) -> list[ast.FunctionDef]:
    """Return the functions of what runs: no properties, no setup.

    Raises:
        SyntaxError: the text is no Python.
    """
    nodes = ast.walk(ast.parse(text))
    return [n for n in nodes if isinstance(n, ast.FunctionDef) and not marks_of(n) & NOT_RUN]


NOT_RUN = frozenset(
    {
        *("setup", "always", "finally_", "conserved", "step"),
        *("eventually", "leads_to", "always_eventually"),
    }
)


def marks_of(function: ast.FunctionDef) -> set[str]:
    """Return the words of the language that a function is marked with."""
    called = (m.func if isinstance(m, ast.Call) else m for m in function.decorator_list)
    return {m.id for m in called if isinstance(m, ast.Name)}


def blocks(body: Body) -> list[Body]:
    """Return a block and all inside of it, but for what ghosts do."""
    found = [body]
    for statement in body:
        if isinstance(statement, ast.With) and _names(statement) == ["ghost"]:
            continue
        for part in ("body", "orelse"):
            inner = getattr(statement, part, None)
            if inner:
                found += blocks(inner)
    return found


def _names(statement: ast.With) -> list[str]:
    called = [call_of(item.context_expr) for item in statement.items]
    return [call[0] for call in called if call is not None]


def call_of(node: ast.AST | None) -> tuple[str, list[str]] | None:
    """Return the name of what is called and the texts of its arguments, None if nothing is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id, [ast.unparse(a) for a in node.args]
    return None


def statement_call(statement: ast.stmt) -> tuple[str, list[str]] | None:
    """Return what a statement calls, if it does nothing else, or keeps the result at most."""
    if isinstance(statement, ast.Expr | ast.Assign):
        return call_of(statement.value)
    return None


def without(statement: ast.stmt) -> Edit:
    """Return the edit that takes a statement away."""
    return instead(statement, "pass")


def instead(node: ast.stmt | ast.expr, text: str) -> Edit:
    """Return the edit that puts a text in the place of a node, on as many lines."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return Edit(start, end, text)


def edited(text: str, change: Change) -> str:
    """Return the text of a spec with a change made."""
    return traced(text, change)[0]


def traced(text: str, change: Change) -> tuple[str, tuple[int, ...]]:
    """Return the text with a change made, and for each of its lines which one it was before."""
    lines = list(enumerate(text.encode().splitlines(keepends=True), 1))
    for edit in sorted(change.edits, key=lambda e: (e.start, e.end), reverse=True):
        (first, left), (last, right) = edit.start, edit.end
        kept = b"\n" * (last - first - edit.text.count("\n"))
        tail = lines[last - 1][1][right:]
        joined = lines[first - 1][1][:left] + edit.text.encode() + tail + kept
        was = lines[first - 1][0]
        lines[first - 1 : last] = [(was, part) for part in joined.splitlines(keepends=True)]
    for known, word in change.needs:
        _import(lines, known, word)
    return b"".join(line for _, line in lines).decode(), tuple(number for number, _ in lines)


def _import(lines: list[tuple[int, bytes]], known: str, word: str) -> None:
    """Import a word from a module, or from where a known word comes from, unless it is there."""
    body = ast.parse(b"".join(line for _, line in lines)).body
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    named = {alias.name: node for node in imports for alias in node.names}
    module = known if "." in known else named[known].module if known in named else None
    if module is not None and word not in named:
        end = imports[-1].end_lineno or 1
        lines.insert(end, (lines[end - 1][0], f"from {module} import {word}\n".encode()))


def calls_in(function: ast.FunctionDef) -> list[tuple[ast.stmt, str, list[str]]]:
    """Return the statements of a function that are calls, in the order of the text."""
    found = [
        (statement, *call)
        for body in blocks(function.body)
        for statement in body
        if (call := statement_call(statement)) is not None
    ]
    return sorted(found, key=lambda told: told[0].lineno)
