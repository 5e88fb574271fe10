"""Expressions: what can go wrong in them is written as statements before the value is used."""

from __future__ import annotations

from kmcheck.diagnostics import UsageError
from kmcheck.export.promela.memory import LARGEST, UNINITIALISED
from kmcheck.export.promela.quantifiers import Quantifiers
from kmcheck.export.promela.sets import PLAIN
from kmcheck.ir.expr import (
    Alive,
    And,
    Before,
    Bound,
    Closure,
    Cond,
    Const,
    Container,
    Element,
    Embedded,
    Expr,
    Initialised,
    LivesIn,
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Slots,
    Var,
)
from kmcheck.ir.layout import UNINITIALISED as UNINITIALISED_SLOT
from kmcheck.ir.types import Int, Ref, Type


class Expressions(Quantifiers):
    """Translates expressions."""

    def number(self, expr: Expr) -> str:
        """Return a Promela expression for a value of one number; write what it needs before."""
        match expr:
            case Const(value=int() as value):
                return str(UNINITIALISED if value == UNINITIALISED_SLOT else int(value))
            case Var(name):
                return self.variable(name)
            case Initialised(var):
                self.uninitialised(self.variable(var.name))
                return self.variable(var.name)
            case Bound(cell):
                return f"cell[{cell}]"
            case Self():
                return f"({self.layout.first_process.get(self.template, 0)} + 1 + {self.instance})"
            case Load():
                return self._load(expr)
            case Embedded(ref, kind, field):
                _, group = self.layout.embedded(kind, field)
                return f"({self._address(ref)} + {2 * group.base})"
            case Container(ref, kind, field):
                address = self._address(ref)
                _, group = self.layout.embedded(kind, field)
                self.fail_if(f"!{self._within(address, kind, field)}", "assertion")
                return f"({address} - {2 * group.base})"
            case LivesIn(ref, kind, field):
                return self._within(self.kept(ref), kind, field)
            case Element():
                return self._element(expr)
            case Op():
                return self._op(expr)
            case And(args):
                return self._short_circuit(args, "&&", "!= 0")
            case Or(args):
                return self._short_circuit(args, "||", "== 0")
            case Cond(test, then, other):
                return self._either(test, then, other)
            case Quantifier():
                return self.quantifier(expr)
            case Alive(kind):
                return self._alive(kind)
            case Running():
                return self._running()
            case Closure():
                return self.closure(expr)
            case Before(value):
                return self._before(value)
            case Position():
                return self.position(expr)
            case Slots(kind):
                return str(self.layout.pool(kind))
        raise AssertionError(expr)

    def uninitialised(self, value: str) -> None:
        """Write that reading a value that was never stored is a violation."""
        self.fail_if(f"{value} == {UNINITIALISED}", "uninitialised-read")

    def ranged(self, value: Expr, kind: Type) -> str:
        """Return a number to store; one outside of the type's range is a violation."""
        if not isinstance(kind, Int):
            return self.number(value)
        have = value.type
        if isinstance(have, Int) and kind.lo <= have.lo and have.hi <= kind.hi:
            return self.number(value)
        kept = self.kept(value)
        outside = f"({kept} < {kind.lo} || {kept} > {kind.hi})"
        self.fail_if(f"{outside} && {kept} != {UNINITIALISED}", "range")
        return kept

    # --- addresses ------------------------------------------------------------------------------

    def reference(self, expr: Expr) -> str:
        """Return an address that can be followed; anything else is a violation."""
        address = self.kept(expr)
        self.fail_by(nowhere(address) | {"use-after-free": f"{address} & 1"})
        return address

    def _address(self, expr: Expr) -> str:
        """Return an address that is not null; a stale one will do."""
        address = self.kept(expr)
        self.fail_by(nowhere(address))
        return address

    def _load(self, expr: Load) -> str:
        address = self.reference(expr.ref)
        value = self.field(expr.kind, expr.field, address)
        if self.layout.program.kinds[expr.kind].may_be_uninitialised:
            self.uninitialised(value)
        return value

    def _within(self, address: str, kind: str, field: str) -> str:
        _, group = self.layout.embedded(kind, field)
        low, high = 2 * (group.base + 1), 2 * (group.base + group.count) + 1
        return f"({address} >= {low} && {address} <= {high})"

    def _element(self, expr: Element) -> str:
        _, group = self.layout.group(expr.group)
        if group.role == "global":
            return str(2 * (group.base + 1))
        first = 0 if group.role == "cpu" else 1
        number = self.kept(expr.index)
        outside = f"{number} < {first} || {number} >= {group.count + first}"
        self.fail_if(outside, "range")
        return f"(2 * ({number} + {group.base + 1 - first}))"

    # --- operations -----------------------------------------------------------------------------

    def _op(self, expr: Op) -> str:
        if isinstance(expr.type, Int) and not -LARGEST <= expr.type.lo <= expr.type.hi <= LARGEST:
            title = f"{expr.span.where}: this may leave the range of Promela's int"
            raise UsageError(title, "give what it is computed from smaller ranges")
        match expr.name, expr.args:
            case "array_get", (items, index):
                whole = self.sequence(items)
                return whole.at(self.index(index, whole.length))
            case "list_has", (items, member):
                whole = self.sequence(items)
                return self.has(whole, self.kept(member))
            case "list_first", (items,):
                return self.sequence(items).at(0)
            case "list_after", (items, member):
                whole = self.sequence(items)
                found = self.kept(member)
                self.touch(found)
                at = self.place(whole, found)
                behind = whole.at(f"({at} + 1) % {whole.length}")
                return f"({at} + 1 < {whole.length} -> {behind} : 0)"
            case "linked", (member,):
                found = self.kept(member)
                self.touch(found)
                return found
            case "list_len", (items,):
                return self.length(self.sequence(items))
            case ("eq" | "ne") as way, (a, b) if self.is_sequence(a.type):
                return self.equal(a, b) if way == "eq" else f"(!{self.equal(a, b)})"
        if expr.name not in PLAIN:
            return self.set_operation(expr)
        pattern = PLAIN[expr.name]
        once = pattern.count("{") == len(expr.args)
        return pattern.format(*[self.number(a) if once else self.kept(a) for a in expr.args])

    def _short_circuit(self, args: tuple[Expr, ...], sign: str, going: str) -> str:
        """Return `and` or `or`: what can go wrong in one is only looked at if it matters."""
        parts: list[str] = []
        for at, arg in enumerate(args):
            with self.write.captured() as before:
                value = self.number(arg)
            if before and at:
                left = f" {sign} ".join(parts)
                result = self.write.scratch(f"({left})")
                with self.write.when(f"{result} {going}"):
                    self.write.lines.extend(before)
                    self.write(f"{result} = {value};")
                parts = [result]
            else:
                self.write.lines.extend(before)
                parts.append(value)
        return f"({f' {sign} '.join(parts)})"

    def _either(self, test: Expr, then: Expr, other: Expr) -> str:
        condition = self.number(test)
        result = self.write.scratch("0")
        self.write("if", f":: {condition} ->")
        with self.write.indented():
            self.write(f"{result} = {self.number(then)};")
        self.write(":: else ->")
        with self.write.indented():
            self.write(f"{result} = {self.number(other)};")
        self.write("fi;")
        return result

    # --- who is there ---------------------------------------------------------------------------

    def _alive(self, kind: str) -> str:
        self.memory.bits(Ref(kind))
        always = 0
        parts: list[str] = []
        for index in range(self.layout.pool(kind)):
            place = self.layout.life_slot(kind, index)
            if place is None:
                always |= 1 << 2 * index
            else:
                parts.append(f"({self._life(place)} != 0 -> {1 << 2 * index} : 0)")
        return "(" + " | ".join([str(always), *parts]) + ")"

    def _life(self, slot: int) -> str:
        for cells in self.memory.lives.values():
            if cells.slot <= slot < cells.slot + cells.count:
                return f"{self.copy}{cells.name}({slot - cells.slot})"
        raise AssertionError(slot)

    def _running(self) -> str:
        parts = ["0"]
        for name in self.layout.processes:
            cells, first = self.memory.positions[name], self.layout.first_process[name]
            parts += [
                f"({self.copy}{cells.name}({i}) != 0 -> {1 << (first + i)} : 0)"
                for i in range(cells.count)
            ]
        return "(" + " | ".join(parts) + ")"

    def _before(self, value: Expr) -> str:
        outer, self.copy = self.copy, "old_"
        try:
            return self.number(value)
        finally:
            self.copy = outer


def nowhere(address: str) -> dict[str, str]:
    """Return the violations of following an address that is none, each with when it is."""
    return {"uninitialised-read": f"{address} == {UNINITIALISED}", "null-deref": f"{address} == 0"}
