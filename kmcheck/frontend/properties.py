"""From a function marked @always, @finally_, @conserved or @step to a property."""

from __future__ import annotations

import ast
from typing import Literal

from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.operators import is_symbolic
from kmcheck.frontend.pure import Pure
from kmcheck.frontend.scope import Alias, Frame
from kmcheck.frontend.source import span_of
from kmcheck.frontend.symbols import FunctionSymbol
from kmcheck.frontend.world import World
from kmcheck.ir.expr import Alive, Bound, Expr, Running, walk
from kmcheck.ir.program import Property
from kmcheck.ir.types import PROCESS, ProcessId, Ref, SetOf

WHEN: dict[str, Literal["always", "finally", "rest", "step"]] = {
    "always": "always",
    "finally_": "finally",
    "conserved": "rest",
    "step": "step",
}


def lower_property(world: World, function: FunctionSymbol) -> Property:
    """Lower a property.

    Raises:
        Refused: something in it is wrong.
    """
    span = span_of(function.module.source, function.node)
    role = "step" if function.role == "step" else "property"
    pure = Pure(world, Builder(span, atomic=True), role)
    pure.in_ghost = True
    pure.frame = Frame(function, function.module)
    annotations = Annotations(world.loader, function.module)
    parameters: list[tuple[int, str, Expr]] = []
    for parameter in function.node.args.args:
        if parameter.annotation is None:
            hint = f"write `{parameter.arg}: Type`"
            title = f"`{parameter.arg}` has no type"
            raise world.loader.refuse(function.module, "K078", title, parameter, "", hint)
        kind = annotations.variable(parameter.annotation)
        if not isinstance(kind, (Ref, ProcessId)):
            title = "a property's parameters range over live objects or running processes"
            raise world.loader.refuse(function.module, "K078", title, parameter, "", "name a class")
        at = span_of(function.module.source, parameter)
        every = (
            Alive(kind.kind, SetOf(kind), at)
            if isinstance(kind, Ref)
            else Running(SetOf(PROCESS), at)
        )
        cell = world.cell()
        parameters.append((cell, parameter.arg, every))
        pure.frame.names[parameter.arg] = Alias(Bound(cell, kind, at))
    value = pure.returned(list(function.node.body), function)
    formula = pure.as_condition(value, pure.last or function.node)
    symbolic = any(is_symbolic(e) for e in walk(formula))
    return Property(
        function.name, _when(world, function), tuple(parameters), formula, symbolic, span
    )


def _when(world: World, function: FunctionSymbol) -> Literal["always", "finally", "rest", "step"]:
    given = function.options.get("when")
    if given is None:
        return WHEN[function.role]
    if isinstance(given, ast.Constant) and given.value in ("always", "at rest"):
        return "always" if given.value == "always" else "rest"
    hint = 'write `when="at rest"` or `when="always"`'
    raise world.loader.refuse(function.module, "K080", "when is this to hold?", given, "", hint)
