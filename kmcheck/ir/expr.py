"""Expressions: values computed from a state, in one go and without changing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kmcheck.diagnostics import Span
from kmcheck.ir.operations import OpName
from kmcheck.ir.types import Type


def _span() -> Span:
    return field(compare=False, repr=False)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Const:
    """A constant, already encoded."""

    value: int | tuple[int, ...]
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Var:
    """A local variable of the running process."""

    name: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Initialised:
    """The value of a local that may be unassigned here: reading it then is a violation."""

    var: Var
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Bound:
    """The variable of an enclosing quantifier, or a parameter of a property."""

    cell: int
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Self:
    """The running process."""

    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Load:
    """The value of a field. Following null or a stale reference is a violation."""

    ref: Expr
    kind: str
    field: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Embedded:
    """The address of an object that lives in a field of another."""

    ref: Expr
    kind: str
    field: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Container:
    """The address of the object of `kind` in whose `field` another one lives."""

    ref: Expr
    kind: str
    field: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class LivesIn:
    """Whether an object lives in `field` of an object of `kind`."""

    ref: Expr
    kind: str
    field: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Element:
    """The address of element `index` of a global group: the one, or one per CPU or process."""

    group: str
    index: Expr
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Op:
    """A built-in operation; its meaning is in the table of `semantics`."""

    name: OpName
    args: tuple[Expr, ...]
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class And:
    """True if all are; those behind the first false one are not evaluated."""

    args: tuple[Expr, ...]
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Or:
    """True if any is; those behind the first true one are not evaluated."""

    args: tuple[Expr, ...]
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Cond:
    """`then if test else other`; only one of the two is evaluated."""

    test: Expr
    then: Expr
    other: Expr
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Quantifier:
    """A value over the members of a set for which `where` holds.

    `all` and `any` of `body`; `count` of members; `total` of `body` as a linear form or an
    integer; `filter`: the set of the members.
    """

    what: Literal["all", "any", "count", "total", "filter"]
    cell: int
    domain: Expr
    where: Expr
    body: Expr
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Alive:
    """The set of the live objects of a kind."""

    kind: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Running:
    """The set of the processes that have been started and have not ended."""

    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Closure:
    """The set of `origin` and what is reached from it through `field`, live objects only."""

    origin: Expr
    kind: str
    field: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Before:
    """The value of an expression in the state before the step."""

    value: Expr
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Position:
    """Whether a process has begun, has ended, or is inside a call of `function`."""

    what: Literal["begun", "ended", "inside"]
    process: Expr
    function: str
    type: Type
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots a kind's pool has; only limits say this."""

    kind: str
    type: Type
    span: Span = _span()


Expr = (
    Const
    | Var
    | Initialised
    | Bound
    | Self
    | Load
    | Embedded
    | Container
    | LivesIn
    | Element
    | Op
    | And
    | Or
    | Cond
    | Quantifier
    | Alive
    | Running
    | Closure
    | Before
    | Position
    | Slots
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct subexpressions, in order of evaluation."""
    match expr:
        case Const() | Var() | Bound() | Self() | Alive() | Running() | Slots():
            return ()
        case Initialised(var=inner):
            return (inner,)
        case Load(ref=inner) | Embedded(ref=inner) | Container(ref=inner) | LivesIn(ref=inner):
            return (inner,)
        case Element(index=inner) | Closure(origin=inner):
            return (inner,)
        case Before(value=inner) | Position(process=inner):
            return (inner,)
        case Op(args=args) | And(args=args) | Or(args=args):
            return args
        case Cond(test, then, other):
            return (test, then, other)
        case Quantifier(domain=domain, where=where, body=body):
            return (domain, where, body)


def walk(expr: Expr) -> list[Expr]:
    """Return the expression and all below it, parents first."""
    found = [expr]
    for node in found:
        found.extend(children(node))
    return found
