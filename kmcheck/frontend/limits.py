"""How many there may be: the limits of classes and of processes."""

from __future__ import annotations

import ast

from kmcheck.frontend.modules import Loader
from kmcheck.frontend.symbols import FunctionSymbol, KindSymbol, Module, Word
from kmcheck.ir.expr import Const, Expr, Op, Slots, walk
from kmcheck.ir.types import INT16, Int

MOST = 64
"""What a limit may be at the most."""


def limit_of(loader: Loader, function: FunctionSymbol) -> Expr | None:
    """Return a process's limit, None if it has none."""
    node = function.options.get("limit")
    return None if node is None else limit(loader, function.module, node)


def class_limit(loader: Loader, module: Module, node: ast.expr) -> Expr:
    """Return the limit of a class.

    Raises:
        Refused: it is none, or depends on how many there are of another one.
    """
    found = limit(loader, module, node)
    if any(isinstance(part, Slots) for part in walk(found)):
        hint = "`slots(Type)` is for how many processes there may be"
        raise loader.refuse(module, "K079", "the limit of a class is a number", node, "", hint)
    return found


def limit(loader: Loader, module: Module, node: ast.expr) -> Expr:
    """Return a limit: constants, bounds and `slots(Type)`, with + and *.

    Raises:
        Refused: it is something else.
    """
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=kind)]) if module.symbols.get(
            name
        ) == Word("slots"):
            symbol = module.symbols.get(kind)
            if isinstance(symbol, KindSymbol):
                return Slots(symbol.name, INT16, loader.span(module, node))
        case ast.BinOp(left=left, op=(ast.Add() | ast.Mult()) as op, right=right):
            if any(isinstance(inner, ast.Call) for inner in ast.walk(node)):
                a, b = limit(loader, module, left), limit(loader, module, right)
                name_ = "add" if isinstance(op, ast.Add) else "mul"
                return Op(name_, (a, b), INT16, loader.span(module, node))  # type: ignore[arg-type]
        case ast.Name(id=name) if isinstance(module.symbols.get(name), KindSymbol):
            hint = f"write `slots({name})` for as many as there can be of it"
            raise loader.refuse(module, "K079", "a limit is a number", node, "", hint)
    number = loader.constant(module, node).value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST:
        raise loader.refuse(module, "K079", f"a limit is a number from 0 to {MOST}", node)
    return Const(number, Int(number, number), loader.span(module, node))
