"""What ranges over many: quantifiers, closures, and the processes' positions."""

from __future__ import annotations

from collections.abc import Iterable

from kmcheck.export.promela.memory import element_of
from kmcheck.export.promela.sets import Sets
from kmcheck.ir.code import Block, targets
from kmcheck.ir.expr import Closure, Position, Quantifier
from kmcheck.ir.types import ListOf, SetOf, first_code


class Quantifiers(Sets):
    """Translates loops over the members of a set or a sequence."""

    def quantifier(self, expr: Quantifier) -> str:
        """Return the value of a quantifier; `all` and `any` stop at what decides them."""
        result = self.write.scratch("1" if expr.what == "all" else "0")
        going = {"all": f"{result} != 0", "any": f"{result} == 0"}.get(expr.what, "true")
        kind = expr.domain.type
        at = self.write.scratch("0")
        if isinstance(kind, SetOf):
            group = self.write.scratch(self.number(expr.domain))
            bits = self.memory.bits(kind.element)
            with self.write.loop(f"{at} < {bits} && {going}"):
                with self.write.when(f"({group} >> {at}) & 1"):
                    self._member(expr, f"{at} + {first_code(kind.element)}", result)
                self.write(f"{at} = {at} + 1;")
            return result
        whole = self.sequence(expr.domain)
        more = f" && {whole.at(at)} != 0" if isinstance(kind, ListOf) else ""
        with self.write.loop(f"{at} < {whole.length} && {going}{more}"):
            self._member(expr, whole.at(at), result)
            self.write(f"{at} = {at} + 1;")
        return result

    def _member(self, expr: Quantifier, value: str, result: str) -> None:
        cell = f"cell[{expr.cell}]"
        self.write(f"{cell} = {value};")
        with self.write.when(self.number(expr.where)):
            self._gather(expr, result)

    def _gather(self, expr: Quantifier, result: str) -> None:
        match expr.what:
            case "all" | "any":
                self.write(f"{result} = ({self.number(expr.body)} != 0);")
            case "count":
                self.number(expr.body)
                self.write(f"{result} = {result} + 1;")
            case "filter":
                first = first_code(element_of(expr.type))
                body = self.write.scratch(self.number(expr.body))
                self.write(f"{result} = {result} | (1 << ({body} - {first}));")
            case "total":
                self.write(f"{result} = {result} + {self.number(expr.body)};")

    def closure(self, expr: Closure) -> str:
        """Return the set of what is reached from an object by following a field."""
        self.memory.bits(element_of(expr.type))
        at = self.write.scratch(self.number(expr.origin))
        found = self.write.scratch("0")
        new = f"(({found} >> ({at} - 2)) & 1) == 0"
        with self.write.loop(f"{at} > 0 && ({at} & 1) == 0 && {new}"):
            self.write(f"{found} = {found} | (1 << ({at} - 2));")
            self.write(f"{at} = {self.field(expr.kind, expr.field, at)};")
        return found

    def position(self, expr: Position) -> str:
        """Return whether a process has begun, has ended, or is inside a call."""
        number = self.write.scratch(f"{self.number(expr.process)} - 1")
        parts = ["false"]
        for name in self.layout.processes:
            first, count = self.layout.first_process[name], self.layout.instances(name)
            if not count:
                continue
            at = f"{self.copy}{self.memory.positions[name].name}({number} - {first})"
            within = f"{number} >= {first} && {number} < {first + count}"
            parts.append(f"({within} && ({self._at(expr, name, at)}))")
        return f"({' || '.join(parts)})"

    def _at(self, expr: Position, template: str, position: str) -> str:
        blocks = self.layout.program.templates[template].blocks
        match expr.what:
            case "ended":
                return f"{position} == 0"
            case "begun":
                return f"!({one_of(position, first_positions(blocks, self._entry(template)))})"
            case "inside":
                calls = ((n, {c.function for c in b.calls}) for n, b in enumerate(blocks))
                return one_of(position, (n + 1 for n, inside in calls if expr.function in inside))

    def _entry(self, template: str) -> int:
        return self.layout.program.templates[template].entry


def one_of(value: str, numbers: Iterable[int]) -> str:
    """Return whether a value is one of some numbers."""
    return " || ".join(f"{value} == {n}" for n in sorted(numbers)) or "false"


def first_positions(blocks: tuple[Block, ...], entry: int) -> set[int]:
    """Return the positions at which a process has not made a step yet."""
    seen: set[int] = set()
    ahead = [entry]
    while ahead:
        at = ahead.pop()
        if at >= 0 and at not in seen:
            seen.add(at)
            if not blocks[at].cut:
                ahead += targets(blocks[at])
    return {at + 1 for at in seen if blocks[at].cut}
