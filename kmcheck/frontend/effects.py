"""Words and stores that change something: waits, checks, exchanges, starts."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.choosing import Choosing
from kmcheck.frontend.lock_classes import LockClasses
from kmcheck.frontend.scope import Place
from kmcheck.frontend.source import keyword_span
from kmcheck.frontend.symbols import FunctionSymbol
from kmcheck.frontend.vocabulary import EFFECTS
from kmcheck.ir.code import Assume, Check, Spawn
from kmcheck.ir.expr import Cond, Const, Expr, Load, Op, Var, walk
from kmcheck.ir.types import (
    BOOL,
    COUNTER,
    CPU,
    CPU_OR_NONE,
    PROCESS,
    VOID,
    ArrayOf,
    Counter,
    Function,
    Int,
    ListOf,
    Ref,
    Type,
    article,
)

NOTHING = Const(0, VOID, None)  # type: ignore[arg-type]


class Effects(Choosing):
    """Lowers words that change something."""

    def allocate(self, kind: str, node: ast.Call, *, zeroed: bool) -> Expr:
        """Return a new object."""
        raise NotImplementedError

    def free(self, thing: ast.expr, span: Span) -> None:
        """End the life of an object."""
        raise NotImplementedError

    def _effect(self, word: str, node: ast.Call) -> Expr:
        span = self.span(node)
        if self.in_ghost and word not in ("add", "min", "max", "len"):
            raise self.refuse("K044", f"`{word}` cannot stand in ghost code", node)
        if word != "start":
            self.refuse_keywords(word, node)
        match word, node.args:
            case "choose", _:
                return self.choose(node)
            case "may_fail", []:
                yes = ast.Constant(value=True)
                no = ast.Constant(value=False)
                options = ast.copy_location(
                    ast.Call(func=node.func, args=[no, yes], keywords=[]), node
                )
                return self.choose(ast.fix_missing_locations(options))
            case "wait_until", [condition, *label]:
                self._wait(condition, label, node)
                return NOTHING
            case "pause", [*label] if len(label) <= 1:
                self.builder.cut(span, self._text(label[0]) if label else "")
                return NOTHING
            case "check", [condition, kind, *message]:
                texts = [self._text(t) for t in (kind, *message)]
                self.check(condition, texts[0], texts[1] if len(texts) > 1 else "", node)
                return NOTHING
            case "takes_lock", [_, _, _] if self.dead:
                return NOTHING
            case "takes_lock", [held, lock, subclass]:
                for check in LockClasses(self.world).checks(
                    self.pure(held), self.pure(lock), self.pure(subclass), self.builder.calls, span
                ):
                    self.builder.emit(check)
                return NOTHING
            case "start", [process, *args]:
                return self._start(process, args, node)
            case "free", [thing]:
                self.free(thing, span)
                return NOTHING
            case "uninitialised", [kind]:
                self.world.learn(self.world.uninitialised, self.kind(kind))
                return self.allocate(self.kind(kind), node, zeroed=False)
            case "WRITE_ONCE", [place, value]:
                self.write(place, value, node, plain=False)
                return NOTHING
            case (
                "xchg" | "cmpxchg" | "test_and_set" | "test_and_clear" | "fetch_add" | "add_return"
            ) as name, [
                place,
                *values,
            ] if len(values) == _OPERANDS[name]:
                return self._exchange(name, place, values, node)
        if word in EFFECTS:
            raise self.misused(word, node)
        return self._word(word, node)

    def _text(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            hint = "write it in quotes, as it is to be shown"
            if isinstance(node, ast.JoinedStr):
                hint = "write it without the `f`: the trace shows the values"
            raise self.refuse("K065", "this is to be a plain string", node, "", hint)
        return node.value

    def _wait(self, condition: ast.expr, label: list[ast.expr], node: ast.Call) -> None:
        if self.role == "setup":
            hint = "begin with what it waits for, or wait in a process"
            raise self.refuse("K056", "setup cannot wait: no process runs yet", node, "", hint)
        note = self._text(label[0]) if label else ""
        self.builder.cut(self.span(node), note)
        self.builder.emit(Assume(self.condition(condition), self.span(node)))

    def check(self, condition: ast.expr, kind: str, message: str, node: ast.AST) -> None:
        """Emit a check of a condition, which may be over sizes."""
        test = self._checked(condition)
        things = [e.ref for e in walk(test) if isinstance(e, Load) and isinstance(e.ref, Var)]
        thing = things[0] if things and isinstance(things[0].type, Ref) else None
        self.builder.emit(Check(test, kind, message, thing, self.builder.calls, self.span(node)))

    def _checked(self, condition: ast.expr) -> Expr:
        if (
            isinstance(condition, ast.Compare)
            and len(condition.ops) == 1
            and self._only_looks(condition)
        ):
            whole = self.pure(condition)
            if not self.builder.atomic and self.shared_loads(whole) == 1:
                self.builder.cut(self.span(condition))
            if self.builder.atomic or self.shared_loads(whole) <= 1:
                return whole
        return self.test(condition)

    def _start(self, process: ast.expr, args: list[ast.expr], node: ast.Call) -> Expr:
        function = self.symbol(process)
        if not isinstance(function, FunctionSymbol) or function.role != "process":
            if isinstance(process, ast.Name) and function is None:
                self.pure(process)
            hint = "write `start(process, ...)`, with the name of a function marked @process"
            called = self.symbol(process.func) if isinstance(process, ast.Call) else None
            if isinstance(function, FunctionSymbol) and function.role == "function":
                hint = f"write `@process` above {function.name}"
            elif isinstance(called, FunctionSymbol) and isinstance(process, ast.Call):
                given = [called.name, *map(ast.unparse, [*process.args, *args])]
                hint = f"name the process, then what it takes: write `start({', '.join(given)})`"
            raise self.refuse("K066", "start takes a process", process, "", hint)
        for keyword in node.keywords:
            if keyword.arg != "cpu":
                at = keyword_span(self.frame.module.source, keyword)
                title = f"start has no option `{keyword.arg or '**'}`"
                hint = (
                    "there is one: `cpu`; what the process takes is given in order, without names"
                )
                raise self.refuse_at("K055", title, at, "", hint)
        if self.role != "setup" and "limit" not in function.options and not self.dead:
            hint = f"write `@process(limit=...)` above {function.name}"
            title = f"`{function.name}` is started while others run: how many may there be at once?"
            raise self.refuse("K067", title, process, "", hint)
        fake = ast.copy_location(ast.Call(func=process, args=args, keywords=[]), node)
        parameters = self.parameters(function, fake, None)
        annotations = Annotations(self.world.loader, function.module)
        values = []
        for parameter, argument in zip(parameters, args, strict=True):
            wanted = annotations.variable(parameter.annotation) if parameter.annotation else VOID
            values.append(
                self.fit(
                    self.held(argument), wanted, argument, f"`{parameter.arg}` of {function.name}"
                )
            )
        cpu: Expr | None = None
        if self.world.gates:
            cpu = Const(-1, CPU_OR_NONE, self.span(node))
        for keyword in node.keywords:
            cpu = self.fit(self.held(keyword.value), CPU, keyword.value, "cpu")
            self.world.learn(self.world.bound, function.key)
        if not self.dead:
            self.world.learn(self.world.started, function.key)
        elif not self.world.frozen:
            self.world.left_out.add(function.key)
        self.builder.cut(self.span(node))
        handle = self.builder.temporary(PROCESS)
        self.builder.emit(Spawn(function.key, tuple(values), cpu, handle, self.span(node)))
        return Var(handle, PROCESS, self.span(node))

    def _exchange(
        self, name: str, target: ast.expr, values: list[ast.expr], node: ast.Call
    ) -> Expr:
        span = self.span(node)
        place = self.field_place(target)
        operands = [self.held(v) for v in values]
        wanted: Type = place.type
        if name in ("test_and_set", "test_and_clear") and wanted != BOOL:
            label = f"this is {article(wanted)}"
            raise self.refuse("K040", f"{name} takes a bool", target, label)
        if name in ("fetch_add", "add_return") and not isinstance(wanted, Int):
            label = f"this is {article(wanted)}"
            raise self.refuse("K040", f"{name} takes an integer", target, label)
        operands = [self.fit(o, wanted, v, "this") for o, v in zip(operands, values, strict=True)]
        self.access(place, span, name)
        old = self.keep(self.load_of(place, span))
        match name:
            case "xchg":
                new: Expr = operands[0]
            case "cmpxchg":
                same = "same" if isinstance(wanted, Ref) else "eq"
                new = Cond(Op(same, (old, operands[0]), BOOL, span), operands[1], old, wanted, span)  # type: ignore[arg-type]
            case "test_and_set" | "test_and_clear":
                new = Const(int(name == "test_and_set"), BOOL, span)
            case _:
                new = self.arithmetic(ast.Add(), old, operands[0], node)
                if name == "add_return":
                    old = self.keep(new)
                    new = old
        self.store(place, new, node)
        return old

    def write(
        self, target: ast.expr, value: ast.expr, node: ast.AST, *, plain: bool = True
    ) -> None:
        """Store the value of one node to the place of another."""
        function = self.symbol(value)
        held: Expr = NOTHING if isinstance(function, FunctionSymbol) else self.held(value)
        place = self.field_place(target)
        if isinstance(function, FunctionSymbol):
            held = self.function_value(function, place, value)
        if isinstance(place.type, (ListOf, ArrayOf)) or place.type == COUNTER:
            title = f"{article(place.type)} is not assigned as a whole"
            raise self.refuse("K068", title, target, "", _CHANGED_BY[type(place.type)])
        held = self.fit(held, place.type, value, f"`{place.field}`")
        self.access(place, self.span(node), plain=plain)
        self.store(place, held, node)

    def function_value(self, function: FunctionSymbol, place: Place, node: ast.expr) -> Expr:
        """Return a function as the value of the field that it is stored in."""
        if not isinstance(place.type, Function):
            raise self.refuse(
                "K040", f"`{place.field}` holds no function", node, "this is a function"
            )
        self._refuse_misfit(function, place, place.type.key, node)
        if self.dead:
            self.world.pruned.add(function.key)
            return Const(0, place.type, self.span(node))
        return Const(
            self.world.function_code(place.type.key, function), place.type, self.span(node)
        )

    def _refuse_misfit(
        self, function: FunctionSymbol, place: Place, key: str, node: ast.expr
    ) -> None:
        """Refuse a function that is not what a field was declared to hold."""
        if function.role != "function":
            title = (
                f"`{function.name}` is a {function.role}: `{place.field}` holds a plain function"
            )
            raise self.refuse("K040", title, node)
        expected = self.world.signatures.get(key)
        if expected is None:
            return
        taken = len(function.node.args.args)
        if expected.parameters not in (None, taken):
            title = f"`{place.field}` is called with {_arguments(expected.parameters)}"
            raise self.refuse("K040", title, node, f"this takes {_arguments(taken)}")
        if function.node.returns is not None:
            module = function.module
            returned = Annotations(self.world.loader, module).argument(function.node.returns).type
            integers = isinstance(returned, Int) and isinstance(expected.returns, Int)
            if returned not in (None, expected.returns) and not integers:
                title = f"`{place.field}` is to return {article(expected.returns)}"
                raise self.refuse("K040", title, node, f"this returns {article(returned)}")


def _arguments(number: int | None) -> str:
    return f"{number} argument{'' if number == 1 else 's'}"


_CHANGED_BY: dict[type, str] = {
    ListOf: "write `.append(x)`, `.push(x)`, `.remove(x)`, `.pop()`, `.splice(other)`, `.clear()`",
    ArrayOf: "assign its elements: `x[i] = ...`",
    Counter: "write `.add(n)`, `.sub(n)`, `.move_to(other)`",
}
_OPERANDS = {
    "xchg": 1,
    "cmpxchg": 2,
    "test_and_set": 0,
    "test_and_clear": 0,
    "fetch_add": 1,
    "add_return": 1,
}
