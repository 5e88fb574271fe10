"""Checks the functions that nobody calls: they are wrong, or right, as all others."""

from __future__ import annotations

from collections.abc import Callable

from kmcheck.diagnostics import Diagnostic
from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.pure import Pure
from kmcheck.frontend.report import Refused, Reporter
from kmcheck.frontend.scope import Frame, Local
from kmcheck.frontend.source import span_of
from kmcheck.frontend.statements import Statements
from kmcheck.frontend.symbols import FunctionSymbol
from kmcheck.frontend.world import World
from kmcheck.ir.types import Ref, Type


def check_unmet(world: World, functions: list[FunctionSymbol]) -> None:
    """Report what is wrong with functions whose code was not lowered: it is forgotten again."""
    world.frozen = True
    for function in reversed(functions):  # those that call others tend to stand behind them
        if function.role == "function" and function.key not in world.met:
            found = _found(world, function, _as_code)
            if found and _found(world, function, _as_expression):
                for d in found.values():
                    world.reporter.report(d.code, d.title, d.span, d.label, d.hint)


def _found(
    world: World, function: FunctionSymbol, check: Callable[[World, FunctionSymbol], None]
) -> dict[tuple[str, int, int, str], Diagnostic]:
    """Return what a check reports."""
    reporter, other = world.reporter, Reporter()
    world.reporter = world.loader.reporter = other
    with other.going_on():
        check(world, function)
    world.reporter = world.loader.reporter = reporter
    return other.found


def _as_code(world: World, function: FunctionSymbol) -> None:
    span = span_of(function.module.source, function.node)
    code = Statements(world, Builder(span, atomic=False), "process")
    code.dead = 1
    caller = Frame(function, function.module)
    code.frame = Frame(function, function.module, exit=code.builder.draft(span), caller=caller)
    _declare(world, function, code)
    code.body(function.node.body)


def _as_expression(world: World, function: FunctionSymbol) -> None:
    span = span_of(function.module.source, function.node)
    pure = Pure(world, Builder(span, atomic=True), "step")
    pure.in_ghost = True
    pure.frame = Frame(function, function.module)
    _declare(world, function, pure)
    pure.returned(list(function.node.body), function)


def _declare(world: World, function: FunctionSymbol, code: Pure) -> None:
    """Declare the parameters as variables.

    Raises:
        Refused: one is known at compile time only, so that the function cannot be judged alone.
    """
    annotations = Annotations(world.loader, function.module)
    for number, parameter in enumerate(function.node.args.args):
        if number == 0 and function.owner is not None:
            kind: Type | None = Ref(function.owner.name)
        else:
            declared = parameter.annotation
            kind = None if declared is None else annotations.argument(declared).type
        if kind is None:
            raise Refused
        code.builder.variables[parameter.arg] = kind
        code.frame.names[parameter.arg] = Local(parameter.arg, kind)
