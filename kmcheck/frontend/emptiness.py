"""Classes of which there is never an object, and fields that no code names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from kmcheck.diagnostics import Diagnostic, Note
from kmcheck.frontend.properties import WHEN
from kmcheck.frontend.source import name_span, parse_expression, span_of
from kmcheck.frontend.symbols import FunctionSymbol, KindSymbol, Module, Word
from kmcheck.frontend.syntax import calls_in
from kmcheck.frontend.world import World

QUANTIFIERS = {"alive", "choose"}
"""The words that go through what there is of a class, and make nothing."""


def never_made(world: World, spec: Module) -> Iterator[Diagnostic]:
    """Yield the classes of which there is never an object, and what is asked of all of them."""
    made = _made(world)
    gone = {
        name: kind
        for name, kind in spec.symbols.items()
        if isinstance(kind, KindSymbol) and kind.name not in made
    }
    used = names_in(spec.tree)
    for name, kind in gone.items():
        if kind.module is spec and not name.startswith("_") and name in used:
            span = name_span(spec.source, kind.node)
            hint = f"make one in the setup, `{name}()`, or leave the class out"
            yield Diagnostic("W004", f"no `{name}` is ever made", span, "", hint)
    for at in _gone_through(spec):
        if at.id in gone:
            kind = gone[at.id]
            title = f"this goes through every `{at.id}`, and none is ever made"
            also = (Note(name_span(kind.module.source, kind.node), "the class"),)
            span = span_of(spec.source, at)
            yield Diagnostic("W005", title, span, "of nothing, anything holds", "", also)


def gone_through(module: Module) -> set[str]:
    """Return the classes that a file's code goes through the objects of."""
    symbols = (module.symbols.get(at.id) for at in _gone_through(module))
    return {symbol.name for symbol in symbols if isinstance(symbol, KindSymbol)}


def _gone_through(module: Module) -> Iterator[ast.Name]:
    """Yield the classes that properties, `alive` and `choose` go through, where they say so."""
    for call in calls_in(module.tree):
        if word_of(module, call) in QUANTIFIERS and len(call.args) == 1:
            argument = call.args[0]
            if isinstance(argument, ast.Name):
                yield argument
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        symbol = module.symbols.get(node.name)
        if isinstance(symbol, FunctionSymbol) and symbol.role in WHEN:
            for parameter in node.args.args:
                if isinstance(parameter.annotation, ast.Name):
                    yield parameter.annotation


def _made(world: World) -> set[str]:
    """Return the classes of which there may be an object: no other is ever made."""
    made = {symbol.kind for symbol in world.loader.globals.values()}
    for module in world.loader.modules.values():
        counted = set(map(id, _gone_through(module)))
        for call in calls_in(module.tree):
            given = [call.func, *call.args, *(keyword.value for keyword in call.keywords)]
            names = (n for part in given for n in ast.walk(part) if isinstance(n, ast.Name))
            symbols = (module.symbols.get(n.id) for n in names if id(n) not in counted)
            made |= {symbol.name for symbol in symbols if isinstance(symbol, KindSymbol)}
    return with_inside(world, made)


def with_inside(world: World, kinds: Iterable[str]) -> set[str]:
    """Return classes, and those of what is embedded in their objects."""
    found = set(kinds)
    ahead = list(found)
    while ahead:
        inside = set(world.kinds[ahead.pop()].embedded.values()) - found
        found |= inside
        ahead += inside
    return found


def unused_fields(world: World, spec: Module) -> Iterator[Diagnostic]:
    """Yield the fields that no code names, a lock that nobody takes among them."""
    modules = world.loader.modules.values()
    trees = [module.tree for module in modules]
    named = {n.attr for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    named |= {k.arg for tree in trees for call in calls_in(tree) for k in call.keywords if k.arg}
    asked = set().union(*map(gone_through, modules))
    for kind in world.loader.kinds.values():
        for field in kind.node.body if kind.module is spec else ():
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            name = field.target.id
            inside = world.kinds[kind.name].embedded.get(name)
            is_asked = inside is not None and with_inside(world, [inside]) & asked
            if name not in named and not name.startswith("_") and not is_asked:
                span = span_of(spec.source, field.target)
                title = f"nothing uses the field `{name}`"
                yield Diagnostic("W006", title, span, "", "use it, or leave it out")


def names_in(tree: ast.Module) -> set[str]:
    """Return the names that a file uses, those in quoted annotations among them."""
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used |= _quoted(node.value)
    return used


def _quoted(text: str) -> set[str]:
    """Return the names in a text, if it may be an annotation: no sentence is one."""
    if " " in text.strip() and "|" not in text:
        return set()
    try:
        inner = parse_expression(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return set()
    return {node.id for node in ast.walk(inner) if isinstance(node, ast.Name)}


def word_of(module: Module, call: ast.Call) -> str:
    """Return the word of the language that is called, the Python builtin, or nothing."""
    if not isinstance(call.func, ast.Name):
        return ""
    symbol = module.symbols.get(call.func.id)
    if isinstance(symbol, Word):
        return symbol.name
    return call.func.id if symbol is None else ""
