"""Numbers the classes of locks in an order, and writes the checks of that order."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.diagnostics import Span
from kmcheck.frontend.lock_order import CONTEXTS, in_order, told
from kmcheck.frontend.world import World
from kmcheck.ir.code import Call, Check
from kmcheck.ir.expr import And, Cond, Const, Element, Embedded, Expr, LivesIn, Op
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.ir.types import BOOL, LOCK_CLASS, Ref


class LockClasses:
    """The classes of the locks that a spec has, as far as they are known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.locks = world.locks

    def number(self, lock: Expr, subclass: Expr, span: Span) -> Expr:
        """Return the number of a lock's class."""
        numbers = self._numbers(lock, subclass)
        *some, last = self._cases(lock, subclass)
        number: Expr = Const(numbers[last[0]], LOCK_CLASS, span)
        for name, test in reversed(some):
            number = Cond(test, Const(numbers[name], LOCK_CLASS, span), number, LOCK_CLASS, span)
        return number

    def checks(
        self, held: Expr, lock: Expr, subclass: Expr, calls: tuple[Call, ...], span: Span
    ) -> Iterator[Check]:
        """Yield the checks that no lock is held which is to be taken later, or is of this class."""
        numbers = self._numbers(lock, subclass)
        for taken, test in self._cases(lock, subclass):
            for other, number in numbers.items():
                if number < numbers[taken]:
                    continue
                text, wrong = told(self.locks.edges, other, taken)
                if not wrong:
                    self.locks.messages[text] = (other, taken)
                has = Op("has", (held, Const(number, LOCK_CLASS, span)), BOOL, span)
                both = has if test == _true(span) else And((test, has), BOOL, span)
                free = Op("not", (both,), BOOL, span)
                yield Check(free, LOCK_ORDER, text, None, calls, span)

    def _numbers(self, lock: Expr, subclass: Expr) -> dict[str, int]:
        assert isinstance(lock.type, Ref)
        assert isinstance(subclass, Const)
        assert isinstance(subclass.value, int)
        if lock.type.kind not in self.locks.kinds or subclass.value > self.locks.nested:
            self.locks.kinds.add(lock.type.kind)
            self.locks.nested = max(self.locks.nested, subclass.value)
            self.world.changed = True
        ordered = in_order(self._names(), self.locks.edges)
        return {name: number for number, name in enumerate(ordered)}

    def _names(self) -> list[str]:
        """Return the classes: those of fields and globals, and of locks that live alone."""
        names = [
            f"{owner}.{field}"
            for owner, info in self.world.kinds.items()
            for field, inner in info.embedded.items()
            if inner in self.locks.kinds
        ]
        own = [g.name for g in self.world.globals if g.kind in self.locks.kinds]
        plain = [*names, *(n for n in own if n not in CONTEXTS), *sorted(self.locks.kinds)]
        nested = [_named(name, level) for level in range(self.locks.nested + 1) for name in plain]
        return [*nested, *CONTEXTS]

    def _cases(self, lock: Expr, subclass: Expr) -> list[tuple[str, Expr]]:
        """Return the classes that a lock may belong to, each with the test for it."""
        assert isinstance(lock.type, Ref)
        assert isinstance(subclass, Const)
        level, kind, span = int(str(subclass.value)), lock.type.kind, lock.span
        always = _true(span)
        match lock:
            case Embedded(kind=owner, field=field):
                return [(_named(f"{owner}.{field}", level), always)]
            case Element(group=group):
                return [(_named(group, level), always)]
        cases: list[tuple[str, Expr]] = [
            (_named(f"{owner}.{field}", level), LivesIn(lock, owner, field, BOOL, span))
            for owner, info in self.world.kinds.items()
            for field, inner in info.embedded.items()
            if inner == kind
        ]
        cases += [
            (_named(g.name, level), _is_global(lock, g.name, span))
            for g in self.world.globals
            if g.kind == kind and g.per == "system"
        ]
        apart = Op("not", (_any([test for _, test in cases], span),), BOOL, span)
        return [*cases, (_named(kind, level), apart if cases else always)]


def _named(name: str, level: int) -> str:
    return name if level == 0 or name in CONTEXTS else f"{name}/{level}"


def _true(span: Span) -> Expr:
    return Const(1, BOOL, span)


def _is_global(lock: Expr, name: str, span: Span) -> Expr:
    element = Element(name, Const(0, LOCK_CLASS, span), lock.type, span)
    return Op("same", (lock, element), BOOL, span)


def _any(tests: list[Expr], span: Span) -> Expr:
    nothing = [Op("not", (test,), BOOL, span) for test in tests]
    return Op("not", (And(tuple(nothing), BOOL, span),), BOOL, span) if tests else _true(span)
