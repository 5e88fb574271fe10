"""A program: the kinds of objects, the code of the processes, and what must be true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kmcheck.diagnostics import Source, Span
from kmcheck.ir.code import Template
from kmcheck.ir.expr import Expr
from kmcheck.ir.types import Type

BUILT_IN = (
    "use-after-free",
    "double-free",
    "bad-free",
    "null-deref",
    "uninitialised-read",
    "range",
    "list-corruption",
    "assertion",
    "endless-step",
    "deadlock",
    "leak",
)
"""Violations that every spec is checked for, whatever it says."""

LIVENESS = ("livelock", "starvation")
"""Built-in violations of runs that never end: asked for only if somebody wants that."""

DATA_RACE = "data-race"
"""Two accesses at the same time, one of them a store, one of them not marked: asked for only."""

When = Literal["always", "finally", "rest", "step", "eventually", "leads_to", "recurring"]
"""What a property is about: states, ends, rest, steps; or, the last three, runs that go on."""

ENDLESS: tuple[When, ...] = ("eventually", "leads_to", "recurring")
"""What is decided by all that a run does, and not by any state or step of it."""

LOCK_ORDER = "lock-order"
"""The violation of taking locks in an order that other code contradicts."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field: its type; `ghost` is for properties only, `private` is touched by its owner only."""

    type: Type
    ghost: bool = False
    private: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its fields, the objects embedded in it, its limit."""

    name: str
    fields: dict[str, FieldInfo]
    embedded: dict[str, str]
    limit: Expr | None
    allocated_by_processes: bool
    may_be_uninitialised: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Global:
    """Objects that exist before setup and are never freed: one, or one per CPU or per process."""

    name: str
    kind: str
    per: Literal["system", "cpu", "process"]


@dataclass(frozen=True, slots=True)
class Property:
    """Something to hold. `parameters` are quantified over the live objects of their kinds.

    `symbolic` means that it speaks of sizes, so that a solver has the last word.
    """

    name: str
    when: When
    parameters: tuple[tuple[int, str, Expr], ...]
    """(cell, name, domain) of each parameter."""
    formula: Expr
    symbolic: bool
    span: Span = field(compare=False, repr=False)
    trigger: Expr | None = None
    """Of `leads_to`: what the formula has to come after."""

    @property
    def asks(self) -> tuple[Expr, ...]:
        """Return all that is evaluated: the formula, the trigger, what parameters range over."""
        trigger = () if self.trigger is None else (self.trigger,)
        return (self.formula, *trigger, *(domain for _, _, domain in self.parameters))


@dataclass(frozen=True, slots=True)
class Setting:
    """A bound or a choice, with the value that this program was compiled for.

    `value` is an int, a bool or the name of an enumeration's member.
    """

    name: str
    kind: Literal["bound", "choice"]
    value: int | bool | str
    default: int | bool | str
    options: tuple[str, ...]
    doc: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Program:
    """Everything a spec says, with its settings filled in."""

    name: str
    source: Source
    digest: str
    doc: str
    kinds: dict[str, Kind]
    globals: tuple[Global, ...]
    templates: dict[str, Template]
    """In the order of the spec; `setup` is one of them."""
    properties: tuple[Property, ...]
    settings: tuple[Setting, ...]
    functions: dict[str, tuple[str, ...]]
    """For each field that holds functions (`Work.fn`): those ever stored there."""
    cells: int
    """How many quantifier variables there are."""
    idle: tuple[tuple[str, Span], ...] = ()
    """Processes of the spec that nothing starts, though no choice leaves them out; and where."""
    lock_orders: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Messages of checks that fail where a lock is taken against a mere guess: held, taken."""
    left_out: tuple[Span, ...] = field(default=(), compare=False, repr=False)
    """Statements of processes to which no way leads with these settings."""
    sources: tuple[Source, ...] = field(default=(), compare=False, repr=False)
    """The spec, then all that it imports: what the digest is of."""

    def limit(self, what: str) -> Span | None:
        """Return where the spec limits a class or a process, or the sizes of a class."""
        name = what.removeprefix("the sizes of ")
        limited = self.kinds.get(name) or self.templates.get(name)
        limit = limited.limit if limited is not None else None
        return None if limit is None or limit.span.source.module else limit.span
