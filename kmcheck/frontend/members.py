"""Loops over what a set, a list or an array holds: one member a turn."""

from __future__ import annotations

import ast

from kmcheck.frontend.scope import Local, Place
from kmcheck.frontend.symbols import KindSymbol
from kmcheck.frontend.turns import Turns
from kmcheck.ir.code import Assign, Choose
from kmcheck.ir.expr import Const, Expr, Op, Var
from kmcheck.ir.types import BOOL, ArrayOf, Int, ListOf, SetOf, article


class Members(Turns):
    """Lowers loops over members."""

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
