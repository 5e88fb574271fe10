"""Warnings: what is well-formed, and hardly meant. Only what is sure, from the text alone.

Nothing here depends on the settings, but which processes are started, which properties are constant
and which lists are changed: a choice that leaves code out does not make the names in it unused. A
name that begins with `_` is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from kmcheck.diagnostics import Diagnostic, Note, Source, Span
from kmcheck.frontend.emptiness import (
    gone_through,
    names_in,
    never_made,
    unused_fields,
    with_inside,
    word_of,
)
from kmcheck.frontend.source import name_span, span_of
from kmcheck.frontend.symbols import (
    ConstantSymbol,
    FunctionSymbol,
    GlobalSymbol,
    Module,
)
from kmcheck.frontend.syntax import calls_in, comes_to_end
from kmcheck.frontend.vocabulary import PURE_WORDS
from kmcheck.frontend.world import World
from kmcheck.ir.code import Store
from kmcheck.ir.expr import Const
from kmcheck.ir.program import Program

SETTLED = {"READ_ONCE", "all", "any", "bool", "int", "len", "max", "min"}
"""The words whose value depends on their arguments alone."""

LISTS, GUARDS, STEPS = "kmcheck.kernel.list", {"guard", "guard_mutex"}, ("LIST_STEPS", "ONE")
"""The lists of the kernel, what says which lock guards one, and when a change is one step."""

_JUMPS = (ast.Break, ast.Continue)


def doubts(world: World, spec: Module, program: Program) -> tuple[Diagnostic, ...]:
    """Return the warnings about a spec's own file, in the order of its source."""
    found = [
        *_unused(world, spec, program),
        *never_made(world, spec),
        *unused_fields(world, spec),
        *_unreachable(spec),
        *_waits(world, spec),
        *_idle(program),
        *_constant(spec, program),
        *_unguarded(spec, program),
    ]
    return tuple(sorted(found, key=lambda d: (d.span.line, d.span.column, d.code)))


# --- names --------------------------------------------------------------------------------------


def _unused(world: World, spec: Module, program: Program) -> Iterator[Diagnostic]:
    """Yield what is imported or defined at the top level and named nowhere."""
    used, asked = names_in(spec.tree), gone_through(spec)
    settings = {setting.name for setting in program.settings}
    for node in spec.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                name = alias.asname or alias.name
                if name not in used and not name.startswith("_"):
                    span = span_of(spec.source, alias)
                    yield Diagnostic(
                        "W001", f"`{name}` is imported and not used", span, "", "leave it out"
                    )
    for name, symbol in spec.symbols.items():
        defined = None if name in used or name.startswith("_") else _definition(spec, name)
        if defined is None:
            continue
        named = isinstance(defined, ast.Name)
        span = span_of(spec.source, defined) if named else name_span(spec.source, defined)
        match symbol:
            case ConstantSymbol() if name in settings:
                hint = f"no `-D {name}=...` makes a difference: use it, or leave it out"
                yield Diagnostic("W002", f"nothing depends on the setting `{name}`", span, "", hint)
            case FunctionSymbol(role="function" | "macro"):
                yield _useless(span, f"nothing calls `{name}`")
            case GlobalSymbol(kind=kind) if not with_inside(world, [kind]) & asked:
                yield _useless(span, f"nothing uses the global `{name}`")
            case FunctionSymbol() | GlobalSymbol():
                pass
            case _:
                yield _useless(span, f"nothing uses `{name}`")


def _useless(span: Span, title: str) -> Diagnostic:
    return Diagnostic("W003", title, span, "", "use it, or leave it out")


def _definition(spec: Module, name: str) -> ast.AST | None:
    """Return what gives a name of the file itself its meaning."""
    for node in spec.tree.body:
        match node:
            case ast.FunctionDef() | ast.ClassDef() if node.name == name:
                return node
            case ast.Assign(targets=[ast.Name() as target]) if target.id == name:
                return target
            case ast.AnnAssign(target=ast.Name() as target) if target.id == name:
                return target
    return None


# --- code ---------------------------------------------------------------------------------------


def _unreachable(spec: Module) -> Iterator[Diagnostic]:
    """Yield the first statement of each piece of code that is never reached."""
    for function in ast.walk(spec.tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
                if not isinstance(body, list):
                    continue
                for before, behind in pairwise(body):
                    if isinstance(before, _JUMPS) or not comes_to_end([before]):
                        also = (Note(span_of(spec.source, before), "nothing comes behind this"),)
                        span = _first_line(spec.source, behind)
                        title = "this is never reached"
                        yield Diagnostic("W007", title, span, "", "leave it out", also)
                        break


def _first_line(source: Source, node: ast.AST) -> Span:
    span = span_of(source, node)
    if span.end_line == span.line:
        return span
    end = len(source.line(span.line)) + 1
    return Span(source, span.line, span.column, span.line, max(end, span.column + 1))


def _waits(world: World, spec: Module) -> Iterator[Diagnostic]:
    """Yield what is waited for, and nothing changes."""
    changed: set[str] | None = None
    for call in calls_in(spec.tree):
        if word_of(spec, call) != "wait_until" or not call.args:
            continue
        condition = call.args[0]
        read = {n.attr for n in ast.walk(condition) if isinstance(n, ast.Attribute)}
        settled = all(word_of(spec, inner) in SETTLED for inner in calls_in(condition))
        if not read or not settled:
            continue
        changed = _changed(world) if changed is None else changed
        if not read & changed:
            title = "nothing ever changes what this waits for"
            span = span_of(spec.source, condition)
            hint = "it goes on at once, or never: what is to happen first?"
            yield Diagnostic("W008", title, span, "", hint)


def _changed(world: World) -> set[str]:
    """Return the fields that code may change: stored to, a method called on, or handed over."""
    changed = set()
    for module in world.loader.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(
                node.ctx, ast.Load
            ):
                changed |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        for call in calls_in(module.tree):
            parts = [] if word_of(module, call) in PURE_WORDS | {"wait_until"} else list(call.args)
            if isinstance(call.func, ast.Attribute):
                parts.append(call.func.value)
            changed |= {
                n.attr for part in parts for n in ast.walk(part) if isinstance(n, ast.Attribute)
            }
    return changed


def _constant(spec: Module, program: Program) -> Iterator[Diagnostic]:
    """Yield the properties that look at nothing, so that they hold of anything."""
    for asked in program.properties:
        node = _definition(spec, asked.name)
        if not isinstance(asked.formula, Const) or not asked.formula.value or node is None:
            continue
        if not any(isinstance(inner, (ast.Attribute, ast.Call)) for inner in ast.walk(node)):
            title = f"`{asked.name}` is true whatever happens"
            hint = "say something of an object: `return not page.dirty`"
            yield Diagnostic("W010", title, name_span(spec.source, node), "", hint)


def _idle(program: Program) -> Iterator[Diagnostic]:
    for name, span in program.idle:
        hint = "start it, or leave it out"
        yield Diagnostic("W009", f"the process `{name}` is never started", span, "", hint)


def _unguarded(spec: Module, program: Program) -> Iterator[Diagnostic]:
    """Yield the first change of a list, where each change is one step and no lock is ever named.

    What happens to a list that has no lock is not seen then: nobody comes between two pointers.
    """
    if STEPS not in [(setting.name, setting.value) for setting in program.settings]:
        return
    changes: list[Span] = []
    for template in program.templates.values():
        for block in template.blocks:
            for instruction in block.instructions:
                if not isinstance(instruction, Store) or instruction.kind != "ListLink":
                    continue
                if instruction.field in GUARDS:
                    return
                inside = (c.span for c in block.calls if c.function.startswith(f"{LISTS}."))
                call = next(inside, None)
                if template.role != "setup" and call is not None and call.source == spec.source:
                    changes.append(call)
    if changes:
        title = "no list has a lock named: a change without its lock is one step, and not seen"
        hint = (
            "write `list_guarded_by(head, lock)` in the setup, or verify with `-D LIST_STEPS=fine`"
        )
        first = min(changes, key=lambda span: (span.line, span.column))
        yield Diagnostic("W011", title, first, "", hint)
