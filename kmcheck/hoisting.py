"""Statements in the place of a call inside of an expression: they run when it would."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import count
from textwrap import indent
from typing import Any

from kmcheck.editing import Edit, blocks, call_of, instead

Names = Callable[[], str]
"""Gives a name that nothing has."""

Written = Callable[[Names], tuple[str, str]]
"""Gives statements, and what is in the place of a call behind them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A call, and the statement that evaluates it.

    `chained` tells of an `elif`, `atomic` of what is inside of an atomic block.
    """

    call: ast.Call
    statement: ast.stmt
    chained: bool
    atomic: bool


def calls(function: ast.FunctionDef) -> Iterator[Found]:
    """Yield all calls that the statements of a function make themselves."""
    chained: set[int] = set()
    atomic: set[int] = set()
    for node in ast.walk(function):
        match node:
            case ast.If(orelse=[ast.If() as other]) if other.col_offset == node.col_offset:
                chained.add(id(other))
            case ast.With(items=items):
                names = [call_of(item.context_expr) for item in items]
                if any(name is not None and name[0] == "atomic" for name in names):
                    atomic |= {id(inner) for inner in ast.walk(node)} - {id(node)}
    for body in blocks(function.body):
        for statement in body:
            for node in _own(statement):
                if isinstance(node, ast.Call):
                    at = id(statement)
                    yield Found(node, statement, at in chained, at in atomic)


def hoisted(found: Found, written: Written) -> tuple[Edit, ...]:
    """Return the edits that put statements in the place of a call.

    Where `and`, `or`, `x if y else z` may leave out the call, they leave out the statements; in the
    condition of a loop these run each time that it is asked.
    """
    statement = found.statement
    before, changed = _Hoist(found.call, written).within(statement)
    rows: list[ast.stmt] = [*before, changed]
    if isinstance(changed, ast.While) and before:
        ends = ast.If(ast.UnaryOp(ast.Not(), changed.test), [*changed.orelse, ast.Break()], [])
        rows = [ast.While(_expression("True"), [*before, ends, *changed.body], [])]
    text = "\n".join(ast.unparse(ast.fix_missing_locations(row)) for row in rows)
    text = f"else:\n{indent(text, '    ')}" if found.chained else text
    margin = " " * statement.col_offset
    return (instead(statement, indent(text, margin).removeprefix(margin)),)


class _Hoist:
    """Puts statements in the place of one call."""

    def __init__(self, call: ast.Call, written: Written) -> None:
        self.call = call
        self.written = written
        self._numbers = count(1)

    def name(self) -> str:
        return f"_{next(self._numbers)}"

    def within(self, node: ast.AST) -> tuple[list[ast.stmt], Any]:
        """Return what to run before a node, and the node without the call."""
        match node:
            case ast.Call() if node is self.call:
                text, left = self.written(self.name)
                return ast.parse(text).body, _expression(left)
            case ast.BoolOp(op, [first, *more]) if not self._has(first):
                rest = more[0] if len(more) == 1 else ast.BoolOp(op, more)
                so = ast.Name(self.name())
                asked = so if isinstance(op, ast.And) else ast.UnaryOp(ast.Not(), so)
                return [ast.Assign([so], first), ast.If(asked, self._assigned(so, rest), [])], so
            case ast.IfExp(test, body, orelse) if not self._has(test):
                so = ast.Name(self.name())
                return [ast.If(test, *(self._assigned(so, arm) for arm in (body, orelse)))], so
        return self._part(node)

    def _part(self, node: ast.AST) -> tuple[list[ast.stmt], Any]:
        changed = copy(node)
        before: list[ast.stmt] = []
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST) and self._has(value):
                before, inner = self.within(value)
                setattr(changed, field, inner)
            elif isinstance(value, list):
                parts = list(value)
                for at, part in enumerate(parts):
                    if isinstance(part, ast.AST) and self._has(part):
                        before, parts[at] = self.within(part)
                setattr(changed, field, parts)
        return before, changed

    def _assigned(self, so: ast.Name, value: ast.expr) -> list[ast.stmt]:
        before, left = self.within(value)
        return [*before, ast.Assign([so], left)]

    def _has(self, node: ast.AST) -> bool:
        return any(inner is self.call for inner in ast.walk(node))


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the expressions of a statement, but not those of statements inside of it."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt):
            yield from ast.walk(child)
