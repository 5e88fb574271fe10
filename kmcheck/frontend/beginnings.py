"""What the globals begin with: `mutex = Semaphore(value=1)` is a store before setup's first."""

from __future__ import annotations

import ast

from kmcheck.frontend.scope import Frame, Place
from kmcheck.frontend.statements import Statements
from kmcheck.frontend.symbols import FunctionSymbol, GlobalSymbol
from kmcheck.ir.expr import Const, Element, Expr
from kmcheck.ir.types import Int, Ref


def begin_globals(code: Statements) -> None:
    """Write the stores that give all globals their first values; `code` is setup's."""
    outer = code.frame
    for symbol in code.world.globals:
        code.frame = Frame(outer.function, symbol.module)
        for keyword in symbol.initial:
            with code.world.reporter.going_on():
                _begin(code, symbol, keyword)
    code.frame = outer


def _begin(code: Statements, symbol: GlobalSymbol, keyword: ast.keyword) -> None:
    span = code.span(keyword.value)
    info = code.named_field(symbol.kind, keyword)
    name = str(keyword.arg)
    whole = Element(symbol.name, Const(0, Int(0, 0), span), Ref(symbol.kind), span)
    place = Place(whole, symbol.kind, name, None, info.type)
    function = code.symbol(keyword.value)
    if isinstance(function, GlobalSymbol):
        hint = f"store it in setup: `{symbol.name}.{name} = {function.name}`"
        raise code.refuse("K020", "a global begins with constants", keyword.value, "", hint)
    value: Expr
    if isinstance(function, FunctionSymbol):
        value = code.function_value(function, place, keyword.value)
    else:
        given = code.world.loader.constant(symbol.module, keyword.value)
        value = code.fit(given, info.type, keyword.value, f"`{name}` of {symbol.kind}")
        if isinstance(info.type, Int) and not info.type.lo <= int(given.value) <= info.type.hi:  # type: ignore[arg-type]
            title = f"`{name}` of {symbol.kind} goes from {info.type.lo} to {info.type.hi}"
            raise code.refuse("K020", title, keyword.value, "this is outside")
    code.in_ghost, outer = info.ghost, code.in_ghost
    code.store(place, value, keyword.value)
    code.in_ghost = outer
