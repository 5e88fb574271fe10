"""From a function marked @process, @action or @setup to the code that its instances run."""

from __future__ import annotations

import ast
from dataclasses import replace

from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.beginnings import begin_globals
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.limits import limit_of
from kmcheck.frontend.pure import Pure
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Frame, Local
from kmcheck.frontend.source import span_of
from kmcheck.frontend.statements import Statements
from kmcheck.frontend.symbols import FunctionSymbol
from kmcheck.frontend.tidy import tidy
from kmcheck.frontend.world import World
from kmcheck.frontend.zero import zero_of
from kmcheck.ir.code import END, Assign, Assume, Block, Call, Choose, Fairness, Store, Template
from kmcheck.ir.expr import Alive, Const, Element, Self, Var
from kmcheck.ir.live import mentioned
from kmcheck.ir.types import CPU_OR_NONE, PROCESS, Ref, SetOf, Size

MOST_VARIABLES = 400
"""Variables of one process, with those of all functions that it calls."""


def lower_process(world: World, function: FunctionSymbol) -> Template:
    """Lower a function that a process runs, with all that it calls.

    Raises:
        Refused: something in its head is wrong; what is wrong in its body is reported.
    """
    span = span_of(function.module.source, function.node)
    role = _role(world, function)
    code = Statements(world, Builder(span, atomic=role in ("setup", "action")), role)
    frame = Frame(function, function.module, exit=code.builder.draft(span))
    code.frame = frame
    parameters = _parameters(world, function, code)
    shown = tuple(Var(name, code.builder.variables[name], span) for name in parameters)
    code.builder.calls = (
        Call(function.key, function.name, shown, function.module.source.module, 0, span),
    )
    code.builder.at(0)
    if role == "action":
        code.builder.here.cut = True
        for name in parameters:
            kind = code.builder.variables[name]
            assert isinstance(kind, Ref)
            code.builder.emit(Choose(name, Alive(kind.kind, SetOf(kind), span), span))
    if role == "setup":
        begin_globals(code)
    code.body(function.node.body)
    _end(world, code, frame)
    if len(code.builder.variables) > MOST_VARIABLES:
        title = f"`{function.name}` has more than {MOST_VARIABLES} variables, calls written out"
        hint = "split it into processes, or keep values in fields"
        raise world.loader.refuse(function.module, "K097", title, function.node, "", hint)
    drawn = code.builder.finish()
    for statement, reached in code.builder.stated().items():
        world.stated[statement] = reached or world.stated.get(statement, False)
    if function.key in world.bound:
        drawn = _gated(world, code, drawn)
    world.stepping.update(call.function for block in drawn if block.cut for call in block.calls)
    blocks, entry = tidy(drawn, code.builder.variables, join=role != "setup")
    limit = limit_of(world.loader, function) if role in ("process", "daemon") else None
    used = {*parameters, "@cpu"} | mentioned(blocks)
    variables = {name: kind for name, kind in code.builder.variables.items() if name in used}
    name = "setup" if role == "setup" else function.key
    fair = _fairness(world, function)
    results = tuple(code.builder.results)
    return Template(
        name, parameters, variables, blocks, entry, role, limit, span, fair, results=results
    )


def _fairness(world: World, function: FunctionSymbol) -> Fairness:
    """Return whether a process is left out for ever; an action is, unless it says otherwise."""
    match function.options.get("fair"):
        case None:
            return "none" if function.role == "action" else "weak"
        case ast.Constant(value="weak" | "strong" | "none" as fair):
            return fair
        case given:
            hint = 'write `fair="weak"`, `fair="strong"` or `fair="none"`'
            title = "how fair is this to be?"
            raise world.loader.refuse(function.module, "K080", title, given, "", hint)


def _gated(world: World, code: Statements, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return the blocks with the gates as a condition on each step."""
    gates = [_gate(world, code, function) for function in world.gates]
    return tuple(
        replace(block, instructions=(*gates, *block.instructions)) if block.cut else block
        for block in blocks
    )


def _gate(world: World, code: Statements, function: FunctionSymbol) -> Assume:
    span = span_of(function.module.source, function.node)
    if function.node.args.args:
        raise world.loader.refuse(
            function.module, "K078", "a gate takes no parameters", function.node
        )
    pure = Pure(world, Builder(span, atomic=True), code.role)
    pure.builder.variables = code.builder.variables
    pure.frame = Frame(function, function.module)
    value = pure.returned(list(function.node.body), function)
    return Assume(pure.as_condition(value, pure.last or function.node), span)


def _role(world: World, function: FunctionSymbol) -> str:
    daemon = function.options.get("daemon")
    if daemon is not None and world.loader.constant(function.module, daemon).value:
        return "daemon"
    return function.role


def _parameters(world: World, function: FunctionSymbol, code: Statements) -> tuple[str, ...]:
    annotations = Annotations(world.loader, function.module)
    names = []
    for parameter in function.node.args.args:
        if parameter.annotation is None:
            hint = f"write `{parameter.arg}: Type`"
            title = f"`{parameter.arg}` has no type"
            raise world.loader.refuse(function.module, "K078", title, parameter, "", hint)
        kind = annotations.variable(parameter.annotation)
        if function.role == "setup":
            raise world.loader.refuse(
                function.module, "K078", "setup takes no parameters", parameter
            )
        if function.role == "action" and not isinstance(kind, Ref):
            title = "an action's parameters range over objects"
            raise world.loader.refuse(function.module, "K078", title, parameter, "", "name a class")
        code.builder.variables[parameter.arg] = kind
        code.frame.names[parameter.arg] = Local(parameter.arg, kind)
        code.frame.sure.add(parameter.arg)
        code.frame.slots.append(parameter.arg)
        names.append(parameter.arg)
    return tuple(names)


def _end(world: World, code: Statements, frame: Frame) -> None:
    """Write what happens when the process ends: the hooks, and all that it held is forgotten."""
    span = span_of(frame.module.source, frame.function.node)
    assert frame.exit is not None
    code.builder.jump(frame.exit)
    code.builder.at(frame.exit)
    code.builder.atomic += 1
    if code.role in ("process", "daemon"):
        for group in world.globals:
            if group.per == "process":
                _end_record(world, code, group.name, group.kind, frame)
    code.builder.atomic -= 1
    code.note_unset(frame, span)
    if code.builder.variables.get("@cpu") == CPU_OR_NONE:
        code.builder.emit(Assign("@cpu", Const(0, CPU_OR_NONE, span), span))
    for slot in frame.slots:
        code.builder.emit(Assign(slot, zero_of(code.builder.variables[slot], span), span))
    code.builder.jump(END)


def _end_record(world: World, code: Statements, group: str, kind: str, frame: Frame) -> None:
    span = span_of(frame.module.source, frame.function.node)
    mine = Element(group, Self(PROCESS, span), Ref(kind), span)
    info = world.kinds[kind]
    hook = info.symbol.methods.get("on_exit")
    if hook is not None:
        node = frame.function.node
        call = ast.copy_location(
            ast.Call(func=ast.Name(id="on_exit", ctx=ast.Load()), args=[], keywords=[]), node
        )
        try:
            code.inline(hook, ast.fix_missing_locations(call), mine)
        except Refused:
            return
    for name, declared in info.fields.items():
        if isinstance(declared.type, Size):
            continue  # the record's next owner has some size, too
        code.builder.emit(
            Store(mine, kind, name, zero_of(declared.type, span), declared.ghost, span)
        )
