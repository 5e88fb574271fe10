"""Loops: `while`, and `for` over a range, over members, or over each of them at once."""

from __future__ import annotations

import ast

from kmcheck.frontend.members import Members
from kmcheck.ir.code import Assign, Instruction, Store
from kmcheck.ir.expr import Const, Expr, Op, Var, walk
from kmcheck.ir.types import INT16, Int, SetOf, Type, article


class Loops(Members):
    """Lowers loops."""

    def _while(self, node: ast.While) -> None:
        if node.orelse:
            title = "`else` of a loop is not in the spec language"
            raise self.refuse("K046", title, node.orelse[0], "", "write it behind the loop")
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

    def _for(self, node: ast.For) -> None:
        if node.orelse:
            title = "`else` of a loop is not in the spec language"
            raise self.refuse("K046", title, node.orelse[0], "", "write it behind the loop")
        if not isinstance(node.target, ast.Name):
            hint = "write one name: what belongs together is kept in an object"
            raise self.refuse("K046", "a loop has one variable", node.target, "", hint)
        mark = self.builder.mark()
        if isinstance(node.iter, ast.Call) and self.word(node.iter.func) == "range":
            self._for_range(node, node.target.id, node.iter)
        elif isinstance(node.iter, ast.Call) and self.word(node.iter.func) == "each":
            self._for_each(node, node.target.id, node.iter)
        else:
            self._for_members(node, node.target.id)
        self.builder.release(mark)

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
        counted = self._counter_type(first, last, stride.value)
        counter = self.builder.temporary(counted)
        local = self._loop_variable(name, self._range_type(first, last, stride.value), node)
        self.builder.emit(Assign(counter, first, span))
        self.builder.jump_to_new(span)
        head = self.builder.current
        inside, again, out = (self.builder.draft(span) for _ in range(3))
        current = Var(counter, counted, span)
        order: ast.cmpop = ast.Lt() if stride.value > 0 else ast.Gt()
        self.builder.branch(self.comparison([order], [current, last], node.iter), inside, out, span)
        self.builder.at(inside)
        self.builder.emit(Assign(local.slot, current, span))
        self._loop_body(node.body, again, self.builder.current, out, name)
        self.builder.at(again)
        self.builder.emit(Assign(counter, self.arithmetic(ast.Add(), current, stride, node), span))
        self.builder.jump(head)
        self.builder.at(out)

    def _range_type(self, first: Expr, last: Expr, stride: int) -> Type:
        """Return the values that a loop's variable may have: the end is not among them."""
        assert isinstance(first.type, Int)
        assert isinstance(last.type, Int)
        if stride > 0:
            return Int(first.type.lo, max(first.type.hi, last.type.hi - 1))
        return Int(min(first.type.lo, last.type.lo + 1), first.type.hi)

    def _counter_type(self, first: Expr, last: Expr, stride: int) -> Int:
        """Return the values that a counter may have, those included at which the loop ends."""
        assert isinstance(first.type, Int)
        assert isinstance(last.type, Int)
        if stride > 0:
            return Int(first.type.lo, max(first.type.hi, last.type.hi + stride - 1))
        return Int(min(first.type.lo, last.type.lo + stride + 1), first.type.hi)

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
