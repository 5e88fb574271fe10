"""Parts of a spec's text: a class or function by name, all behind the docstring."""

from __future__ import annotations

import ast

from kmcheck.coverage import Line, Listing


def excerpt(listing: Listing, name: str) -> tuple[Line, ...]:
    """Return the lines of a class or function of the spec, with its decorators; none if none."""
    text = "\n".join(line.text for line in listing.lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            begin = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return listing.lines[begin - 1 : node.end_lineno]
    return ()


def named(text: str) -> list[str]:
    """Return the names of the classes and functions of a spec."""
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
