"""What a name means inside of a function that is being lowered."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.diagnostics import Span
from kmcheck.frontend.symbols import Broken, FunctionSymbol, KindSymbol, Module
from kmcheck.ir.expr import Expr
from kmcheck.ir.types import Type


@dataclass(frozen=True, slots=True)
class Local:
    """A variable of the process."""

    slot: str
    type: Type


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a value that does not change while the name is in scope."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Static:
    """A class or a function, known at compile time."""

    symbol: KindSymbol | FunctionSymbol


@dataclass(frozen=True, slots=True)
class Place:
    """A field of an object (or one element of it): what a load reads and a store writes."""

    ref: Expr
    kind: str
    field: str
    index: Expr | None
    type: Type


Binding = Local | Alias | Static | Place | Broken


@dataclass(slots=True)
class Loop:
    """An enclosing loop: where `continue` and `break` go, and what is assigned at each `break`."""

    again: int
    out: int
    ghost: bool = False
    """Whether it is a loop of ghost code."""
    left_with: list[set[str]] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """A function being lowered: its names, and where its `return`, `break` and `continue` go."""

    function: FunctionSymbol
    module: Module
    names: dict[str, Binding] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()
    """Names that the function assigns, so that they need a variable."""
    sure: set[str] = field(default_factory=set)
    """Names that have been assigned on every way that leads here."""
    real: frozenset[str] | None = None
    """While ghost code in it is lowered: the names that are not that code's own."""
    ghosts: dict[str, Binding] = field(default_factory=dict)
    """Names that its ghost code has given values: only ghost code knows them."""
    unset: set[str] = field(default_factory=set)
    """Variables that may be read before they are assigned, so that this is to be noticed."""
    entry: tuple[int, int] = (0, 0)
    """Where the function's code begins: a block, and how many instructions into it."""
    slots: list[str] = field(default_factory=list)
    """The variables of its own, to be reset when it returns."""
    exit: int | None = None
    result: str | None = None
    result_type: Type | None = None
    value: Expr | None = None
    """The returned value, where there is one `return` and it comes last."""
    loops: list[Loop] = field(default_factory=list)
    caller: Frame | None = None
    at: Span | None = None
    """Where it is called, in the caller's file."""
    broken: bool = False
    """Whether something in it was refused, so that what it returns is anybody's guess."""
