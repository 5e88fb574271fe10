"""Addresses: following one, and getting from an object to what lives in it and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Const, Expr, Load
from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.semantics.faults import Fault
from kmcheck.semantics.watch import Observer

Meaning = Callable[[list[Any], int], Any]
"""The value of an expression in a state, for an instance of the template it stands in."""


def index_of(
    reference: int, span: Span, kind: str, action: str = "followed", field: str = ""
) -> int:
    """Return the slot that a reference points to.

    Raises:
        Fault: it is null (`null-deref`), stale (`use-after-free`) or was never assigned.
    """
    if reference > 0 and not reference & 1:
        return (reference >> 1) - 1
    if reference == UNINITIALISED:
        raise Fault("uninitialised-read", f"a pointer that was never assigned is {action}", span)
    if reference == 0:
        raise Fault("null-deref", f"a NULL pointer to {kind} is {action}", span, field=field)
    thing = (kind, (reference >> 1) - 1)
    raise Fault(
        "use-after-free", f"a pointer to a freed {kind} is {action}", span, thing, field=field
    )


def load(layout: Layout, ref: Meaning, expr: Load, observer: Observer | None) -> Meaning:
    """Return what loads a field; an observer is told."""
    kind, field, span = expr.kind, expr.field, expr.span
    base = layout.fields[kind, field] - 1
    checked = layout.program.kinds[kind].may_be_uninitialised

    def plain(s: list[Any], p: int) -> Any:
        v = ref(s, p)
        if v <= 0 or v & 1:
            index_of(v, span, kind, field=field)
        return s[base + (v >> 1)]

    if observer is None and not checked:
        return plain

    def careful(s: list[Any], p: int) -> Any:
        value = plain(s, p)
        index = (ref(s, p) >> 1) - 1
        if value == UNINITIALISED:
            message = f"{kind}.{field} is read before it is written"
            raise Fault("uninitialised-read", message, span, (kind, index))
        if observer is not None:
            observer.loaded(kind, index, field, value, span)
        return value

    return careful


def embedded(layout: Layout, ref: Meaning, kind: str, field: str, span: Span) -> Meaning:
    """Return the address of what lives in a field of an object."""
    _, group = layout.embedded(kind, field)
    shift = 2 * group.base

    def address(s: list[Any], p: int) -> int:
        v: int = ref(s, p)
        if v <= 0:
            index_of(v, span, kind)
        return v + shift

    return address


def container(layout: Layout, ref: Meaning, kind: str, field: str, span: Span) -> Meaning:
    """Return the address of the object in whose field another lives."""
    inner, group = layout.embedded(kind, field)
    low, high, shift = 2 * (group.base + 1), 2 * (group.base + group.count) + 1, 2 * group.base

    def address(s: list[Any], p: int) -> int:
        v: int = ref(s, p)
        if v <= 0:
            index_of(v, span, inner)
        if not low <= v <= high:
            message = f"container_of: this {inner} does not live in {kind}.{field}"
            raise Fault("assertion", message, span, (inner, (v >> 1) - 1))
        return v - shift

    return address


def lives_in(layout: Layout, ref: Meaning, kind: str, field: str) -> Meaning:
    """Return whether an object lives in a field of a kind."""
    _, group = layout.embedded(kind, field)
    low, high = 2 * (group.base + 1), 2 * (group.base + group.count) + 1
    return lambda s, p: low <= ref(s, p) <= high


def element(layout: Layout, name: str, index: Meaning, shown: Expr, span: Span) -> Meaning:
    """Return the address of one object of a global group."""
    _, group = layout.group(name)
    own_cpu = isinstance(shown, Const) and shown.value == 0 and group.role == "cpu"
    if group.role == "global" or own_cpu:
        fixed = 2 * (group.base + 1)
        return lambda s, p: fixed
    first = group.base + (1 if group.role == "cpu" else 0)

    def address(s: list[Any], p: int) -> int:
        i: int = index(s, p)
        at = i if group.role == "cpu" else i - 1
        if not 0 <= at < group.count:
            raise Fault("range", f"there is no {name} number {at}", span)
        return 2 * (first + i)

    return address
