"""Assignments: to locals, fields and elements."""

from __future__ import annotations

import ast
from collections import Counter as Counting
from functools import lru_cache

from kmcheck.frontend.calls import Calls
from kmcheck.frontend.scope import Alias, Local, Place
from kmcheck.frontend.symbols import ConstantSymbol, EnumSymbol, GlobalSymbol, KindSymbol
from kmcheck.ir.code import Assign
from kmcheck.ir.expr import Const, Element, Expr, Self
from kmcheck.ir.types import INT16, VOID, Counter, Int, SetOf, Type


class Assignments(Calls):
    """Lowers assignments."""

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
                    hint = "name the object before the dot"
                    raise self.refuse(
                        "K041", "a class's field is set on an object", target, "", hint
                    )
                self.write(target, value, node)
            case ast.Tuple() | ast.List():
                raise self.refuse(
                    "K046", "unpacking is not in the spec language", target, "", "assign one by one"
                )
            case _:
                raise self.refuse("K064", "this cannot be assigned to", target)

    def _refuse_global(self, name: str, node: ast.AST) -> None:
        """Refuse to assign what the file defines: others would not see what a local holds."""
        symbol = None if name in self.frame.names else self.frame.module.symbols.get(name)
        if isinstance(symbol, (ConstantSymbol, GlobalSymbol)):
            hint = "globals are objects: write to their fields; a local has a name of its own"
            raise self.refuse("K064", f"`{name}` is defined at the top of the file", node, "", hint)

    def _is_global_name(self, target: ast.expr) -> bool:
        named = self.symbol(target.value) if isinstance(target, ast.Attribute) else None
        return isinstance(named, (KindSymbol, EnumSymbol))

    def _assign_name(
        self, name: str, node_value: ast.expr, kind: Type | None, node: ast.stmt
    ) -> None:
        self._refuse_global(name, node)
        if self.in_ghost and self.frame.real is not None:
            self._ghost_local(name, node_value, kind)
            return
        if isinstance(node_value, ast.Call):
            node_value.kept_as = name  # type: ignore[attr-defined]
        value = self.value(node_value)
        if isinstance(value.type, SetOf) and isinstance(node_value, (ast.Attribute, ast.Name)):
            title = f"`{name}` would be a copy of this set, which others go on changing"
            hint = f"write `{ast.unparse(node_value)}.copy()`, or name the set where it is used"
            raise self.refuse("K085", title, node_value, "", hint)
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

    def _ghost_local(self, name: str, node: ast.expr, kind: Type | None) -> None:
        """Keep a value for ghost code: a temporary, forgotten when it was last read."""
        self.refuse_in_ghost(name, node)
        value = self.value(node)
        binding = self.frame.names.get(name)
        if not isinstance(binding, Local):
            declared = kind or self._natural(value, name, node)
            binding = Local(self.builder.temporary(declared), declared)
            self.builder.busy.pop()
            self.frame.names[name] = binding
        fitting = self.fit(value, binding.type, node, f"`{name}`")
        self.builder.emit(Assign(binding.slot, fitting, self.span(node)))
        self.frame.sure.add(name)

    def _constant_alias(self, name: str, value: Expr) -> bool:
        """Tell whether a name can stand for its value: an address that is the same for ever."""
        once = times_stored(self.frame.function.node, name) == 1
        return once and isinstance(value, Element) and isinstance(value.index, (Const, Self))

    def _natural(self, value: Expr, name: str, node: ast.expr) -> Type:
        if value.type == VOID and isinstance(node, ast.Call):
            title = f"`{ast.unparse(node.func)}` returns nothing"
            raise self.refuse("K073", title, node, "no value", "call it in a statement of its own")
        if isinstance(node, ast.BoolOp) and any(self.kind_of(part) for part in node.values):
            title = "`and` and `or` give True or False, not one of what they join"
            raise self.refuse("K040", title, node, "", "write `a if a is not None else b`")
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
                self._refuse_global(target.id, target)
                raise self.refuse("K064", f"`{target.id}` cannot be changed here", target)
            self.refuse_in_ghost(target.id, target)
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
        self.access(place, span, plain=True)
        operand: Expr | None = None
        if self.builder.atomic:
            current = self.hold(self.load_of(place, span))
        else:
            current = self.keep(self.load_of(place, span))
            operand = self.held(value)
        changed = self.arithmetic(op, current, operand or self.value(value), node)
        fitting = self.fit(changed, place.type, node, f"`{place.field}`")
        self.access(place, span, plain=True)
        self.store(place, fitting, node)


def times_stored(function: ast.FunctionDef, name: str) -> int:
    """Return in how many places a function assigns a name."""
    return _stored(function)[name]


@lru_cache(maxsize=1024)
def _stored(function: ast.FunctionDef) -> Counting[str]:
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return Counting(node.id for node in nodes if isinstance(node.ctx, ast.Store))
