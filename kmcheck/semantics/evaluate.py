"""The meaning of expressions: each is a function from a state and an instance to a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kmcheck.diagnostics import Span
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
from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.types import Counter, SetOf, first_code
from kmcheck.residual import Residual, conjunction, disjunction, negation
from kmcheck.semantics.addresses import Meaning, container, element, embedded, lives_in, load
from kmcheck.semantics.applied import apply
from kmcheck.semantics.domains import alive, closure, running
from kmcheck.semantics.faults import Fault, Undecided
from kmcheck.semantics.operations import form_operations, members
from kmcheck.semantics.positions import position
from kmcheck.semantics.watch import Observer


class Evaluator:
    """Turns the expressions of one template (or of the properties) into their meanings."""

    def __init__(
        self, layout: Layout, template: str | None, observer: Observer | None = None
    ) -> None:
        self.layout = layout
        self.template = template
        self.observer = observer
        self.cells = [0] * layout.program.cells
        self.previous: list[Any] = []
        self.charge: Callable[[int], None] | None = None
        """Whom to tell how much is gone through, where that has a limit."""
        self.forms = form_operations(layout.symbols)

    def of(self, expr: Expr) -> Meaning:
        """Return the meaning of an expression."""
        match expr:
            case Const(value):
                if isinstance(expr.type, Counter):
                    zero = self.layout.zero(expr.type)
                    return lambda s, p: zero
                return lambda s, p: value
            case Var(name):
                base = self.layout.variables[self.template or "", name]
                return lambda s, p: s[base + p]
            case Initialised(var):
                return self._initialised(var)
            case Bound(cell):
                cells = self.cells
                return lambda s, p: cells[cell]
            case Self():
                first = self.layout.first_process.get(self.template or "", 0) + 1
                return lambda s, p: first + p
            case Load():
                return load(self.layout, self.of(expr.ref), expr, self.observer)
            case Embedded(ref, kind, field):
                return embedded(self.layout, self.of(ref), kind, field, expr.span)
            case Container(ref, kind, field):
                return container(self.layout, self.of(ref), kind, field, expr.span)
            case LivesIn(ref, kind, field):
                return lives_in(self.layout, self.of(ref), kind, field)
            case Element(group, index):
                return element(self.layout, group, self.of(index), index, expr.span)
            case Op(name="form_eq" | "form_ne" | "form_lt" | "form_le" | "form_gt" | "form_ge"):
                return _decided(self.formula(expr), expr.span)
            case Op():
                return apply(expr, [self.of(a) for a in expr.args], self.forms)
            case And(args):
                parts = [self.of(a) for a in args]
                return lambda s, p: all(f(s, p) for f in parts)
            case Or(args):
                parts = [self.of(a) for a in args]
                return lambda s, p: any(f(s, p) for f in parts)
            case Cond(test, then, other):
                t, a, b = self.of(test), self.of(then), self.of(other)
                return lambda s, p: a(s, p) if t(s, p) else b(s, p)
            case Quantifier():
                return self._quantifier(expr)
            case Alive(kind):
                return alive(self.layout, kind)
            case Running():
                return running(self.layout)
            case Closure(origin, kind, field):
                return closure(self.layout, self.of(origin), kind, field)
            case Before(value):
                f = self.of(value)
                return lambda s, p: f(self.previous, p)
            case Position():
                return position(self.layout, self.of(expr.process), expr)
            case Slots(kind):
                pool = self.layout.pool(kind)
                return lambda s, p: pool

    def formula(self, expr: Expr) -> Meaning:
        """Return the meaning of a truth value that may depend on sizes: a residual."""
        match expr:
            case And(args):
                parts = [self.formula(a) for a in args]
                return lambda s, p: _until((f(s, p) for f in parts), conjunction, stop=False)
            case Or(args):
                parts = [self.formula(a) for a in args]
                return lambda s, p: _until((f(s, p) for f in parts), disjunction, stop=True)
            case Op(name="not", args=(inner,)):
                f = self.formula(inner)
                return lambda s, p: negation(f(s, p))
            case Cond(test, then, other):
                t, a, b = self.of(test), self.formula(then), self.formula(other)
                return lambda s, p: a(s, p) if t(s, p) else b(s, p)
            case Quantifier(what="all" | "any" as what, body=body):
                gather = conjunction if what == "all" else disjunction
                values = self._each(expr, self.formula(body))
                return lambda s, p: _until(values(s, p), gather, stop=what == "any")
            case Op(name="form_eq" | "form_ne" | "form_lt" | "form_le" | "form_gt" | "form_ge"):
                return apply(expr, [self.of(a) for a in expr.args], self.forms)
            case _:
                f = self.of(expr)
                return lambda s, p: bool(f(s, p))

    def _initialised(self, var: Var) -> Meaning:
        base = self.layout.variables[self.template or "", var.name]

        def read(s: list[Any], p: int) -> Any:
            value = s[base + p]
            if value == UNINITIALISED:
                name = var.name.split("@")[0]
                raise Fault(
                    "uninitialised-read", f"`{name}` is read before it is assigned", var.span
                )
            return value

        return read

    def _quantifier(self, expr: Quantifier) -> Meaning:
        values = self._each(expr, self.of(expr.body))
        match expr.what:
            case "all":
                return lambda s, p: all(values(s, p))
            case "any":
                return lambda s, p: any(values(s, p))
            case "count":
                return lambda s, p: sum(1 for _ in values(s, p))
            case "filter":
                first = first_code(expr.type.element) if isinstance(expr.type, SetOf) else 0
                return lambda s, p: sum(1 << (v - first) for v in values(s, p))
            case "total" if isinstance(expr.type, Counter):
                zero, add = self.layout.zero(expr.type), self.forms["form_add"]

                def total(s: list[Any], p: int) -> Any:
                    result = zero
                    for value in values(s, p):
                        result = add(result, value)
                    return result

                return total
            case _:
                return lambda s, p: sum(values(s, p))

    def _charged(self, domain: Meaning) -> Meaning:
        """Return a quantifier's domain; each time it is gone through, that is charged."""
        charge = self.charge
        if charge is None:
            return domain

        def charged(s: list[Any], p: int) -> Any:
            found = domain(s, p)
            charge(1 + (found.bit_count() if isinstance(found, int) else len(found)))
            return found

        return charged

    def _each(self, expr: Quantifier, body: Meaning) -> Meaning:
        domain, where = self._charged(self.of(expr.domain)), self.of(expr.where)
        cells, cell = self.cells, expr.cell
        element = expr.domain.type
        if not isinstance(element, SetOf):

            def sequence(s: list[Any], p: int) -> Any:
                for value in domain(s, p):
                    cells[cell] = value
                    if where(s, p):
                        yield body(s, p)

            return sequence
        first = first_code(element.element)

        def values(s: list[Any], p: int) -> Any:
            for value in members(domain(s, p), first):
                cells[cell] = value
                if where(s, p):
                    yield body(s, p)

        return values


def _decided(formula: Meaning, span: Span) -> Meaning:
    """Return a comparison where it is to be true or false, and not a question to the solver."""

    def decide(s: list[Any], p: int) -> bool:
        value = formula(s, p)
        if not isinstance(value, bool):
            raise Undecided(span)
        return value

    return decide


def _until(
    parts: Iterable[Residual], gather: Callable[[list[Residual]], Residual], *, stop: bool
) -> Residual:
    """Gather parts, up to the first that decides the whole."""
    found: list[Residual] = []
    for part in parts:
        if part is stop:
            return stop
        found.append(part)
    return gather(found)
