"""Code: blocks of instructions. A step runs from one cut to the next, and nothing comes between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from kmcheck.diagnostics import Span
from kmcheck.ir.expr import Expr
from kmcheck.ir.types import Type

Fairness = Literal["weak", "strong", "none"]
"""Who is not left out for ever: whoever can always go on, whoever can again and again, nobody."""

END = -1
"""The block to jump to when a process ends."""


def _span() -> Span:
    return field(compare=False, repr=False)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Assign:
    """Set a local variable."""

    var: str
    value: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Store:
    """Set a field of an object. Following null or a stale reference is a violation."""

    ref: Expr
    kind: str
    field: str
    value: Expr
    ghost: bool
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Choose:
    """Set a local variable to any member of a set; the step is disabled if there is none."""

    var: str
    options: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Assume:
    """Disable the step unless the condition holds."""

    condition: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Check:
    """Report a violation unless the condition holds (for all sizes, if it is over sizes).

    `calls` is what the check is inside of, which may be more than its block.
    """

    condition: Expr
    violation: str
    message: str
    thing: Expr | None
    calls: tuple[Call, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Alloc:
    """Set a local variable to a new object, its fields zero (or uninitialised).

    `name` is the spec's variable that it is for, which traces may call it by.
    """

    var: str
    kind: str
    zeroed: bool
    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Free:
    """End the life of an object and of all embedded in it."""

    ref: Expr
    kind: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start an instance of a process; `var`, if given, is set to its identity."""

    process: str
    args: tuple[Expr, ...]
    cpu: Expr | None
    var: str | None
    span: Span = _span()


Instruction = Assign | Store | Choose | Assume | Check | Alloc | Free | Spawn


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on at a block."""

    target: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Go on at one of two blocks."""

    condition: Expr
    then: int
    other: int
    span: Span = _span()


Terminator = Jump | Branch


@dataclass(frozen=True, slots=True)
class Call:
    """An inlined call that a block belongs to: which function, with what, from where.

    An argument that is a class is its name.
    """

    function: str
    name: str
    arguments: tuple[Expr | str, ...]
    module: str
    serial: int
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions, then a jump. At a `cut` a step ends and another may begin."""

    instructions: tuple[Instruction, ...]
    terminator: Terminator
    cut: bool
    calls: tuple[Call, ...]
    note: str
    span: Span = _span()
    plain: bool = field(default=False, compare=False)
    """Of a step: whether it is one access that the spec does not mark as meant to race."""


@dataclass(frozen=True, slots=True)
class Template:
    """What all instances of a process run. `variables` are all locals, parameters first."""

    name: str
    parameters: tuple[str, ...]
    variables: dict[str, Type]
    blocks: tuple[Block, ...]
    entry: int
    role: str
    """`process`, `daemon`, `action` or `setup`."""
    limit: Expr | None
    span: Span = _span()
    fair: Fairness = "weak"
    merged: frozenset[int] = frozenset()
    """Blocks that were cuts until a reduction let their steps be made with the ones before."""
    results: tuple[tuple[Expr, int], ...] = field(default=(), compare=False, repr=False)
    """Expressions that are what a call returned, and the call's serial: for whoever watches."""


def targets(block: Block) -> tuple[int, ...]:
    """Return the blocks that may come after this one."""
    match block.terminator:
        case Jump(target):
            return (target,)
        case Branch(then=then, other=other):
            return (then, other)


def values(instruction: Instruction) -> Iterator[Expr]:
    """Yield the expressions that an instruction evaluates."""
    match instruction:
        case Assign(value=value):
            yield value
        case Store(ref=ref, value=value):
            yield ref
            yield value
        case Choose(options=options):
            yield options
        case Assume(condition=condition):
            yield condition
        case Check(condition=condition, thing=thing):
            yield condition
            if thing is not None:
                yield thing
        case Alloc():
            pass
        case Free(ref=ref):
            yield ref
        case Spawn(args=args, cpu=cpu):
            yield from args
            if cpu is not None:
                yield cpu
