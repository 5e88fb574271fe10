"""Linear forms over sizes in code, and truth that may depend on sizes: 0, 1, or 2 for unknown."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.emit import I1, I32, UNDECIDED, Value, i64
from kmcheck.engines.native.lists import Lists
from kmcheck.ir.types import COUNTER

NO, YES, UNKNOWN = range(3)
"""A truth value over sizes: whether it holds for all sizes is the solver's to say if unknown."""


class Forms(Lists):
    """Writes the operations on linear forms: a constant, and a coefficient for each size."""

    def lanes(self, form: Value) -> list[Value]:
        """Return the constant and the coefficients."""
        count = 1 + self.layout.symbols
        return [self.builder.extract_element(form, ir.Constant(I32, i)) for i in range(count)]

    def form(self, lanes: list[Value]) -> Value:
        """Return the form with this constant and these coefficients."""
        value: Value = ir.Constant(self.shapes.of(COUNTER), ir.Undefined)
        for at, lane in enumerate(lanes):
            value = self.builder.insert_element(value, lane, ir.Constant(I32, at))
        return value

    def form_int(self, number: Value) -> Value:
        """Return a form that is a constant."""
        return self.form([number, *[i64(0)] * self.layout.symbols])

    def form_size(self, symbol: Value) -> Value:
        """Return a form that is one size; no size makes zero."""
        b = self.builder
        symbols = range(1, 1 + self.layout.symbols)
        ones = [self.wide(b.icmp_unsigned("==", symbol, i64(i))) for i in symbols]
        return self.form([i64(0), *ones])

    def form_is_zero(self, form: Value) -> Value:
        """Return whether a form is zero; where the sizes decide, the step ends."""
        b = self.builder
        lanes = self.lanes(form)
        zero = i64(0)
        some: Value = ir.Constant(I1, 0)
        below, above = some, some
        for lane in lanes:
            below = b.or_(below, b.icmp_signed("<", lane, zero))
            above = b.or_(above, b.icmp_signed(">", lane, zero))
        self.fail_if(b.and_(below, above), UNDECIDED)
        return b.not_(b.or_(below, above))

    def compared(self, operator: str, left: Value, right: Value) -> Value:
        """Return a comparison as a truth value over sizes: unknown unless all sizes cancel."""
        b = self.builder
        if operator in ("gt", "ge"):
            left, right = right, left
            operator = {"gt": "lt", "ge": "le"}[operator]
        constant, *sizes = self.lanes(b.sub(left, right))
        some: Value = i64(0)
        for lane in sizes:
            some = b.or_(some, lane)
        sign = {"eq": "==", "ne": "!=", "le": "<=", "lt": "<"}[operator]
        known = self.wide(b.icmp_signed(sign, constant, i64(0)))
        return b.select(self.truth(some), i64(UNKNOWN), known)

    def decided(self, truth: Value) -> Value:
        """Return a truth value where it is not the solver's to say; else the step ends."""
        self.fail_if(self.builder.icmp_unsigned("==", truth, i64(UNKNOWN)), UNDECIDED)
        return self.truth(truth)
