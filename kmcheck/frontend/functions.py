"""Methods of values, and functions that only compute, as one expression."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Frame, Local, Place, Static
from kmcheck.frontend.source import keyword_span
from kmcheck.frontend.symbols import (
    Broken,
    FunctionSymbol,
    GlobalSymbol,
    KindSymbol,
    TypeVariable,
)
from kmcheck.frontend.vocabulary import (
    LOOKING,
    METHODS,
)
from kmcheck.frontend.words import Words
from kmcheck.ir.expr import (
    Const,
    Element,
    Expr,
    Op,
)
from kmcheck.ir.types import (
    BOOL,
    PROCESS,
    ArrayOf,
    Counter,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
    article,
)

_DEEPEST_CALL = 30


class Functions(Words):
    """Lowers calls that change nothing."""

    def _method(self, node: ast.Call, target: ast.Attribute) -> Expr | None:
        span, name = self.span(node), target.attr
        symbol = self.symbol(target.value)
        if isinstance(symbol, GlobalSymbol) and symbol.per != "system":
            return self._other_instance(symbol, name, node)
        base = self.pure(target.value)
        match base.type, name, node.args:
            case SetOf(), "copy", []:
                return base
            case ListOf(element=element), "first", []:
                return Op("list_first", (base,), element, span)
            case ListOf(element=element), "after", [member]:
                at = self.fit(self.pure(member), element, member, "a member")
                return Op("list_after", (base, at), element, span)
            case Counter(), "is_zero", []:
                return Op("form_is_zero", (base,), BOOL, span)
            case ((SetOf() | ListOf() | Counter() | ArrayOf() | Size() | ProcessId()), _, _):
                if name in METHODS.get(type(base.type), {}) and name not in LOOKING:
                    title = f"`.{name}()` changes something: it cannot stand here"
                    raise self.refuse("K054", title, node, "", self.looks_only())
                raise self.no_method(base.type, name, node)
            case Ref(kind=kind), _, _:
                method = self.world.kinds[kind].symbol.methods.get(name)
                if method is not None:
                    return self.apply(method, node, base)
                if self.world.holds_functions(kind, name):
                    hint = "call it in a statement of its own, outside of conditions"
                    raise self.refuse(
                        "K054", "a call through a field cannot stand here", node, "", hint
                    )
        raise self.no_method(base.type, name, node)

    def no_method(self, kind: Type, name: str, node: ast.Call) -> Refused:
        """Say that there is no such method, or how it is called."""
        known: Iterable[str] = METHODS.get(type(kind), {})
        if isinstance(kind, Ref):
            known = self.world.kinds[kind.kind].symbol.methods
        if name in known:
            hint = f"write `{METHODS[type(kind)][name]}`"
            title = f"`.{name}()` is called with other arguments"
            return self.refuse("K055", title, node, "", hint)
        title = f"{article(kind)} has no method `{name}`"
        at = self.tail(node.func, name)
        hint = did_you_mean(name, known)
        if isinstance(kind, Ref) and self.world.kinds[kind.kind].symbol.module.source.module:
            hint = self.changed_by(kind)
        return self.refuse_at("K061", title, at, "unknown method", hint)

    def _other_instance(self, symbol: GlobalSymbol, name: str, node: ast.Call) -> Expr:
        expected = "on" if symbol.per == "cpu" else "of"
        if name != expected or len(node.args) != 1:
            hint = f"write `.{expected}({'cpu' if symbol.per == 'cpu' else 'process'})`"
            title = f"{symbol.name} has no method `{name}`"
            at = self.tail(node.func, name)
            raise self.refuse_at("K061", title, at, "unknown method", hint)
        wanted: Type = Int(0, 63) if symbol.per == "cpu" else PROCESS
        which = self.fit(self.pure(node.args[0]), wanted, node.args[0], f"what .{name}() takes")
        return Element(symbol.name, which, Ref(symbol.kind), self.span(node))

    def apply(self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None) -> Expr:
        """Return the value of a call of a function that only computes."""
        self.refuse_recursion(function, node)
        frame = Frame(function, function.module, caller=self.frame, at=self.span(node))
        self.world.met.add(function.key)
        self.bind(frame, function, node, receiver)
        outer, self.frame = self.frame, frame
        try:
            value = self.returned(list(function.node.body), function)
        finally:
            self.frame = outer
        return value

    def refuse_recursion(self, function: FunctionSymbol, node: ast.AST) -> None:
        """Refuse a call of a function that is being called, or one that is too deep."""
        frame: Frame | None = self.frame
        depth = 0
        while frame is not None:
            if frame.function == function:
                hint = (
                    "write a loop, or `closure(x, Type.field)`; what runs later is queued as work"
                )
                title = f"`{function.name}` calls itself: there is no recursion"
                raise self.refuse("K062", title, node, "", hint)
            frame, depth = frame.caller, depth + 1
        if depth > _DEEPEST_CALL:
            title = f"calls are nested more than {_DEEPEST_CALL} deep"
            raise self.refuse("K062", title, node, "", "call fewer functions in a row")

    def bind(
        self, frame: Frame, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> None:
        """Give the parameters of a pure function their values."""
        parameters = self.parameters(function, node, receiver)
        annotations = Annotations(self.world.loader, function.module)
        given: list[ast.expr] = list(node.args)
        if receiver is not None:
            frame.names[parameters[0].arg] = Alias(receiver)
            parameters = parameters[1:]
        for parameter, argument in zip(parameters, given, strict=True):
            static = self.symbol(argument)
            if isinstance(static, (KindSymbol, FunctionSymbol)):
                frame.names[parameter.arg] = Static(static)
                continue
            value = self.pure(argument)
            wanted = (
                annotations.argument(parameter.annotation).type if parameter.annotation else None
            )
            if wanted is not None:
                value = self.fit(value, wanted, argument, f"`{parameter.arg}` of {function.name}")
            frame.names[parameter.arg] = Alias(value)

    def parameters(
        self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> list[ast.arg]:
        """Return a function's parameters, as many as the call gives."""
        parameters = function.node.args.args
        expected = len(parameters) - (1 if receiver is not None else 0)
        if expected < 0:  # a method without self, which is refused where it stands
            raise Refused
        if len(node.args) != expected or node.keywords:
            names = [p.arg for p in parameters[len(parameters) - expected :]]
            title = f"`{function.name}` takes {expected} argument{'' if expected == 1 else 's'}"
            hint = f"write `{function.name}({', '.join(names)})`"
            if function.role == "process":
                hint = f"write `start({', '.join([function.name, *names])})`"
            if node.keywords:
                title = f"`{function.name}` takes its arguments in order, not by name"
                at = keyword_span(self.frame.module.source, node.keywords[0])
                raise self.refuse_at("K055", title, at, "", hint)
            raise self.refuse("K055", title, node, f"{len(node.args)} given", hint)
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.unknown(argument)
        return parameters

    def returned(self, body: list[ast.stmt], function: FunctionSymbol) -> Expr:
        """Return the value that a function of assignments, `if` and `return` computes."""
        for number, statement in enumerate(body):
            match statement:
                case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                    pass
                case ast.Expr(value=ast.expr() as value) if not isinstance(value, ast.Call):
                    hint = "write `return` before it"
                    raise self.refuse("K063", "this value is not returned", statement, "", hint)
                case ast.Return(value=ast.expr() as value):
                    self.last = value
                    return self.pure(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._name_value(name, value, None)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._name_value(name, value, statement.annotation)
                case ast.If(test=test, body=then, orelse=other):
                    rest = body[number + 1 :]
                    names = dict(self.frame.names)
                    condition = self.condition(test)
                    if isinstance(condition, Const):
                        return self.returned(
                            [*(then if condition.value else other), *rest], function
                        )
                    yes = self.returned([*then, *rest], function)
                    self.frame.names = dict(names)
                    no = self.returned([*other, *rest], function)
                    self.frame.names = names
                    return self.either(condition, yes, no, test)
                case _:
                    raise self._more_than_computes(function, statement)
        raise self.refuse("K063", f"`{function.name}` returns no value", function.node)

    def _more_than_computes(self, function: FunctionSymbol, statement: ast.stmt) -> Refused:
        hint = "it may assign locals, decide by `if`, and return"
        if isinstance(statement, (ast.For, ast.While)):
            hint = "write a quantifier: `all`, `any`, `count` or `total` over the members"
        title, label = "a property computes a value, and does nothing else", ""
        if self.frame.at is not None:
            title = f"`{function.name}` is called in a condition: it can only compute a value"
            label = f"called at line {self.frame.at.line}"
        return self.refuse("K054", title, statement, label, hint)

    def annotations(self) -> Annotations:
        """Return what reads the annotations of the current function."""
        types: dict[str, Type] = {}
        for parameter in self.frame.function.node.args.args:
            match parameter.annotation, self.frame.names.get(parameter.arg):
                case ast.Subscript(slice=ast.Name(id=name)), Static(KindSymbol(name=kind)):
                    types[name] = Ref(kind)
                case ast.Name(id=name), Alias(value):
                    types[name] = value.type
                case ast.Name(id=name), (Local() | Place()) as place:
                    types[name] = place.type
        variables = self.frame.module.symbols
        generic = {n: t for n, t in types.items() if isinstance(variables.get(n), TypeVariable)}
        return Annotations(self.world.loader, self.frame.module, generic)

    def _name_value(self, name: str, node: ast.expr, annotation: ast.expr | None) -> None:
        """Give a local of a pure function its value."""
        self.frame.names[name] = Broken()
        with self.world.reporter.going_on():
            value = self.pure(node)
            if annotation is not None:
                value = self.fit(value, self.annotations().variable(annotation), node, f"`{name}`")
            self.frame.names[name] = Alias(value)
