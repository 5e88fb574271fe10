"""Sets, lists and counters changed in place: each operation is one read-modify-write."""

from __future__ import annotations

import ast

from kmcheck.frontend.effects import NOTHING
from kmcheck.frontend.objects import Objects
from kmcheck.frontend.scope import Local, Place
from kmcheck.ir.code import Assign
from kmcheck.ir.expr import Const, Expr, Load, Op, Var
from kmcheck.ir.types import (
    COUNTER,
    Counter,
    ListOf,
    Ref,
    SetOf,
    Type,
)


class Updates(Objects):
    """Lowers methods that change a value in place."""

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
            if isinstance(kind, SetOf) and self._is_linked(current, kind):
                member = Op("linked", (member,), kind.element, span)
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
        raise self.no_method(kind, name, node)

    def _is_linked(self, current: Expr, kind: SetOf) -> bool:
        """Tell whether a set is the design's own: its members are linked, as on a list."""
        if not isinstance(kind.element, Ref) or not isinstance(current, Load):
            return False
        return not self.world.kinds[current.kind].fields[current.field].ghost

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


_MEMBER_OPS: dict[type, dict[str, str]] = {
    SetOf: {"add": "with", "discard": "without", "remove": "remove"},
    ListOf: {"append": "list_append", "push": "list_push", "remove": "list_remove"},
}
