"""Lists and arrays: the expressions whose value is several numbers."""

from __future__ import annotations

from kmcheck.export.promela.context import Context
from kmcheck.export.promela.memory import Sequence, element_of
from kmcheck.ir.expr import Cond, Const, Expr, Initialised, Load, Op, Var
from kmcheck.ir.types import ArrayOf, ListOf, Type


class Sequences(Context):
    """Translates lists, padded behind their end with zeros, and arrays."""

    def number(self, expr: Expr) -> str:
        """Return a Promela expression for a value of one number; write what it needs before."""
        raise NotImplementedError

    def reference(self, expr: Expr) -> str:
        """Return an address that can be followed; anything else is a violation."""
        raise NotImplementedError

    def copied(self, source: Sequence) -> Sequence:
        """Return a copy of a sequence in scratch memory."""
        new = self.fresh(source.length)
        self.assign(new, source)
        return new

    def fresh(self, length: int) -> Sequence:
        """Return scratch memory for a sequence."""
        return Sequence("element", str(self.write.region(length)), length)

    def assign(self, to: Sequence, source: Sequence) -> None:
        """Copy one sequence over another of the same length."""
        with self.write.scope(), self.write.count(to.length) as at:
            self.write(f"{to.at(at)} = {source.at(at)};")

    def sequence(self, expr: Expr) -> Sequence:
        """Return a list or an array; write what it needs before."""
        match expr:
            case Const(value=tuple() as values):
                return self._constant(values, expr.type)
            case Var(name):
                return self.variable_sequence(name)
            case Initialised(var):
                whole = self.variable_sequence(var.name)
                self.uninitialised(whole.at(0))
                return whole
            case Load():
                reference = self.reference(expr.ref)
                whole = self.field_sequence(expr.kind, expr.field, reference)
                if self.layout.program.kinds[expr.kind].may_be_uninitialised:
                    self.uninitialised(whole.at(0))
                return whole
            case Cond(test, then, other):
                result = self.fresh(self.memory.width(expr.type))
                self.write("if", f":: {self.number(test)} ->")
                with self.write.indented():
                    self.assign(result, self.sequence(then))
                self.write(":: else ->")
                with self.write.indented():
                    self.assign(result, self.sequence(other))
                self.write("fi;")
                return result
            case Op():
                return self._operation(expr)
            case _:
                raise AssertionError(expr)

    def ranged(self, value: Expr, kind: Type) -> str:
        """Return a number to store; one outside of the type's range is a violation."""
        raise NotImplementedError

    def uninitialised(self, value: str) -> None:
        """Write that reading a value that was never stored is a violation."""
        raise NotImplementedError

    def _constant(self, values: tuple[int, ...], kind: Type) -> Sequence:
        result = self.fresh(self.memory.width(kind))
        for at, number in enumerate(self.memory.numbers(kind, values)):
            self.write(f"{result.at(at)} = {number};")
        return result

    def _operation(self, expr: Op) -> Sequence:
        match expr.name, expr.args:
            case "array_set", (items, index, value):
                whole = self.copied(self.sequence(items))
                at = self.index(index, whole.length)
                self.write(f"{whole.at(at)} = {self.ranged(value, element_of(expr.type))};")
                return whole
            case ("list_append" | "list_push") as way, (items, member):
                whole = self.copied(self.sequence(items))
                self._add(whole, self.write.scratch(self.number(member)), head=way == "list_push")
                return whole
            case "list_remove", (items, member):
                whole = self.copied(self.sequence(items))
                leaving = self.write.scratch(self.number(member))
                self.touch(leaving)
                at = self.place(whole, leaving)
                self.touch(f"({at} > 0 -> {whole.at(f'{at} - 1')} : 0)")
                self.touch(self._behind(whole, at))
                self._close_gap(whole, at)
                return whole
            case "list_rest", (items,):
                whole = self.copied(self.sequence(items))
                self.touch(whole.at(0))
                self.touch(self._behind(whole, "0"))
                self._close_gap(whole, self.write.scratch("0"))
                return whole
            case "list_concat", (items, others):
                whole = self.copied(self.sequence(items))
                behind = self.sequence(others)
                count = self.length(behind)
                for end in (self._last(whole, self.length(whole)), behind.at(0)):
                    self.touch(f"({count} > 0 -> {end} : 0)")
                self.touch(self._last(behind, count))
                with (
                    self.write.count(behind.length) as at,
                    self.write.when(behind.at(at) + " != 0"),
                ):
                    self._put(whole, self.write.scratch(behind.at(at)), head=False)
                return whole
            case _:
                raise AssertionError(expr)

    def index(self, expr: Expr, length: int) -> str:
        """Return an index into an array; one outside of it is a violation."""
        at = self.write.scratch(self.number(expr))
        self.fail_if(f"{at} < 0 || {at} >= {length}", "range")
        return at

    def length(self, whole: Sequence) -> str:
        """Return how many members a list has."""
        found = self.write.scratch("0")
        with self.write.loop(f"{found} < {whole.length} && {whole.at(found)} != 0"):
            self.write(f"{found} = {found} + 1;")
        return found

    def _search(self, whole: Sequence, member: str) -> str:
        found = self.write.scratch("0")
        elsewhere = f"({whole.at(found)} | 1) != ({member} | 1)"
        within = f"{found} < {whole.length} && {whole.at(found)} != 0"
        with self.write.loop(f"{within} && {elsewhere}"):
            self.write(f"{found} = {found} + 1;")
        return found

    def has(self, whole: Sequence, member: str) -> str:
        """Return whether an address is on a list."""
        found = self._search(whole, member)
        return f"({found} < {whole.length} && {whole.at(found)} != 0)"

    def place(self, whole: Sequence, member: str) -> str:
        """Return where an address is on a list; that it is not there is a violation."""
        found = self._search(whole, member)
        self.fail_if(f"{found} >= {whole.length} || {whole.at(found)} == 0", "list-corruption")
        return found

    def touch(self, member: str) -> None:
        """Write that following the links of a freed object is a violation."""
        self.fail_if(f"({member}) & 1", "use-after-free")

    def _behind(self, whole: Sequence, at: str) -> str:
        last = whole.length - 1
        return f"({at} < {last} -> {whole.at(f'({at} + 1) % {whole.length}')} : 0)"

    def _last(self, whole: Sequence, length: str) -> str:
        return f"({length} > 0 -> {whole.at(f'{length} - 1')} : 0)"

    def _add(self, whole: Sequence, member: str, *, head: bool) -> None:
        self.fail_if(f"{member} == 0", "list-corruption")
        self.touch(member)
        self.fail_if(self.has(whole, member), "list-corruption")
        self.touch(whole.at(0) if head else self._last(whole, self.length(whole)))
        self._put(whole, member, head=head)

    def _put(self, whole: Sequence, member: str, *, head: bool) -> None:
        self.fail_if(self.has(whole, member), "list-corruption")
        at = self.length(whole)
        if head:
            with self.write.loop(f"{at} > 0"):
                self.write(f"{whole.at(at)} = {whole.at(f'{at} - 1')};")
                self.write(f"{at} = {at} - 1;")
        self.write(f"{whole.at(at)} = {member};")

    def _close_gap(self, whole: Sequence, at: str) -> None:
        last = whole.length - 1
        with self.write.loop(f"{at} < {last}"):
            self.write(f"{whole.at(at)} = {whole.at(f'{at} + 1')};")
            self.write(f"{at} = {at} + 1;")
        self.write(f"{whole.at(last)} = 0;")

    def equal(self, a: Expr, b: Expr) -> str:
        """Return whether two lists or arrays are the same."""
        left, right = self.sequence(a), self.sequence(b)
        same = self.write.scratch("1")
        with self.write.count(left.length) as at:
            self.write(f"{same} = {same} && {left.at(at)} == {right.at(at)};")
        return same

    @staticmethod
    def is_sequence(kind: Type) -> bool:
        """Tell whether values of a type are several numbers."""
        return isinstance(kind, (ListOf, ArrayOf))
