"""Statements in a process's code."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.calls import Calls, zero_of
from kmcheck.frontend.scope import Alias, Local, Loop, Place
from kmcheck.frontend.symbols import Broken, EnumSymbol, KindSymbol
from kmcheck.ir.code import Assign, Choose, Instruction, Store
from kmcheck.ir.expr import Const, Element, Expr, Op, Self, Var, walk
from kmcheck.ir.types import BOOL, INT16, VOID, ArrayOf, Counter, Int, ListOf, Ref, SetOf, Type


class Statements(Calls):
    """Lowers statements."""

    def body(self, statements: list[ast.stmt]) -> None:
        """Lower statements, going on behind those that are refused."""
        for statement in statements:
            with self.world.reporter.going_on():
                self._statement(statement)
                continue
            self._recover(statement)

    def _recover(self, statement: ast.stmt) -> None:
        """Go on with what a refused statement has inside, and with the names that it assigns."""
        self.frame.broken = True
        if isinstance(statement, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            if isinstance(statement, ast.For):
                self._break_names(statement.target)
            self.dead += 1
            self.frame.loops.append(Loop(0, 0))
            self.body(_inside(statement))
            self.frame.loops.pop()
            self.dead -= 1
        self._break_names(statement)

    def _break_names(self, statement: ast.AST) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.frame.names.setdefault(node.id, Broken())

    def _statement(self, node: ast.stmt) -> None:
        mark = self.builder.mark()
        if self.builder.ended:
            self.builder.at(self.builder.draft(self.span(node)))
        ghost = not self.in_ghost and self._writes_ghost(node)
        if ghost:
            self._enter_ghost()
        try:
            self._lower(node)
        finally:
            if ghost:
                self._leave_ghost()
        if not (isinstance(node, ast.Return) and self.frame.exit is None):
            self.builder.release(mark)

    def _lower(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value, None, node)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                kind = Annotations(self.world.loader, self.frame.module).variable(annotation)
                self._annotated(target, value, kind, node)
            case ast.AugAssign(target=target, op=op, value=value):
                self._augmented(target, op, value, node)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(test, body, orelse, node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.With():
                self._with(node)
            case ast.Return(value=value):
                self._return(value, node)
            case ast.Break() | ast.Continue():
                if not self.frame.loops:
                    raise self.refuse("K072", "this stands outside of a loop", node)
                loop = self.frame.loops[-1]
                self.builder.jump(loop.out if isinstance(node, ast.Break) else loop.again)
                if isinstance(node, ast.Break):
                    loop.left_with.append(set(self.frame.sure))
            case ast.Assert(test=test, msg=message):
                text = self._text(message) if message is not None else ast.unparse(test)
                self.check(test, "assertion", text, node)
            case _:
                raise self._unknown_statement(node)

    def _unknown_statement(self, node: ast.stmt) -> Exception:
        name = type(node).__name__
        hints = {
            "Try": "there are no exceptions: return what happened",
            "Raise": "there are no exceptions: `assert`, or `check(...)`",
            "Delete": "an object is freed with `free(x)`, a member taken out with `.remove(x)`",
            "Global": "globals are objects: write to their fields",
            "Nonlocal": "return the value",
            "FunctionDef": "define functions at the top level",
            "ClassDef": "define classes at the top level",
            "Import": "import at the top of the file",
            "ImportFrom": "import at the top of the file",
            "Match": "write `if` and `elif`",
            "Expr": "a statement calls, assigns or controls",
            "Assign": "assign one name at a time",
        }
        what = {"Expr": "a bare expression", "Assign": "a chain of assignments", "FunctionDef": "a nested function",
                "ClassDef": "a nested class", "ImportFrom": "an import"}.get(name, f"`{name.lower()}`")  # fmt: skip
        return self.refuse(
            "K046", f"{what} is not in the spec language here", node, "", hints.get(name, "")
        )

    # --- assignments ----------------------------------------------------------------------------

    def _annotated(
        self, target: ast.expr, value: ast.expr | None, kind: Type, node: ast.stmt
    ) -> None:
        if value is not None:
            self._assign(target, value, kind, node)
        elif isinstance(target, ast.Name):
            self.declare(self.frame, target.id, kind)

    def _assign(self, target: ast.expr, value: ast.expr, kind: Type | None, node: ast.stmt) -> None:
        match target:
            case ast.Name(id=name):
                self._assign_name(name, value, kind, node)
            case ast.Attribute() | ast.Subscript():
                if self._is_global_name(target):
                    raise self.refuse("K041", "a class's field is set on an object", target)
                self.write(target, value, node)
            case ast.Tuple() | ast.List():
                raise self.refuse(
                    "K046", "unpacking is not in the spec language", target, "", "assign one by one"
                )
            case _:
                raise self.refuse("K064", "this cannot be assigned to", target)

    def _is_global_name(self, target: ast.expr) -> bool:
        named = self.symbol(target.value) if isinstance(target, ast.Attribute) else None
        return isinstance(named, (KindSymbol, EnumSymbol))

    def _assign_name(
        self, name: str, node_value: ast.expr, kind: Type | None, node: ast.stmt
    ) -> None:
        if (
            self.in_ghost
            and self.role != "setup"
            and not isinstance(self.frame.names.get(name), Alias)
        ):
            self._ghost_local(name, node_value, kind)
            return
        if isinstance(node_value, ast.Call):
            node_value.kept_as = name  # type: ignore[attr-defined]
        value = self.value(node_value)
        binding = self.frame.names.get(name)
        if isinstance(binding, Place):
            raise self.refuse(
                "K064",
                f"`{name}` is a macro's argument",
                node,
                "",
                f"write `WRITE_ONCE({name}, ...)`",
            )
        if not isinstance(binding, Local):
            if kind is None and self._constant_alias(name, value):
                self.frame.names[name] = Alias(value)
                self.frame.sure.add(name)
                return
            binding = self.declare(self.frame, name, kind or self._natural(value, name, node_value))
        fitting = self.fit(value, binding.type, node_value, f"`{name}`")
        self.builder.emit(Assign(binding.slot, fitting, self.span(node)))
        self.frame.sure.add(name)

    def _ghost_local(self, name: str, value: ast.expr, kind: Type | None) -> None:
        if isinstance(self.frame.names.get(name), Local):
            hint = "give it a name of its own"
            raise self.refuse("K044", f"ghost code cannot change `{name}`", value, "", hint)
        kept = self.keep(self.value(value))
        self.frame.names[name] = Alias(
            kept if kind is None else self.fit(kept, kind, value, f"`{name}`")
        )
        self.builder.busy.pop()

    def _constant_alias(self, name: str, value: Expr) -> bool:
        """Tell whether a name can stand for its value: an address that is the same for ever."""
        once = _times_stored(self.frame.function.node, name) == 1
        return once and isinstance(value, Element) and isinstance(value.index, (Const, Self))

    def _natural(self, value: Expr, name: str, node: ast.expr) -> Type:
        if value.type == VOID:
            hint = f"write `{name}: Type | None = None`"
            raise self.refuse("K073", f"what type has `{name}`?", node, "None says nothing", hint)
        if isinstance(value.type, SetOf) and value.type.element == VOID:
            hint = f"write `{name}: SetOf[Type] = SetOf()`"
            raise self.refuse(
                "K073", f"what type has `{name}`?", node, "an empty set says nothing", hint
            )
        return INT16 if isinstance(value.type, Int) else value.type

    def _augmented(
        self, target: ast.expr, op: ast.operator, value: ast.expr, node: ast.stmt
    ) -> None:
        span = self.span(node)
        if isinstance(target, ast.Name):
            local = self.frame.names.get(target.id)
            if not isinstance(local, Local):
                self.pure(target)
                raise self.refuse("K064", f"`{target.id}` cannot be changed here", target)
            before = self.variable(target.id, local, span)
            result = self.arithmetic(op, before, self.value(value), node)
            self.builder.emit(
                Assign(local.slot, self.fit(result, local.type, node, f"`{target.id}`"), span)
            )
            self.frame.sure.add(target.id)
            return
        place = self.field_place(target)
        if isinstance(place.type, Counter):
            raise self.refuse(
                "K068", "a Counter has methods", node, "", "write `.add(n)`, `.sub(n)`"
            )
        self.access(place, span)
        operand: Expr | None = None
        if self.builder.atomic:
            current = self.hold(self.load_of(place, span))
        else:
            current = self.keep(self.load_of(place, span))
            operand = self.held(value)
        changed = self.arithmetic(op, current, operand or self.value(value), node)
        fitting = self.fit(changed, place.type, node, f"`{place.field}`")
        self.access(place, span)
        self.store(place, fitting, node)

    # --- control flow ---------------------------------------------------------------------------

    def _if(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt
    ) -> None:
        span = self.span(node)
        condition = self.test(test)
        yes, no, done = (self.builder.draft(span) for _ in range(3))
        if isinstance(condition, Const):
            self._fixed(
                body if condition.value else orelse,
                orelse if condition.value else body,
                yes,
                no,
                done,
            )
            return
        self.builder.branch(condition, yes, no, self.span(test))
        names, sure = dict(self.frame.names), set(self.frame.sure)
        self.builder.at(yes)
        self.body(body)
        after, then = self.frame.names, None if self.builder.ended else self.frame.sure
        self.builder.jump(done)
        kept = {n: b for n, b in after.items() if isinstance(b, (Local, Broken))}
        self.frame.names, self.frame.sure = {**names, **kept}, set(sure)
        self.builder.at(no)
        self.body(orelse)
        other = None if self.builder.ended else self.frame.sure
        self.builder.jump(done)
        self.frame.names = {**after, **self.frame.names}
        self.frame.sure = _both(then, other)
        self.builder.at(done)

    def _fixed(
        self, taken: list[ast.stmt], other: list[ast.stmt], yes: int, no: int, done: int
    ) -> None:
        """Lower an `if` that a choice decides: the other arm is checked, and never run."""
        self.builder.jump(yes)
        self.builder.at(no)
        names, sure = dict(self.frame.names), set(self.frame.sure)
        self.dead += 1
        self.body(other)
        self.dead -= 1
        self.frame.names, self.frame.sure = names, sure
        self.builder.jump(done)
        self.builder.at(yes)
        self.body(taken)
        self.builder.jump(done)
        self.builder.at(done)

    def _loop_head(self, span: Span) -> int:
        self.builder.jump_to_new(span)
        self.builder.here.loop_head = not self.builder.atomic
        return self.builder.current

    def _while(self, node: ast.While) -> None:
        if node.orelse:
            raise self.refuse(
                "K046", "`else` of a loop is not in the spec language", node.orelse[0]
            )
        span = self.span(node.test)
        head = self._loop_head(span)
        mark = self.builder.mark()
        condition = self.test(node.test)
        inside, out = self.builder.draft(span), self.builder.draft(span)
        if isinstance(condition, Const):
            self.builder.jump(inside if condition.value else out)
        else:
            self.builder.branch(condition, inside, out, span)
        self.builder.release(mark)
        endless = isinstance(condition, Const) and bool(condition.value)
        self._loop_body(node.body, head, inside, out, endless=endless)

    def _loop_body(
        self,
        body: list[ast.stmt],
        again: int,
        inside: int,
        out: int,
        variable: str = "",
        *,
        endless: bool = False,
    ) -> None:
        self.builder.at(inside)
        loop = Loop(again, out)
        self.frame.loops.append(loop)
        sure = set(self.frame.sure)
        self.body(body)
        self.frame.loops.pop()
        self.frame.sure = sure - ({variable} if variable else set())
        if endless and loop.left_with:
            self.frame.sure = set.intersection(*loop.left_with)
        self.builder.jump(again)
        self.builder.at(out)

    # --- for ------------------------------------------------------------------------------------

    def _for(self, node: ast.For) -> None:
        if node.orelse:
            raise self.refuse(
                "K046", "`else` of a loop is not in the spec language", node.orelse[0]
            )
        if not isinstance(node.target, ast.Name):
            raise self.refuse("K046", "a loop has one variable", node.target)
        mark = self.builder.mark()
        if isinstance(node.iter, ast.Call) and self.word(node.iter.func) == "range":
            self._for_range(node, node.target.id, node.iter)
        elif isinstance(node.iter, ast.Call) and self.word(node.iter.func) == "each":
            self._for_each(node, node.target.id, node.iter)
        else:
            self._for_members(node, node.target.id)
        self.builder.release(mark)

    def _loop_variable(self, name: str, kind: Type, node: ast.For) -> Local:
        binding = self.frame.names.get(name)
        self.frame.sure.add(name)
        if isinstance(kind, Int) and _times_stored(self.frame.function.node, name) > 1:
            kind = INT16
        if isinstance(binding, Local) and binding.type == kind:
            return binding
        if isinstance(binding, (Local, Alias, Place)) and name != "_":
            raise self.refuse(
                "K040", f"`{name}` has another type already", node.target, "", "choose another name"
            )
        return self.declare(self.frame, name, kind)

    def _for_range(self, node: ast.For, name: str, call: ast.Call) -> None:
        span = self.span(node.iter)
        if not 1 <= len(call.args) <= 3:  # noqa: PLR2004
            raise self.refuse("K055", "range takes one to three arguments", call)
        ends = [self.fit(self.held(a), INT16, a, "what range takes") for a in call.args]
        first: Expr = Const(0, Int(0, 0), span) if len(ends) == 1 else ends[0]
        last = ends[0] if len(ends) == 1 else ends[1]
        stride = ends[2] if len(ends) == 3 else Const(1, Int(1, 1), span)  # noqa: PLR2004
        if not isinstance(stride, Const) or not isinstance(stride.value, int) or stride.value == 0:
            raise self.refuse(
                "K055", "the stride is to be a constant other than zero", call.args[-1]
            )
        counter = self.builder.temporary(INT16)
        local = self._loop_variable(name, self._range_type(first, last), node)
        self.builder.emit(Assign(counter, first, span))
        self.builder.jump_to_new(span)
        head = self.builder.current
        inside, again, out = (self.builder.draft(span) for _ in range(3))
        current = Var(counter, INT16, span)
        order: ast.cmpop = ast.Lt() if stride.value > 0 else ast.Gt()
        self.builder.branch(self.comparison([order], [current, last], node.iter), inside, out, span)
        self.builder.at(inside)
        self.builder.emit(Assign(local.slot, current, span))
        self._loop_body(node.body, again, self.builder.current, out, name)
        self.builder.at(again)
        self.builder.emit(Assign(counter, self.arithmetic(ast.Add(), current, stride, node), span))
        self.builder.jump(head)
        self.builder.at(out)

    def _range_type(self, first: Expr, last: Expr) -> Type:
        assert isinstance(first.type, Int)
        assert isinstance(last.type, Int)
        lo, hi = min(first.type.lo, last.type.lo), max(first.type.hi, last.type.hi)
        return Int(lo, max(lo, hi))

    def _for_each(self, node: ast.For, name: str, call: ast.Call) -> None:
        span = self.span(node.iter)
        if not self.builder.atomic:
            raise self.refuse(
                "K074", "`each` is one step", node.iter, "", "put it into `with atomic():`"
            )
        if len(call.args) != 1:
            raise self.refuse(
                "K055", "`each` takes a set", call, "", "write `for x in each(group):`"
            )
        rest = self.builder.temporary(self._set_type(call.args[0]))
        group = self.value(call.args[0])
        assert isinstance(group.type, SetOf)
        self.builder.emit(Assign(rest, group, span))
        left = Var(rest, group.type, span)
        head = self._loop_head(span)
        inside, out = self.builder.draft(span), self.builder.draft(span)
        self.builder.branch(self.as_condition(left, node.iter), inside, out, span)
        self.builder.at(inside)
        local = self._loop_variable(name, group.type.element, node)
        member = Var(local.slot, local.type, span)
        self.builder.emit(Assign(local.slot, Op("lowest", (left,), group.type.element, span), span))
        self.builder.emit(Assign(rest, Op("without", (left, member), group.type, span), span))
        first = len(self.builder.drafts)
        own = len(self.builder.here.instructions)
        entry = self.builder.here
        self._loop_body(node.body, head, self.builder.current, out, name)
        written = entry.instructions[own:] + [
            i for d in self.builder.drafts[first:] for i in d.instructions
        ]
        self._refuse_order(written, local.slot, node)

    def _set_type(self, node: ast.expr) -> Type:
        value = self.pure(node)
        if not isinstance(value.type, SetOf):
            raise self.refuse("K074", "`each` takes a set", node)
        return value.type

    def _refuse_order(self, written: list[Instruction], slot: str, node: ast.For) -> None:
        """Refuse a parallel loop in which the order of its members could matter."""
        for instruction in written:
            if not isinstance(instruction, Store):
                continue
            roots = [e for e in walk(instruction.ref) if isinstance(e, Var)]
            if not roots or any(v.name != slot for v in roots):
                hint = f"write only to fields of `{getattr(node.target, 'id', '')}`, or loop without `each`"
                raise self.world.reporter.report(
                    "K075",
                    "`each` runs for all members at once",
                    instruction.span,
                    "this is not the member's own",
                    hint,
                )

    def _for_members(self, node: ast.For, name: str) -> None:
        holder = (
            self._holder(node.iter) if not isinstance(node.iter, ast.Call) else self.held(node.iter)
        )
        if isinstance(holder, Place) and isinstance(holder.type, ListOf):
            self._walk_list(node, name, holder, holder.type)
        elif isinstance(holder, Place) and isinstance(holder.type, ArrayOf):
            self._walk_array(node, name, holder, holder.type)
        elif (
            isinstance(holder, Place) and isinstance(holder.type, SetOf) and not self.builder.atomic
        ):
            self._take_shared(node, name, holder, holder.type)
        else:
            group: Expr
            if isinstance(holder, Place):
                group = self.load_of(holder, self.span(node.iter))
            else:
                group = (
                    Var(holder.slot, holder.type, self.span(node.iter))
                    if isinstance(holder, Local)
                    else holder
                )
            if not isinstance(group.type, SetOf):
                hint = "a set, a list, an array or a range can be"
                raise self.refuse("K060", "this cannot be looped over", node.iter, "", hint)
            self._take_members(node, name, group, group.type)

    def _take_members(self, node: ast.For, name: str, group: Expr, kind: SetOf) -> None:
        """Loop over a set as it is now, in every order."""
        span = self.span(node.iter)
        if self.shared_loads(group):
            self.builder.cut(span)
        rest = self.builder.temporary(kind)
        self.builder.emit(Assign(rest, group, span))
        left = Var(rest, kind, span)
        head = self._loop_head(span)
        inside, out = self.builder.draft(span), self.builder.draft(span)
        self.builder.branch(self.as_condition(left, node.iter), inside, out, span)
        self.builder.at(inside)
        local = self._loop_variable(name, kind.element, node)
        self.builder.emit(Choose(local.slot, left, span))
        taken = Op("without", (left, Var(local.slot, local.type, span)), kind, span)
        self.builder.emit(Assign(rest, taken, span))
        self._loop_body(node.body, head, self.builder.current, out, name)

    def _take_shared(self, node: ast.For, name: str, place: Place, kind: SetOf) -> None:
        """Loop over a set that others may change meanwhile: each turn looks at it anew."""
        span = self.span(node.iter)
        seen, left = self.builder.temporary(kind), self.builder.temporary(kind)
        self.builder.emit(Assign(seen, Const(0, kind, span), span))
        head = self._loop_head(span)
        self.access(place, span)
        visited = Var(seen, kind, span)
        self.builder.emit(
            Assign(left, Op("minus", (self.load_of(place, span), visited), kind, span), span)
        )
        inside, out = self.builder.draft(span), self.builder.draft(span)
        self.builder.branch(self.as_condition(Var(left, kind, span), node.iter), inside, out, span)
        self.builder.at(inside)
        local = self._loop_variable(name, kind.element, node)
        self.builder.emit(Choose(local.slot, Var(left, kind, span), span))
        self.builder.emit(
            Assign(seen, Op("with", (visited, Var(local.slot, local.type, span)), kind, span), span)
        )
        self._loop_body(node.body, head, self.builder.current, out, name)

    def _walk_list(self, node: ast.For, name: str, place: Place, kind: ListOf) -> None:
        """Walk a list as list_for_each_entry does."""
        span = self.span(node.iter)
        local = self._loop_variable(name, kind.element, node)
        member = Var(local.slot, local.type, span)
        self.access(place, span)
        self.builder.emit(
            Assign(
                local.slot, Op("list_first", (self.load_of(place, span),), kind.element, span), span
            )
        )
        head = self._loop_head(span)
        inside, again, out = (self.builder.draft(span) for _ in range(3))
        self.builder.branch(self.as_condition(member, node.iter), inside, out, span)
        self._loop_body(node.body, again, inside, out, name)
        self.builder.at(again)
        self.access(place, span)
        behind = Op("list_after", (self.load_of(place, span), member), kind.element, span)
        self.builder.emit(Assign(local.slot, behind, span))
        self.builder.jump(head)
        self.builder.at(out)

    def _walk_array(self, node: ast.For, name: str, place: Place, kind: ArrayOf) -> None:
        span = self.span(node.iter)
        counter = self.builder.temporary(Int(0, kind.length))
        at = Var(counter, Int(0, kind.length), span)
        self.builder.emit(Assign(counter, Const(0, at.type, span), span))
        self.builder.jump_to_new(span)
        head = self.builder.current
        inside, again, out = (self.builder.draft(span) for _ in range(3))
        self.builder.branch(
            Op("lt", (at, Const(kind.length, at.type, span)), BOOL, span), inside, out, span
        )
        self.builder.at(inside)
        local = self._loop_variable(name, kind.element, node)
        element = Place(place.ref, place.kind, place.field, at, kind.element)
        self.access(element, span)
        self.builder.emit(Assign(local.slot, self.load_of(element, span), span))
        self._loop_body(node.body, again, self.builder.current, out, name)
        self.builder.at(again)
        self.builder.emit(
            Assign(counter, Op("add", (at, Const(1, Int(1, 1), span)), at.type, span), span)
        )
        self.builder.jump(head)
        self.builder.at(out)

    # --- with, return ---------------------------------------------------------------------------

    def _with(self, node: ast.With) -> None:
        item = node.items[0]
        call = item.context_expr
        word = self.word(call.func) if isinstance(call, ast.Call) else ""
        if (
            len(node.items) != 1
            or item.optional_vars is not None
            or word not in ("atomic", "ghost")
        ):
            hint = "write `with atomic():` or `with ghost():`"
            raise self.refuse(
                "K076", "`with` makes a step atomic, or marks ghost code", call, "", hint
            )
        assert isinstance(call, ast.Call)
        if word == "ghost":
            self._enter_ghost()
            self.body(node.body)
            self._leave_ghost()
            return
        note = self._text(call.args[0]) if call.args else ""
        self.builder.cut(self.span(call), note)
        self.builder.atomic += 1
        self.body(node.body)
        self.builder.atomic -= 1

    def _enter_ghost(self) -> None:
        self.builder.atomic += 1
        self.in_ghost = True

    def _leave_ghost(self) -> None:
        self.builder.atomic -= 1
        self.in_ghost = False

    def _writes_ghost(self, node: ast.stmt) -> bool:
        """Tell whether a statement only writes a ghost field, so that it is ghost code."""
        target: ast.expr | None = None
        match node:
            case (
                ast.Assign(targets=[ast.Attribute() as t])
                | ast.AugAssign(target=ast.Attribute() as t)
            ):
                target = t
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute() as t))):
                target = t
        if not isinstance(target, ast.Attribute):
            return False
        kind = self._kind_of(target.value)
        info = self.world.kinds.get(kind or "")
        return info is not None and target.attr in info.fields and info.fields[target.attr].ghost

    def _kind_of(self, node: ast.expr) -> str | None:
        """Return the class of the object that an expression names, without reporting anything."""
        match node:
            case ast.Name(id=name):
                binding = self.frame.names.get(name)
                kind: Type | None = None
                if isinstance(binding, (Local, Place)):
                    kind = binding.type
                elif isinstance(binding, Alias):
                    kind = binding.value.type
                else:
                    symbol = self.frame.module.symbols.get(name)
                    return getattr(symbol, "kind", None)
                return kind.kind if isinstance(kind, Ref) else None
            case ast.Attribute(value=base, attr=name):
                info = self.world.kinds.get(self._kind_of(base) or "")
                if info is None:
                    return None
                if name in info.embedded:
                    return info.embedded[name]
                declared = info.fields[name].type if name in info.fields else None
                return declared.kind if isinstance(declared, Ref) else None
        return None

    def _return(self, value: ast.expr | None, node: ast.Return) -> None:
        frame = self.frame
        if frame.caller is None and value is not None and not isinstance(value, ast.Constant):
            raise self.refuse("K077", "nobody waits for what a process returns", value)
        if value is None or frame.caller is None:
            if frame.exit is not None:
                self.builder.jump(frame.exit)
            return
        if frame.exit is None:
            frame.value = self.value(value)
            if frame.function.node.returns is not None:
                declared = Annotations(self.world.loader, frame.module).argument(
                    frame.function.node.returns
                )
                if declared.type is not None and declared.type != VOID:
                    frame.value = self.fit(frame.value, declared.type, value, "what is returned")
            return
        result = self.value(value)
        if frame.result_type is None:
            frame.result_type = INT16 if isinstance(result.type, Int) else result.type
        if frame.result is None:
            frame.result = f"@return{frame.function.key}"
            while self.builder.variables.get(frame.result, frame.result_type) != frame.result_type:
                frame.result += "'"
            self.builder.variables[frame.result] = frame.result_type
        fitting = self.fit(result, frame.result_type, value, "what is returned")
        self.builder.emit(Assign(frame.result, fitting, self.span(node)))
        self.builder.jump(frame.exit)


def _times_stored(function: ast.FunctionDef, name: str) -> int:
    """Return in how many places a function assigns a name."""
    return sum(
        1
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    )


def _both(then: set[str] | None, other: set[str] | None) -> set[str]:
    """Return what is assigned behind a branch; None is an arm that does not come there."""
    if then is None or other is None:
        return then or other or set()
    return then & other


def _inside(statement: ast.stmt) -> list[ast.stmt]:
    """Return the statements that a statement has inside."""
    found: list[ast.stmt] = [*getattr(statement, "body", [])]
    for handler in getattr(statement, "handlers", []):
        found += handler.body
    return [*found, *getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
