"""Calls in a process's code: functions are inlined, calls through fields dispatch."""

from __future__ import annotations

import ast
from functools import lru_cache

from kmcheck.diagnostics import Span
from kmcheck.frontend.annotations import Annotations, Argument
from kmcheck.frontend.effects import NOTHING
from kmcheck.frontend.hints import function_wanted
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Frame, Local, Place, Static
from kmcheck.frontend.symbols import FunctionSymbol, GlobalSymbol, KindSymbol
from kmcheck.frontend.syntax import returns_in
from kmcheck.frontend.updates import Updates
from kmcheck.frontend.zero import zero_of
from kmcheck.ir.code import Assign, Call, Check
from kmcheck.ir.expr import And, Const, Expr, Load, Op, Var, walk
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import (
    BOOL,
    VOID,
    Function,
    Int,
    Ref,
    Type,
    Void,
    article,
)


class Calls(Updates):
    """Lowers calls."""

    def body(self, statements: list[ast.stmt]) -> None:
        """Lower statements."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> Expr:
        """Return the value of a call, after the steps that it takes."""
        word = self.word(node.func)
        if word:
            return self._effect(word, node)
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.unknown(argument)
        symbol = self.symbol(node.func)
        if isinstance(symbol, KindSymbol):
            return self.allocate(symbol.name, node, zeroed=True)
        if isinstance(symbol, FunctionSymbol):
            return self.inline(symbol, node, None)
        if isinstance(node.func, ast.Attribute):
            return self._method_call(node, node.func)
        if isinstance(node.func, ast.Name):
            function = self.pure(node.func)
            if isinstance(function.type, Function):
                return self._dispatch(function, function.type.key, node)
            raise self.refuse("K050", f"{article(function.type)} cannot be called", node.func)
        raise self.refuse("K050", "this cannot be called", node.func)

    def _method_call(self, node: ast.Call, target: ast.Attribute) -> Expr:
        name = target.attr
        holder = self._holder(target.value)
        if isinstance(holder, Place) and not isinstance(holder.type, (Ref, Function)):
            return self._update_place(holder, name, node)
        if isinstance(holder, Local):
            self.refuse_in_ghost(getattr(target.value, "id", ""), target.value)
            return self._update_local(holder, name, node)
        if isinstance(holder, Place):
            self.access(holder, self.span(target.value), plain=True)
            holder = self.hold(self.load_of(holder, self.span(target.value)))
        if isinstance(holder.type, Ref):
            info = self.world.kinds[holder.type.kind]
            if name in info.symbol.methods:
                return self.inline(info.symbol.methods[name], node, holder)
            if self.world.holds_functions(holder.type.kind, name):
                place = self.place(target, holder, name)
                assert isinstance(place, Place)
                assert isinstance(place.type, Function)
                self.access(place, self.span(target), plain=True)
                return self._dispatch(
                    self.keep(self.load_of(place, self.span(target))), place.type.key, node
                )
        return self.pure(node)

    def _dispatch(self, function: Expr, key: str, node: ast.Call) -> Expr:
        """Run whichever function a field holds."""
        span = self.span(node)
        kept = self.hold(function)
        done = self.builder.draft(span)
        signature = self.world.signatures.get(key)
        kind: Type = VOID if signature is None else signature.returns
        result = None if kind == VOID else self.builder.temporary(kind)
        for candidate in list(self.world.candidates.get(key, [])):
            code = Const(self.world.function_code(key, candidate), kept.type, span)
            yes, no = self.builder.draft(span), self.builder.draft(span)
            self.builder.branch(Op("eq", (kept, code), BOOL, span), yes, no, span)
            self.builder.at(yes)
            value = self.inline(candidate, node, None)
            if result is not None:
                self.builder.emit(
                    Assign(result, self.fit(value, kind, node, "what is returned"), span)
                )
            self.builder.jump(done)
            self.builder.at(no)
        name = key.rsplit(".", maxsplit=1)[-1]
        message = f"`{name}` is NULL and is called"
        self.builder.emit(
            Check(Const(0, BOOL, span), "null-deref", message, None, self.builder.calls, span)
        )
        self.builder.jump(done)
        self.builder.at(done)
        return NOTHING if result is None else Var(result, kind, span)

    def inline(self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None) -> Expr:
        """Run a function's code in place of the call; return what it returns."""
        self.refuse_recursion(function, node)
        if function.role not in ("function", "macro"):
            title = f"`{function.name}` is marked @{function.role}: it is not called"
            hint = f"write `start({function.name}, ...)`" if function.role == "process" else ""
            raise self.refuse("K070", title, node.func, "", hint)
        span = self.span(node)
        self.world.called.add(function.key)
        if not self.dead:
            self.world.make(function.key)
        self.world.met.add(function.key)
        assigned = _assigned(function.node)
        frame = Frame(function, function.module, assigned=assigned, caller=self.frame, at=span)
        arguments = self._bind_parameters(frame, function, node, receiver)
        returns, last = returns_in(function.node), function.node.body[-1]
        frame.exit = None if returns in ((), (last,)) else self.builder.draft(span)
        if function.node.returns is not None and frame.exit is not None:
            declared = Annotations(self.world.loader, function.module).argument(
                function.node.returns
            )
            frame.result_type = None if declared.type == VOID else declared.type
        self.builder.serial += 1
        module = function.module.source.module
        entry = Call(
            function.key, function.name, tuple(arguments), module, self.builder.serial, span
        )
        frame.entry = self.builder.place
        outer, calls = self.frame, self.builder.calls
        self.frame, self.builder.calls = frame, (*calls, entry)
        if self.role == "setup":  # what fails there is told by where it was called
            self.builder.jump_to_new(span)
        try:
            self.body(function.node.body)
        finally:
            self.frame, self.builder.calls = outer, calls
        if self.role == "setup":
            self.builder.jump_to_new(span)
        return self._leave(frame, entry)

    def _leave(self, frame: Frame, entry: Call) -> Expr:
        """Return a function's value, and put its locals out of scope."""
        span = entry.span
        value: Expr = NOTHING
        if frame.exit is not None:
            self.builder.jump(frame.exit)
            self.builder.at(frame.exit)
            if frame.result is not None and frame.result_type is not None:
                value = Var(frame.result, frame.result_type, span)
        elif frame.value is not None:
            value = frame.value
            own = set(frame.slots)
            if own and any(
                (isinstance(e, Var) and e.name in own) or isinstance(e, Load) for e in walk(value)
            ):
                self._note_result(value, entry)  # keeping it is when a replay sees it
                value = self.keep(value)
        self._note_result(value, entry)
        self.note_unset(frame, span)
        self.forget(frame.slots, span)
        if frame.broken and value.type == VOID and _returns_value(frame.function.node):
            raise Refused
        return value

    def _note_result(self, value: Expr, entry: Call) -> None:
        """Let a replay know the value of a call when it sees it; a constant is seen elsewhere."""
        if not isinstance(value, Const):
            self.builder.results.append((value, entry.serial))

    def note_unset(self, frame: Frame, span: Span) -> None:
        """Begin a function by marking the variables that it may read too early."""
        marks = [
            Assign(slot, Const(UNINITIALISED, self.builder.variables[slot], span), span)
            for slot in sorted(frame.unset)
        ]
        self.builder.insert(frame.entry, marks)

    def forget(self, slots: list[str], span: Span) -> None:
        """Reset variables that go out of scope."""
        for slot in slots:
            self.builder.emit(Assign(slot, zero_of(self.builder.variables[slot], span), span))

    def _bind_parameters(
        self, frame: Frame, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> list[Expr | str]:
        """Evaluate all arguments, then bind the parameters; return those that a trace shows."""
        parameters = self.parameters(function, node, receiver)
        given: list[ast.expr | Expr] = list(node.args)
        if receiver is not None:
            given = [receiver, *given]
        bound = [
            (parameter, self._argument(function, parameter, argument))
            for parameter, argument in zip(parameters, given, strict=True)
        ]
        shown: list[Expr | str] = []
        for parameter, binding in bound:
            frame.names[parameter.arg] = binding
            frame.sure.add(parameter.arg)
            if isinstance(binding, Place):
                shown.append(self.load_of(binding, self.span(node)))
            elif isinstance(binding, Static) and isinstance(binding.symbol, KindSymbol):
                shown.append(binding.symbol.name.partition("(")[0].rpartition(".")[2])
            elif isinstance(binding, Alias):
                shown.append(binding.value)
                if parameter.arg in frame.assigned:
                    self._own_parameter(frame, parameter, binding.value)
        return shown

    def _own_parameter(self, frame: Frame, parameter: ast.arg, value: Expr) -> None:
        """Give a parameter that the function assigns a variable of its own."""
        kind = self._parameter_type(frame.function, parameter).type or value.type
        local = self.declare(frame, parameter.arg, kind)
        self.builder.emit(Assign(local.slot, value, value.span))

    def _parameter_type(self, function: FunctionSymbol, parameter: ast.arg) -> Argument:
        if parameter.annotation is None:
            return Argument(None)
        return Annotations(self.world.loader, function.module).argument(parameter.annotation)

    def _argument(
        self, function: FunctionSymbol, parameter: ast.arg, argument: ast.expr | Expr
    ) -> Place | Static | Alias:
        """Evaluate one argument."""
        if not isinstance(argument, ast.expr):
            return Alias(argument)
        static = self.symbol(argument)
        if isinstance(static, (KindSymbol, FunctionSymbol)):
            return Static(static)
        places = (ast.Attribute, ast.Subscript, ast.Name)
        if function.role == "macro" and isinstance(argument, places):
            return self._macro_argument(argument)
        value = self.held(argument)
        wanted = self._parameter_type(function, parameter)
        what = f"`{parameter.arg}` of {function.name}"
        if wanted.static:
            hint = "write its name"
            if wanted.static == "function":
                hint = function_wanted(parameter)
            raise self.refuse("K071", f"{what} is to be a {wanted.static}", argument, "", hint)
        if wanted.object and not isinstance(value.type, (Ref, Void)):
            label = f"this is {article(value.type)}"
            raise self.refuse("K040", f"{what} is to be an object", argument, label)
        if wanted.type is None:
            return Alias(value)
        return Alias(self.ranged(self.fit(value, wanted.type, argument, what), wanted.type, what))

    def ranged(self, value: Expr, wanted: Type, what: str) -> Expr:
        """Return a value of a type, checked to be inside of its range, if it has one."""
        have = value.type
        if not isinstance(wanted, Int) or not isinstance(have, Int):
            return value
        if wanted.lo <= have.lo and have.hi <= wanted.hi:
            return value
        span, held = value.span, self.hold(value)
        low = Op("ge", (held, Const(wanted.lo, wanted, span)), BOOL, span)
        high = Op("le", (held, Const(wanted.hi, wanted, span)), BOOL, span)
        message = f"{what} is outside of its range {wanted.lo} to {wanted.hi}"
        inside = And((low, high), BOOL, span)
        self.builder.emit(Check(inside, "range", message, None, self.builder.calls, span))
        return held

    def _macro_argument(self, node: ast.expr) -> Place | Alias:
        """Return a macro's argument: a place if it names one, else its value."""
        if isinstance(node, ast.Name) and not isinstance(self.frame.names.get(node.id), Place):
            return Alias(self.held(node))
        named = self.symbol(node.value) if isinstance(node, ast.Attribute) else None
        if named is not None and not isinstance(named, GlobalSymbol):
            return Alias(self.held(node))
        place = self.place_of(node)
        return place if isinstance(place, Place) else Alias(place)

    def declare(self, frame: Frame, name: str, kind: Type) -> Local:
        """Return a new variable of a frame."""
        root = frame.caller is None
        slot = name if root else f"{name}@{frame.function.key}"
        while slot in self.builder.variables and (
            slot in frame.slots or self.builder.variables[slot] != kind
        ):
            slot += "'"
        self.builder.variables[slot] = kind
        frame.slots.append(slot)
        local = Local(slot, kind)
        frame.names[name] = local
        return local


def _returns_value(node: ast.FunctionDef) -> bool:
    """Tell whether a function returns anything."""
    return any(returned.value is not None for returned in returns_in(node))


@lru_cache(maxsize=1024)
def _assigned(node: ast.FunctionDef) -> frozenset[str]:
    """Return the names that a function's body assigns."""
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return frozenset(inner.id for inner in names if isinstance(inner.ctx, ast.Store))
