"""From a function marked @always, @finally_, @eventually or the like to a property."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.operators import is_symbolic
from kmcheck.frontend.pure import Pure
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Frame
from kmcheck.frontend.source import span_of
from kmcheck.frontend.symbols import Broken, FunctionSymbol
from kmcheck.frontend.world import World
from kmcheck.ir.expr import Alive, Bound, Expr, Running, walk
from kmcheck.ir.program import ENDLESS, Property, When
from kmcheck.ir.types import PROCESS, ProcessId, Ref, SetOf, Type

WHEN: dict[str, When] = {
    "always": "always",
    "finally_": "finally",
    "conserved": "rest",
    "step": "step",
    "eventually": "eventually",
    "leads_to": "leads_to",
    "always_eventually": "recurring",
}

Cells = tuple[tuple[int, str, Expr], ...]


def lower_property(world: World, function: FunctionSymbol) -> Property:
    """Lower a property.

    Raises:
        Refused: something in it is wrong.
    """
    span = span_of(function.module.source, function.node)
    parameters = tuple(_parameters(world, function))
    formula = _formula(world, function, parameters)
    when, trigger = _when(world, function), None
    if when == "leads_to":
        trigger = _trigger(world, function, parameters)
    asked = (formula,) if trigger is None else (formula, trigger)
    symbolic = any(is_symbolic(e) for expr in asked for e in walk(expr))
    if symbolic and when in ENDLESS:
        title = "what becomes true some time cannot depend on sizes"
        hint = "count pages, as integers"
        raise world.loader.refuse(function.module, "K080", title, function.node, "", hint)
    return Property(function.name, when, parameters, formula, symbolic, span, trigger)


def _formula(world: World, function: FunctionSymbol, parameters: Cells) -> Expr:
    """Lower what a function says of its parameters.

    Raises:
        Refused: it does not say that it returns a bool.
    """
    returns = function.node.returns
    if returns is not None and not (isinstance(returns, ast.Name) and returns.id == "bool"):
        title = "a property returns a bool"
        raise world.loader.refuse(function.module, "K063", title, returns, "", "write `-> bool`")
    span = span_of(function.module.source, function.node)
    role = "step" if function.role == "step" else "property"
    pure = Pure(world, Builder(span, atomic=True), role)
    pure.in_ghost = True
    pure.frame = Frame(function, function.module)
    for given, (cell, _, domain) in zip(function.node.args.args, parameters, strict=True):
        assert isinstance(domain.type, SetOf)
        at = span_of(function.module.source, given)
        pure.frame.names[given.arg] = Alias(Bound(cell, domain.type.element, at))
    value = pure.returned(list(function.node.body), function)
    return pure.as_condition(value, pure.last or function.node)


def _parameters(world: World, function: FunctionSymbol) -> Iterator[tuple[int, str, Expr]]:
    """Yield the parameters of a property, each with what it ranges over."""
    annotations = Annotations(world.loader, function.module)
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
        yield world.cell(), parameter.arg, every


def _trigger(world: World, function: FunctionSymbol, parameters: Cells) -> Expr:
    """Lower what a @leads_to comes after: a plain function of the same parameters."""
    node = function.options["trigger"]
    assert isinstance(node, ast.Name)
    symbol = function.module.symbols.get(node.id)
    if isinstance(symbol, Broken):
        raise Refused
    if not isinstance(symbol, FunctionSymbol) or symbol.role != "function":
        title = f"`{node.id}` is no function that says what this comes after"
        hint = "name a plain function of the same parameters, which returns a bool"
        raise world.loader.refuse(function.module, "K080", title, node, "", hint)
    theirs = [_kind(world, symbol, given) for given in symbol.node.args.args]
    ours = [domain.type.element for _, _, domain in parameters if isinstance(domain.type, SetOf)]
    if theirs != ours:
        title = f"`{node.id}` has not the parameters of `{function.name}`"
        hint = "both are asked of the same objects: give them the same parameters, in order"
        raise world.loader.refuse(function.module, "K080", title, node, "", hint)
    world.called.add(symbol.key)
    world.met.add(symbol.key)
    return _formula(world, symbol, parameters)


def _kind(world: World, function: FunctionSymbol, parameter: ast.arg) -> Type | None:
    annotations = Annotations(world.loader, function.module)
    return None if parameter.annotation is None else annotations.variable(parameter.annotation)


def _when(world: World, function: FunctionSymbol) -> When:
    given = function.options.get("when")
    if given is None:
        return WHEN[function.role]
    if isinstance(given, ast.Constant) and given.value in ("always", "at rest"):
        return "always" if given.value == "always" else "rest"
    hint = 'write `when="at rest"` or `when="always"`'
    raise world.loader.refuse(function.module, "K080", "when is this to hold?", given, "", hint)
