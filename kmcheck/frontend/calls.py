"""Calls in a process's code: words of the language, methods of values, inlined functions."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.annotations import Annotations, Argument
from kmcheck.frontend.pure import article
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Frame, Local, Place, Static
from kmcheck.frontend.steps import Steps
from kmcheck.frontend.symbols import FunctionSymbol, GlobalSymbol, KindSymbol
from kmcheck.ir.code import Alloc, Assign, Assume, Call, Check, Free, Spawn
from kmcheck.ir.expr import Cond, Const, Container, Embedded, Expr, LivesIn, Load, Op, Or, Var, walk
from kmcheck.ir.layout import UNINITIALISED
from kmcheck.ir.types import (
    BOOL,
    COUNTER,
    PROCESS,
    VOID,
    ArrayOf,
    Counter,
    Function,
    Int,
    ListOf,
    Ref,
    SetOf,
    Type,
)

NOTHING = Const(0, VOID, None)  # type: ignore[arg-type]


class Calls(Steps):
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
            return self._allocate(symbol.name, node, zeroed=True)
        if isinstance(symbol, FunctionSymbol):
            return self.inline(symbol, node, None)
        if isinstance(node.func, ast.Attribute):
            return self._method_call(node, node.func)
        if isinstance(node.func, ast.Name):
            function = self.pure(node.func)
            if isinstance(function.type, Function):
                return self._dispatch(function, function.type.key, node)
        raise self.refuse("K050", "this cannot be called", node)

    # --- words ----------------------------------------------------------------------------------

    def _effect(self, word: str, node: ast.Call) -> Expr:
        span = self.span(node)
        if self.in_ghost and word not in ("add", "min", "max", "len"):
            raise self.refuse("K044", f"`{word}` cannot stand in ghost code", node)
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
            case "start", [process, *args]:
                return self._start(process, args, node)
            case "free", [thing]:
                self.free(thing, span)
                return NOTHING
            case "uninitialised", [kind]:
                self.world.learn(self.world.uninitialised, self.kind(kind))
                return self._allocate(self.kind(kind), node, zeroed=False)
            case "WRITE_ONCE", [place, value]:
                self.write(place, value, node)
                return NOTHING
            case (
                "xchg" | "cmpxchg" | "test_and_set" | "test_and_clear" | "fetch_add" | "add_return"
            ) as name, [
                place,
                *values,
            ] if len(values) == _OPERANDS[name]:
                return self._exchange(name, place, values, node)
        return self._word(word, node)

    def _text(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self.refuse("K065", "this is to be a plain string", node, "", 'write "..."')
        return node.value

    def _wait(self, condition: ast.expr, label: list[ast.expr], node: ast.Call) -> None:
        if self.role == "setup":
            raise self.refuse("K056", "setup cannot wait: no process runs yet", node)
        note = self._text(label[0]) if label else ""
        self.builder.cut(self.span(node), note)
        self.builder.emit(Assume(self.condition(condition), self.span(node)))

    def check(self, condition: ast.expr, kind: str, message: str, node: ast.AST) -> None:
        """Emit a check of a condition, which may be over sizes."""
        test = self._checked(condition)
        things = [e.ref for e in walk(test) if isinstance(e, Load) and isinstance(e.ref, Var)]
        thing = things[0] if things and isinstance(things[0].type, Ref) else None
        self.builder.emit(Check(test, kind, message, thing, self.span(node)))

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
            hint = "mark it with @process" if isinstance(function, FunctionSymbol) else ""
            raise self.refuse("K066", "start takes a process", process, "", hint)
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
        cpu = None
        for keyword in node.keywords:
            if keyword.arg != "cpu":
                raise self.refuse(
                    "K055",
                    f"start has no option `{keyword.arg}`",
                    keyword.value,
                    "",
                    "there is: cpu",
                )
            cpu = self.fit(self.held(keyword.value), Int(0, 63), keyword.value, "cpu")
        if not self.dead:
            self.world.learn(self.world.started, function.key)
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
            raise self.refuse("K040", f"{name} takes a bool", target)
        if name in ("fetch_add", "add_return") and not isinstance(wanted, Int):
            raise self.refuse("K040", f"{name} takes an integer", target)
        operands = [self.fit(o, wanted, v, "this") for o, v in zip(operands, values, strict=True)]
        self.access(place, span)
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

    def write(self, target: ast.expr, value: ast.expr, node: ast.AST) -> None:
        """Store the value of one node to the place of another."""
        function = self.symbol(value)
        held: Expr = NOTHING if isinstance(function, FunctionSymbol) else self.held(value)
        place = self.field_place(target)
        if isinstance(function, FunctionSymbol):
            held = self.function_value(function, place, value)
        if isinstance(place.type, (ListOf, ArrayOf)) or place.type == COUNTER:
            raise self.refuse(
                "K068", "this is not assigned as a whole", target, "", "use its methods"
            )
        held = self.fit(held, place.type, value, f"`{place.field}`")
        self.access(place, self.span(node))
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

    # --- objects --------------------------------------------------------------------------------

    def _allocate(self, kind: str, node: ast.Call, *, zeroed: bool) -> Expr:
        span = self.span(node)
        info = self.world.kinds[kind]
        if self.role in ("property", "step"):
            raise self.refuse("K050", "a property allocates nothing", node)
        if zeroed and node.args:
            raise self.refuse(
                "K055",
                f"{kind} takes its fields by name",
                node.args[0],
                "",
                f"write `{kind}(field=...)`",
            )
        if self.role != "setup" and not self.dead:
            self.world.learn(self.world.allocated, kind)
            if info.limit is None:
                hint = f"write `class {info.symbol.node.name}(Object, limit=...)`"
                title = f"{kind} is allocated while processes run: how many may there be at once?"
                raise self.refuse("K069", title, node, "", hint)
        fields = []
        for keyword in node.keywords if zeroed else ():
            self.named_field(kind, keyword)
            name = str(keyword.arg)
            function = self.symbol(keyword.value)
            value = NOTHING if isinstance(function, FunctionSymbol) else self.held(keyword.value)
            fields.append((name, value, function, keyword.value))
        self.builder.cut(span)
        new = Var(self.builder.temporary(Ref(kind)), Ref(kind), span)
        hint = getattr(node, "kept_as", "")
        self.builder.emit(Alloc(new.name, kind, zeroed, hint, span))
        for name, value, function, at in fields:
            place = Place(new, kind, name, None, info.fields[name].type)
            if isinstance(function, FunctionSymbol):
                value = self.function_value(function, place, at)
            ghost, self.in_ghost = self.in_ghost, self.in_ghost or info.fields[name].ghost
            self.store(place, self.fit(value, place.type, at, f"`{name}` of {kind}"), at)
            self.in_ghost = ghost
        return new

    def free(self, thing: ast.expr, span: Span) -> None:
        """End the life of an object, after the hooks of its class and of all embedded in it."""
        value = self.held(thing)
        if not isinstance(value.type, Ref):
            raise self.refuse("K040", "only an object can be freed", thing)
        self.builder.cut(span)
        self._free_value(value, value.type.kind, thing, span)

    def _free_value(self, value: Expr, kind: str, thing: ast.expr, span: Span) -> None:
        owners = [
            (o, f)
            for o, i in self.world.kinds.items()
            for f, inner in i.embedded.items()
            if inner == kind
        ]
        done = self.builder.draft(span)
        for owner, name in owners:
            yes, no = self.builder.draft(span), self.builder.draft(span)
            self.builder.branch(LivesIn(value, owner, name, BOOL, span), yes, no, span)
            self.builder.at(yes)
            container = self.keep(Container(value, owner, name, Ref(owner), span))
            self._free_value(container, owner, thing, span)
            self.builder.jump(done)
            self.builder.at(no)
        self._free_whole(value, kind, thing, span)
        self.builder.jump(done)
        self.builder.at(done)

    def _free_whole(self, value: Expr, kind: str, thing: ast.expr, span: Span) -> None:
        hooks = self._hooks(kind, value)
        if hooks:
            null = Op("same", (value, Const(0, value.type, span)), BOOL, span)
            fresh = Or((null, Op("is_alive", (value,), BOOL, span)), BOOL, span)
            self.builder.emit(
                Check(fresh, "double-free", f"{kind} is freed a second time", value, span)
            )
            self.builder.atomic += 1
            for hook, receiver in hooks:
                fake = ast.copy_location(ast.Call(func=thing, args=[], keywords=[]), thing)
                self.inline(hook, fake, receiver)
            self.builder.atomic -= 1
        self.builder.emit(Free(value, kind, span))

    def _hooks(self, kind: str, value: Expr) -> list[tuple[FunctionSymbol, Expr]]:
        info = self.world.kinds[kind]
        found = (
            [(info.symbol.methods["on_free"], value)] if "on_free" in info.symbol.methods else []
        )
        for name, inner in info.embedded.items():
            address = Embedded(value, kind, name, Ref(inner), value.span)
            found += self._hooks(inner, address)
        return found

    # --- methods --------------------------------------------------------------------------------

    def _method_call(self, node: ast.Call, target: ast.Attribute) -> Expr:
        name = target.attr
        holder = self._holder(target.value)
        if isinstance(holder, Place) and not isinstance(holder.type, (Ref, Function)):
            return self._update_place(holder, name, node)
        if isinstance(holder, Local):
            return self._update_local(holder, name, node)
        if isinstance(holder, Place):
            self.access(holder, self.span(target.value))
            holder = self.hold(self.load_of(holder, self.span(target.value)))
        if isinstance(holder.type, Ref):
            info = self.world.kinds[holder.type.kind]
            if name in info.symbol.methods:
                return self.inline(info.symbol.methods[name], node, holder)
            if self.world.holds_functions(holder.type.kind, name):
                place = self.place(target, holder, name)
                assert isinstance(place, Place)
                assert isinstance(place.type, Function)
                self.access(place, self.span(target))
                return self._dispatch(
                    self.keep(self.load_of(place, self.span(target))), place.type.key, node
                )
        return self.pure(node)

    def _holder(self, node: ast.expr) -> Place | Local | Expr:
        """Return what a method is called on: a place in memory, a local set, or a value."""
        match node:
            case ast.Attribute() | ast.Subscript():
                return self.place_of(node)
            case ast.Name(id=name):
                binding = self.frame.names.get(name)
                if isinstance(binding, Place) or (
                    isinstance(binding, Local) and isinstance(binding.type, SetOf)
                ):
                    return binding
        return self.held(node)

    def _update_local(self, local: Local, name: str, node: ast.Call) -> Expr:
        current = Var(local.slot, local.type, self.span(node))
        changed, result = self._changed(current, local.type, name, node)
        self.builder.emit(Assign(local.slot, changed, self.span(node)))
        return result

    def _update_place(self, place: Place, name: str, node: ast.Call) -> Expr:
        span = self.span(node)
        info = self.world.kinds[place.kind].fields[place.field]
        if isinstance(place.type, ListOf) and name == "splice" and len(node.args) == 1:
            return self._splice(place, node)
        if isinstance(place.type, Counter) and name == "move_to" and len(node.args) == 1:
            return self._move(place, node)
        operands = [self.held(a) for a in node.args]
        self.access(place, span)
        current: Expr = self.load_of(place, span)
        if name == "pop":
            current = self.keep(current)
        changed, result = self._changed(current, info.type, name, node, operands)
        self.store(place, changed, node)
        return result

    def _changed(
        self,
        current: Expr,
        kind: Type,
        name: str,
        node: ast.Call,
        operands: list[Expr] | None = None,
    ) -> tuple[Expr, Expr]:
        """Return what a value becomes by a method, and what the method returns."""
        span = self.span(node)
        values = operands if operands is not None else [self.held(a) for a in node.args]
        if (
            isinstance(kind, (SetOf, ListOf))
            and name in _MEMBER_OPS[type(kind)]
            and len(values) == 1
        ):
            member = self.fit(values[0], kind.element, node.args[0], f"what .{name}() takes")
            return Op(_MEMBER_OPS[type(kind)][name], (current, member), kind, span), NOTHING  # type: ignore[arg-type]
        match kind, name, values:
            case SetOf(), "update", [other]:
                return Op(
                    "union", (current, self.fit(other, kind, node.args[0], "this")), kind, span
                ), NOTHING
            case SetOf(), "clear", []:
                return Const(0, kind, span), NOTHING
            case ListOf(), "clear", []:
                return Const((), kind, span), NOTHING
            case ListOf(element=element), "pop", []:
                first = Op("list_first", (current,), element, span)
                return Op("list_rest", (current,), kind, span), self.hold(first)
            case Counter(), ("add" | "sub") as way, [amount]:
                form = self.fit(amount, COUNTER, node.args[0], f"what .{way}() takes")
                return Op(
                    "form_add" if way == "add" else "form_sub", (current, form), COUNTER, span
                ), NOTHING
        self.pure(node)
        raise self.refuse("K055", f"`.{name}()` is called with other arguments", node)

    def _splice(self, place: Place, node: ast.Call) -> Expr:
        source = self.field_place(node.args[0])
        if source.type != place.type:
            raise self.refuse("K040", "splice takes a list of the same type", node.args[0])
        span = self.span(node)
        self.access(place, span)
        items = self.keep(self.load_of(source, span))
        self.store(source, Const((), source.type, span), node)
        self.store(
            place, Op("list_concat", (self.load_of(place, span), items), place.type, span), node
        )
        return NOTHING

    def _move(self, place: Place, node: ast.Call) -> Expr:
        target = self.field_place(node.args[0])
        if target.type != COUNTER:
            raise self.refuse("K040", "move_to takes a Counter", node.args[0])
        span = self.span(node)
        self.access(place, span)
        form = self.keep(self.load_of(place, span))
        self.store(place, Const(0, COUNTER, span), node)
        self.store(target, Op("form_add", (self.load_of(target, span), form), COUNTER, span), node)
        return NOTHING

    # --- inlining -------------------------------------------------------------------------------

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
        self.builder.emit(Check(Const(0, BOOL, span), "null-deref", message, None, span))
        self.builder.jump(done)
        self.builder.at(done)
        return NOTHING if result is None else Var(result, kind, span)

    def inline(self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None) -> Expr:
        """Run a function's code in place of the call; return what it returns."""
        self._refuse_recursion(function, node)
        if function.role not in ("function", "macro"):
            raise self.refuse(
                "K070", f"`{function.name}` is a {function.role}: it is not called", node
            )
        span = self.span(node)
        self.world.called.add(function.key)
        self.world.met.add(function.key)
        assigned = frozenset(_assigned(function.node))
        frame = Frame(function, function.module, assigned=assigned, caller=self.frame, at=span)
        arguments = self._bind_parameters(frame, function, node, receiver)
        returns = [n for n in ast.walk(function.node) if isinstance(n, ast.Return)]
        last = function.node.body[-1]
        frame.exit = None if returns in ([], [last]) else self.builder.draft(span)
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
        try:
            self.body(function.node.body)
        finally:
            self.frame, self.builder.calls = outer, calls
        return self._leave(frame, span)

    def _leave(self, frame: Frame, span: Span) -> Expr:
        """Return a function's value, and put its locals out of scope."""
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
                value = self.keep(value)
        self.note_unset(frame, span)
        self.forget(frame.slots, span)
        if frame.broken and value.type == VOID and _returns_value(frame.function.node):
            raise Refused
        return value

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

    def _refuse_recursion(self, function: FunctionSymbol, node: ast.AST) -> None:
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.function == function:
                hint = "write a loop; what may run later is queued as work"
                raise self.refuse(
                    "K062", f"`{function.name}` calls itself: there is no recursion", node, "", hint
                )
            frame = frame.caller

    def _bind_parameters(
        self, frame: Frame, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> list[Expr]:
        """Evaluate all arguments, then bind the parameters; return those that a trace shows."""
        parameters = self.parameters(function, node, receiver)
        given: list[ast.expr | Expr] = list(node.args)
        if receiver is not None:
            given = [receiver, *given]
        bound = [
            (parameter, self._argument(function, parameter, argument))
            for parameter, argument in zip(parameters, given, strict=True)
        ]
        shown: list[Expr] = []
        for parameter, binding in bound:
            frame.names[parameter.arg] = binding
            frame.sure.add(parameter.arg)
            if isinstance(binding, Place):
                shown.append(self.load_of(binding, self.span(node)))
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
            raise self.refuse("K071", f"{what} is a {wanted.static}", argument)
        return Alias(value if wanted.type is None else self.fit(value, wanted.type, argument, what))

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


def zero_of(kind: Type, span: Span) -> Const:
    """Return what a variable of a type holds before it is assigned."""
    match kind:
        case ListOf():
            return Const((), kind, span)
        case ArrayOf(element=element, length=length):
            one = zero_of(element, span).value
            return Const(tuple([int(one)] * length), kind, span)  # type: ignore[arg-type]
        case Int(lo=lo, hi=hi):
            return Const(min(max(0, lo), hi), kind, span)
        case _:
            return Const(0, kind, span)


def _arguments(number: int | None) -> str:
    return f"{number} argument{'' if number == 1 else 's'}"


def _returns_value(node: ast.FunctionDef) -> bool:
    """Tell whether a function returns anything."""
    return any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))


def _assigned(node: ast.FunctionDef) -> set[str]:
    """Return the names that a function's body assigns."""
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
    return names


_OPERANDS = {
    "xchg": 1,
    "cmpxchg": 2,
    "test_and_set": 0,
    "test_and_clear": 0,
    "fetch_add": 1,
    "add_return": 1,
}
_MEMBER_OPS: dict[type, dict[str, str]] = {
    SetOf: {"add": "with", "discard": "without", "remove": "remove"},
    ListOf: {"append": "list_append", "push": "list_push", "remove": "list_remove"},
}
