"""Which index an address may have while code runs: those that variables held, or that are fixed."""

from __future__ import annotations

from collections.abc import Iterable

from kmcheck.ir.code import Assign, Block
from kmcheck.ir.expr import Cond, Const, Container, Element, Embedded, Expr, Initialised, Self, Var
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import written_by
from kmcheck.ir.stubborn import ME, Point
from kmcheck.ir.types import Ref

MOST = 6
"""Points that are told apart: an address that may have more indices may have any."""

Points = frozenset[Point] | None
NONE: frozenset[Point] = frozenset()


class Pointing:
    """What expressions of a template may point to while some of its blocks are run, in any order.

    A variable holds what it held before the blocks were run, or what they assign to it. That is
    followed through assignments, as in L. O. Andersen, "Program analysis and specialization for
    the C programming language" (1994), 4; what is loaded from a field may point anywhere.
    """

    def __init__(self, layout: Layout, template: str, blocks: Iterable[Block]) -> None:
        self.layout = layout
        self.template = template
        self.assigned: dict[str, list[Expr | None]] = {}
        """What blocks assign to a variable; None is a value that is not followed."""
        for block in blocks:
            for instruction in block.instructions:
                name = written_by(instruction)
                if name is not None:
                    value = instruction.value if isinstance(instruction, Assign) else None
                    self.assigned.setdefault(name, []).append(value)

    def of(self, expr: Expr) -> Points:
        """Return the indices that an address may have, or the values of a number or a process."""
        found = self._of(expr, frozenset())
        return found if found is None or len(found) <= MOST else None

    def _of(self, expr: Expr, through: frozenset[str]) -> Points:
        match expr:
            case Const(value=int(value), type=Ref()):
                return _fixed((value >> 1) - 1) if value else NONE
            case Const(value=int(value)):
                return _fixed(value)
            case Initialised(var=var):
                return self._of(var, through)
            case Var(name=name):
                return self._variable(expr, name, through)
            case Self() if self.template in self.layout.first_process:
                return frozenset({Point(ME, shift=self.layout.first_process[self.template] + 1)})
            case Embedded(ref=ref, kind=kind, field=field):
                return shifted(self._of(ref, through), self.layout.embedded(kind, field)[1].base)
            case Container(ref=ref, kind=kind, field=field):
                return shifted(self._of(ref, through), -self.layout.embedded(kind, field)[1].base)
            case Element(group=group, index=index):
                return self._element(group, index, through)
            case Cond(then=then, other=other):
                return _either(self._of(then, through), self._of(other, through))
        return None

    def _variable(self, var: Var, name: str, through: frozenset[str]) -> Points:
        if name in through:
            return NONE
        address = isinstance(var.type, Ref)
        found: Points = frozenset({Point(name, halved=address, shift=-1 if address else 0)})
        for value in self.assigned.get(name, ()):
            more = None if value is None else self._of(value, through | {name})
            found = _either(found, more)
            if found is None or len(found) > MOST:
                return None  # as it will be of all that takes it from here
        return found

    def _element(self, name: str, index: Expr, through: frozenset[str]) -> Points:
        """Return the indices of an object of a global group, as `semantics.addresses` has them."""
        _, group = self.layout.group(name)
        own_cpu = isinstance(index, Const) and index.value == 0 and group.role == "cpu"
        if group.role == "global" or own_cpu:
            return _fixed(group.base)
        first = group.base - (0 if group.role == "cpu" else 1)
        return shifted(self._of(index, through), first)


def _fixed(index: int) -> frozenset[Point]:
    return frozenset({Point("", shift=index)})


def shifted(points: Points, by: int) -> Points:
    """Return points with their indices shifted."""
    if points is None:
        return None
    return frozenset(point._replace(shift=point.shift + by) for point in points)


def _either(some: Points, others: Points) -> Points:
    return None if some is None or others is None else some | others
