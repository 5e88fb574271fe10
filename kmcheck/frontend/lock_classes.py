"""Numbers the classes of locks in an order, and writes the checks of that order."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.diagnostics import Span
from kmcheck.frontend.lock_order import CONTEXTS, in_order, told
from kmcheck.frontend.report import GivenUp
from kmcheck.frontend.world import World
from kmcheck.ir.code import Call, Check
from kmcheck.ir.expr import And, Cond, Const, Element, Embedded, Expr, LivesIn, Op
from kmcheck.ir.program import LOCK_ORDER
from kmcheck.ir.types import BOOL, LOCK_CLASS, Int, Ref

LAST_SUBCLASS = 7
"""As in the kernel, MAX_LOCKDEP_SUBCLASSES. The primitives take no higher one."""


class LockClasses:
    """The classes of the locks that a spec has, as far as they are known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.locks = world.locks

    def number(self, lock: Expr, subclass: Expr, span: Span) -> Expr:
        """Return the number of a lock's class."""
        self._learn(lock, 0)
        numbers = self._numbers(span)
        *some, last = self._cases(lock, subclass)
        number: Expr = Const(numbers[last[0]], LOCK_CLASS, span)
        for name, test in reversed(some):
            number = Cond(test, Const(numbers[name], LOCK_CLASS, span), number, LOCK_CLASS, span)
        return number

    def checks(
        self, held: Expr, lock: Expr, subclass: Expr, calls: tuple[Call, ...], span: Span
    ) -> Iterator[Check]:
        """Yield the checks that no lock is held which is to be taken later, or is of this class."""
        self._learn(lock, _highest(subclass))
        numbers = self._numbers(span)
        for taken, test in self._cases(lock, subclass):
            for other, number in numbers.items():
                if number < numbers[taken]:
                    continue
                text, wrong = told(self.locks.edges, other, taken)
                if not wrong:
                    self.locks.messages[text] = (other, taken)
                has = Op("has", (held, Const(number, LOCK_CLASS, span)), BOOL, span)
                free = Op("not", (_both(test, has, span),), BOOL, span)
                yield Check(free, LOCK_ORDER, text, None, calls, span)

    def _learn(self, lock: Expr, subclass: int) -> None:
        """Note that locks of a kind have classes up to this subclass."""
        assert isinstance(lock.type, Ref)
        kind = lock.type.kind
        if subclass > self.locks.kinds.get(kind, -1):
            self.locks.kinds[kind] = subclass
            self.world.changed = True

    def _numbers(self, span: Span) -> dict[str, int]:
        """Return the number of each class.

        Raises:
            GivenUp: there are too many.
        """
        names = self._names()
        if len(names) > LOCK_CLASS.hi + 1:
            title = f"with subclasses, there are more than {LOCK_CLASS.hi + 1} classes of locks"
            hint = "check the order of fewer locks, or take them as fewer subclasses"
            self.world.reporter.report("K095", title, span, "", hint)
            raise GivenUp
        ordered = in_order(names, self.locks.edges)
        return {name: number for number, name in enumerate(ordered)}

    def _names(self) -> list[str]:
        """Return the classes: those of fields and globals, and of locks that live alone."""
        kinds = self.locks.kinds
        names = [
            (f"{owner}.{field}", inner)
            for owner, info in self.world.kinds.items()
            for field, inner in info.embedded.items()
            if inner in kinds
        ]
        own = [(g.name, g.kind) for g in self.world.globals if g.kind in kinds]
        alone = [(kind, kind) for kind in sorted(kinds)]
        plain = [*names, *((n, kind) for n, kind in own if n not in CONTEXTS), *alone]
        levels = range(max(kinds.values()) + 1)
        nested = [_named(n, level) for level in levels for n, kind in plain if level <= kinds[kind]]
        return [*nested, *CONTEXTS]

    def _cases(self, lock: Expr, subclass: Expr) -> list[tuple[str, Expr]]:
        """Return the classes that a lock may belong to, each with the test for it."""
        assert isinstance(lock.type, Ref)
        if isinstance(subclass, Const):
            return self._places(lock, _highest(subclass))
        cases, span = [], lock.span
        for level in range(self.locks.kinds[lock.type.kind] + 1):
            same = Op("eq", (subclass, Const(level, subclass.type, span)), BOOL, span)
            for name, test in self._places(lock, level):
                cases.append((name, _both(same, test, span)))
        return cases

    def _places(self, lock: Expr, level: int) -> list[tuple[str, Expr]]:
        """Return the classes that a lock of a subclass may belong to, each with the test for it."""
        assert isinstance(lock.type, Ref)
        kind, span = lock.type.kind, lock.span
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


def _highest(subclass: Expr) -> int:
    """Return the highest that a subclass may be."""
    if isinstance(subclass, Const):
        return int(str(subclass.value))
    assert isinstance(subclass.type, Int)
    return min(subclass.type.hi, LAST_SUBCLASS)


def _both(first: Expr, second: Expr, span: Span) -> Expr:
    parts = tuple(part for part in (first, second) if part != _true(span))
    return And(parts, BOOL, span) if len(parts) > 1 else parts[0]


def _true(span: Span) -> Expr:
    return Const(1, BOOL, span)


def _is_global(lock: Expr, name: str, span: Span) -> Expr:
    element = Element(name, Const(0, LOCK_CLASS, span), lock.type, span)
    return Op("same", (lock, element), BOOL, span)


def _any(tests: list[Expr], span: Span) -> Expr:
    nothing = [Op("not", (test,), BOOL, span) for test in tests]
    return Op("not", (And(tuple(nothing), BOOL, span),), BOOL, span) if tests else _true(span)
