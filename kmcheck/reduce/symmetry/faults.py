"""Which violations evaluating an expression may end in: where there are several, order matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kmcheck.ir.expr import (
    Alive,
    And,
    Bound,
    Closure,
    Cond,
    Const,
    Container,
    Element,
    Embedded,
    Expr,
    Initialised,
    Load,
    Op,
    Or,
    Quantifier,
    Self,
    Var,
    children,
)
from kmcheck.ir.layout import Layout
from kmcheck.ir.types import ArrayOf, Int, ProcessId, Ref, SetOf

COMPARISONS = {"form_eq", "form_ne", "form_lt", "form_le", "form_gt", "form_ge"}
ON_LINKS = {"list_append", "list_push", "list_remove", "list_after", "list_rest", "list_concat"}

Kinds = frozenset[str]
NOTHING: Kinds = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of quantifiers' variables: which are not null, and which are alive.

    `members` are local variables that hold a member of a set.
    """

    members: frozenset[str] = frozenset()
    some: frozenset[int] = frozenset()
    alive: frozenset[int] = frozenset()

    def within(self, cell: int, domain: Expr) -> Known:
        """Return what is known below a quantifier over a domain."""
        some = self.some if isinstance(domain.type, ArrayOf) else self.some | {cell}
        lives = isinstance(domain, (Alive, Closure))
        return Known(self.members, some, self.alive | {cell} if lives else self.alive)


@dataclass(slots=True)
class Faults:
    """Tells what may go wrong in expressions. `Undecided` counts as a violation here."""

    layout: Layout
    dangling: frozenset[str]
    """Kinds an address of which may be stale."""
    cells: dict[int, bool] = field(default_factory=dict)

    def of(self, expr: Expr, known: Known, *, formula: bool = False) -> Kinds:
        """Return the violations; in a `formula` comparisons of sizes are the solver's."""
        match expr:
            case Op(name=name, args=args) if name in COMPARISONS:
                below = self._all(args, known)
                return below if formula else below | {"undecided"}
            case And(args=args) | Or(args=args) | Op(name="not", args=args):
                return NOTHING.union(*(self.of(a, known, formula=formula) for a in args))
            case Cond(test, then, other):
                arms = (self.of(a, known, formula=formula) for a in (then, other))
                return self.of(test, known).union(*arms)
            case Quantifier():
                return self.of(expr.domain, known) | self.inside(expr, known, formula=formula)
            case _:
                return self._all(children(expr), known) | self._own(expr, known)

    def inside(self, expr: Quantifier, known: Known, *, formula: bool) -> Kinds:
        """Return what may go wrong with a member of a quantifier's domain."""
        below = known.within(expr.cell, expr.domain)
        logic = formula and expr.what in ("all", "any")
        return self.of(expr.where, below) | self.of(expr.body, below, formula=logic)

    def _all(self, args: tuple[Expr, ...], known: Known) -> Kinds:
        return NOTHING.union(*(self.of(a, known) for a in args))

    def _own(self, expr: Expr, known: Known) -> Kinds:
        """Return what may go wrong in an expression itself, not below it."""
        match expr:
            case Load(ref=ref, kind=kind):
                raw = self.layout.program.kinds[kind].may_be_uninitialised
                return self.followed(ref, kind, known) | ({"uninitialised-read"} if raw else set())
            case Embedded(ref=ref):
                return NOTHING if self._is_some(ref, known) else frozenset({"null-deref"})
            case Container(ref=ref):
                null = set() if self._is_some(ref, known) else {"null-deref"}
                return frozenset({"assertion", *null})
            case Element():
                return NOTHING if self._exists(expr, known) else frozenset({"range"})
            case Initialised():
                return frozenset({"uninitialised-read"})
            case Op():
                return frozenset(_of_operation(expr))
            case _:
                return NOTHING

    def followed(self, ref: Expr, kind: str, known: Known) -> Kinds:
        """Return what may go wrong where a reference is followed."""
        found = set() if self._is_some(ref, known) else {"null-deref"}
        if kind in self.dangling and not self._is_alive(ref, known):
            found.add("use-after-free")
        return frozenset(found)

    def _is_some(self, ref: Expr, known: Known) -> bool:
        match ref:
            case Element() | Embedded() | Container():
                return True
            case Bound(cell=cell):
                return cell in known.some
            case Var(name=name):
                return name in known.members
            case _:
                return False

    def _is_alive(self, ref: Expr, known: Known) -> bool:
        match ref:
            case Element():
                return True
            case Embedded(ref=inner):
                return self._is_alive(inner, known)
            case Bound(cell=cell):
                return cell in known.alive
            case _:
                return False

    def _exists(self, expr: Element, known: Known) -> bool:
        role = self.layout.group(expr.group)[1].role
        index = expr.index
        if role == "global":
            return True
        if role == "cpu":
            return isinstance(index, Const) and index.value == 0
        return isinstance(index, Self) or (
            isinstance(index.type, ProcessId) and self._is_some(index, known)
        )


def _of_operation(expr: Op) -> Iterator[str]:
    match expr.name:
        case "with":
            yield "list-corruption"
            if isinstance(expr.type, SetOf) and isinstance(expr.type.element, Int):
                yield "range"
        case "remove":
            yield "list-corruption"
        case "linked":
            yield "use-after-free"
        case name if name in ON_LINKS:
            yield from ("list-corruption", "use-after-free")
        case "array_get" | "array_set" | "div" | "mod":
            yield "range"
        case "form_is_zero":
            yield "undecided"
        case _:
            pass


def pointed(kind: object) -> str | None:
    """Return the kind that values of a type point to."""
    while not isinstance(kind, Ref):
        kind = getattr(kind, "element", None)
        if kind is None:
            return None
    return kind.kind
