"""Loops: while, and for over ranges, sets, lists and arrays."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.assignments import Assignments, times_stored
from kmcheck.frontend.scope import Alias, Local, Loop, Place
from kmcheck.frontend.symbols import KindSymbol
from kmcheck.ir.code import Assign, Choose, Instruction, Store
from kmcheck.ir.expr import Const, Expr, Op, Var, walk
from kmcheck.ir.types import BOOL, INT16, ArrayOf, Int, ListOf, SetOf, Type, article


class Loops(Assignments):
    """Lowers loops."""

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
        loop = Loop(again, out, self.in_ghost)
        self.frame.loops.append(loop)
        sure = set(self.frame.sure)
        self.body(body)
        self.frame.loops.pop()
        self.frame.sure = sure - ({variable} if variable else set())
        if endless and loop.left_with:
            self.frame.sure = set.intersection(*loop.left_with)
        self.builder.jump(again)
        self.builder.at(out)

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
        self.refuse_in_ghost(name, node.target)
        self.frame.sure.add(name)
        if isinstance(kind, Int) and times_stored(self.frame.function.node, name) > 1:
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
            label = f"this is {article(value.type)}"
            hint = "loop over it without `each`"
            raise self.refuse("K074", "`each` takes a set", node, label, hint)
        return value.type

    def _refuse_order(self, written: list[Instruction], slot: str, node: ast.For) -> None:
        """Refuse a parallel loop in which the order of its members could matter."""
        for instruction in written:
            if not isinstance(instruction, Store):
                continue
            roots = [e for e in walk(instruction.ref) if isinstance(e, Var)]
            if not roots or any(v.name != slot for v in roots):
                name = getattr(node.target, "id", "")
                hint = f"write only to fields of `{name}`, or loop without `each`"
                raise self.world.reporter.report(
                    "K075",
                    "`each` runs for all members at once",
                    instruction.span,
                    "this is not the member's own",
                    hint,
                )

    def _for_members(self, node: ast.For, name: str) -> None:
        if isinstance(self.symbol(node.iter), KindSymbol):
            hint = f"write `alive({ast.unparse(node.iter)})`"
            raise self.refuse("K060", "a class cannot be looped over", node.iter, "", hint)
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
                hint = "a set, a list, an array or a `range(...)` can be"
                title = f"{article(group.type)} cannot be looped over"
                raise self.refuse("K060", title, node.iter, "", hint)
            self._take_members(node, name, group, group.type)

    def _take_members(self, node: ast.For, name: str, group: Expr, kind: SetOf) -> None:
        """Loop over a set as it is now, in every order."""
        span = self.span(node.iter)
        if self.in_ghost:
            hint = f"write `for {name} in each(...)`"
            raise self.refuse("K044", "ghost code does not choose an order", node.iter, "", hint)
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
            Assign(left, Op("unseen", (self.load_of(place, span), visited), kind, span), span)
        )
        inside, out = self.builder.draft(span), self.builder.draft(span)
        self.builder.branch(self.as_condition(Var(left, kind, span), node.iter), inside, out, span)
        self.builder.at(inside)
        local = self._loop_variable(name, kind.element, node)
        self.builder.emit(Choose(local.slot, Var(left, kind, span), span))
        member = Var(local.slot, local.type, span)
        others = Op("without", (visited, member), kind, span)
        self.builder.emit(Assign(seen, Op("with", (others, member), kind, span), span))
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
