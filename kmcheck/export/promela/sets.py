"""Sets as bit masks, and integers as Python computes with them."""

from __future__ import annotations

from kmcheck.export.promela.sequences import Sequences
from kmcheck.ir.expr import Expr, Op
from kmcheck.ir.operations import OpName
from kmcheck.ir.types import Int, Ref, SetOf, Type, first_code

PLAIN: dict[OpName, str] = {
    "not": "(!{0})",
    "neg": "(-{0})",
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "min": "({0} < {1} -> {0} : {1})",
    "max": "({0} > {1} -> {0} : {1})",
    "eq": "({0} == {1})",
    "ne": "({0} != {1})",
    "lt": "({0} < {1})",
    "le": "({0} <= {1})",
    "gt": "({0} > {1})",
    "ge": "({0} >= {1})",
    "same": "({0} != 0 && {1} != 0 -> ({0} | 1) == ({1} | 1) : {0} == {1})",
    "differ": "({0} != 0 && {1} != 0 -> ({0} | 1) != ({1} | 1) : {0} != {1})",
    "is_alive": "({0} > 0 && ({0} & 1) == 0)",
    "div": "({0} / {1} - ({0} % {1} != 0 && (({0} < 0) != ({1} < 0)) -> 1 : 0))",
    "mod": "({0} % {1} + ({0} % {1} != 0 && (({0} < 0) != ({1} < 0)) -> {1} : 0))",
}
"""What is computed from values that have been computed."""

FRESH = sum(1 << bit for bit in range(0, 30, 2))
"""The bits of a set of references that stand for addresses of live objects."""


def member_type(expr: Op) -> Type:
    """Return the type of the members of the set that an operation is about."""
    for kind in (expr.type, *(a.type for a in expr.args)):
        if isinstance(kind, SetOf):
            return kind.element
    return expr.args[0].type


def addresses(mask: str, element: Type) -> str:
    """Return a set with both bits of every address in it: an address is one member."""
    if not isinstance(element, Ref):
        return mask
    return f"(({mask} | {mask} >> 1) & {FRESH}) * 3"


class Sets(Sequences):
    """Translates operations on sets."""

    def kept(self, expr: Expr) -> str:
        """Return a value that is computed once."""
        return self.write.scratch(self.number(expr))

    def set_operation(self, expr: Op) -> str:
        """Return the value of an operation on sets."""
        element = member_type(expr)
        first = first_code(element)
        values = [self.kept(a) for a in expr.args]
        match expr.name, values:
            case "has", [group, member]:
                return self._has(group, member, element)
            case "with", [group, member]:
                if isinstance(element, Int):
                    outside = f"{member} < {element.lo} || {member} > {element.hi}"
                    self.fail_if(outside, "range")
                else:
                    self.fail_if(f"{member} < {first}", "list-corruption")
                more = f"{group} | (1 << ({member} - {first}))"
                return f"({self._has(group, member, element)} -> {group} : {more})"
            case ("without" | "remove") as way, [group, member]:
                if way == "remove":
                    absent = f"!{self._has(group, member, element)}"
                    self.fail_if(absent, "list-corruption")
                less = f"{group} & ~({self._bits(member, element)})"
                return f"({member} >= {first} -> {less} : {group})"
            case "union", [a, b]:
                return f"({a} | ({b} & ~({addresses(a, element)})))"
            case "intersect", [a, b]:
                return f"({a} & ({addresses(b, element)}))"
            case "minus", [a, b]:
                return f"({a} & ~({addresses(b, element)}))"
            case "unseen", [a, b]:
                return f"({a} & ~({b}))"
            case "subset", [a, b]:
                return f"(({a} & ~({addresses(b, element)})) == 0)"
            case "size", [group]:
                return self.population(group, self.memory.bits(element))
            case "lowest", [group]:
                return self.nth(group, self.memory.bits(element), self.write.scratch("0"), first)
            case "only", [member]:
                return f"({member} >= {first} -> 1 << ({member} - {first}) : 0)"
            case _:
                raise AssertionError(expr)

    def _bits(self, member: str, element: Type) -> str:
        if isinstance(element, Ref):
            return f"3 << (({member} & ~1) - 2)"
        return f"1 << ({member} - {first_code(element)})"

    def _has(self, group: str, member: str, element: Type) -> str:
        first = first_code(element)
        return f"({member} >= {first} && ({group} & ({self._bits(member, element)})) != 0)"

    def population(self, group: str, bits: int) -> str:
        """Return how many of the lowest bits of a set are in it."""
        found = self.write.scratch("0")
        with self.write.count(bits) as at:
            self.write(f"{found} = {found} + (({group} >> {at}) & 1);")
        return found

    def nth(self, group: str, bits: int, skipped: str, first: int = 0) -> str:
        """Return the member with `skipped` lower ones, or 0; the lowest bit stands for `first`."""
        result = self.write.scratch("0")
        with self.write.count(bits) as at:
            member = f"(({group} >> {at}) & 1)"
            this = f"{member} && {skipped} == 0"
            self.write(f"{result} = ({this} -> {at} + {first} : {result});")
            self.write(f"{skipped} = {skipped} - {member};")
        return result
