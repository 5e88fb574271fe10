"""How many accesses to shared memory an expression takes."""

from __future__ import annotations

from kmcheck.frontend.world import World
from kmcheck.ir.expr import (
    Alive,
    And,
    Before,
    Closure,
    Cond,
    Container,
    Element,
    Embedded,
    Expr,
    LivesIn,
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
)
from kmcheck.ir.types import (
    PROCESS,
    SetOf,
)


def count_loads(value: Expr, world: World) -> int:
    """Return how many accesses to shared memory a value takes: two stands for any more."""
    match value:
        case Load(ref=ref, kind=kind, field=name):
            info = world.kinds[kind].fields[name]
            return count_loads(ref, world) + (0 if info.private or info.ghost else 1)
        case Quantifier(domain=domain, where=where, body=body):
            inside = sum(count_loads(e, world) for e in (where, body))
            return count_loads(domain, world) + (2 if inside else 0)
        case Alive() | Running():
            return 1
        case Closure(origin=origin):
            return count_loads(origin, world) + 2
    from_parts = 0
    for part in _parts(value):
        from_parts += count_loads(part, world)
    return from_parts


def _parts(value: Expr) -> tuple[Expr, ...]:
    match value:
        case Op(args=args) | And(args=args) | Or(args=args):
            return args
        case Cond(test, then, other):
            return (test, then, other)
        case Embedded(ref=inner) | Container(ref=inner) | LivesIn(ref=inner) | Element(index=inner):
            return (inner,)
        case Position():
            return (value.process, Running(SetOf(PROCESS), value.span))
        case Before(value=inner):
            return (inner,)
    return ()
