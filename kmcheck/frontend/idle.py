"""Finds the processes that nothing starts: a spec without them would hold, and say nothing."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.source import name_span
from kmcheck.frontend.symbols import FunctionSymbol, Module
from kmcheck.frontend.world import World


def idle_processes(world: World, spec: Module) -> tuple[tuple[str, Span], ...]:
    """Return the spec's own processes that are named and never started; refuse one not named.

    What a choice leaves out is neither: it is no part of the spec with these settings.
    """
    found = []
    for function in world.loader.functions:
        if function.role != "process" or function.module is not spec:
            continue
        if function.key in world.started | world.left_out:
            continue
        span = name_span(function.module.source, function.node)
        if _is_mentioned(world, function):
            found.append((function.name, span))
            continue
        title = f"nothing starts the process `{function.name}`"
        arguments = ", ".join([function.name, *(a.arg for a in function.node.args.args)])
        hint = f"write `start({arguments})` in the setup, or in a process"
        world.reporter.report("K098", title, span, "it would never run", hint)
    return tuple(found)


def _is_mentioned(world: World, function: FunctionSymbol) -> bool:
    """Tell whether any code names it, be it code that the settings leave out."""
    return any(
        isinstance(node, ast.Name) and node.id == function.name and isinstance(node.ctx, ast.Load)
        for module in world.loader.modules.values()
        for node in ast.walk(module.tree)
    )
