"""What can be told of a statement by its shape alone."""

from __future__ import annotations

import ast
from functools import lru_cache


@lru_cache(maxsize=16_384)
def calls_in(node: ast.AST) -> tuple[ast.Call, ...]:
    """Return the calls in a node, which itself may be one. What is inlined is asked often."""
    return tuple(inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


@lru_cache(maxsize=1024)
def returns_in(function: ast.FunctionDef) -> tuple[ast.Return, ...]:
    """Return the `return` statements of a function."""
    return tuple(inner for inner in ast.walk(function) if isinstance(inner, ast.Return))


def is_setup(node: ast.stmt) -> bool:
    """Tell whether a statement was to define the setup."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(d, ast.Name) and d.id == "setup" for d in decorators)


def comes_to_end(body: list[ast.stmt]) -> bool:
    """Tell whether a function's code may go on behind these statements."""
    match body[-1]:
        case ast.Return() | ast.Raise() | ast.Assert(test=ast.Constant(value=False)):
            return False
        case ast.If(body=then, orelse=other):
            return not other or comes_to_end(then) or comes_to_end(other)
        case ast.With(body=inside):
            return comes_to_end(inside)
        case ast.While(test=ast.Constant(value=True), body=inside):
            return _leaves(inside)
    return True


def _leaves(body: list[ast.stmt]) -> bool:
    """Tell whether a loop's body has a `break` of its own."""
    for node in body:
        inside = [*getattr(node, "body", []), *getattr(node, "orelse", [])]
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, (ast.If, ast.With)) and _leaves(inside):
            return True
    return False


def defined_names(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement was to define."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [a.asname or a.name.partition(".")[0] for a in node.names]
    inner = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.FunctionDef, ast.ClassDef))]
    names = [n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return names + [n.name for n in inner if not isinstance(n, ast.Name)]
