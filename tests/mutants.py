"""Reductions with a condition left out: each is unsound, and the small specs must show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kmcheck.ir import cone, good
from kmcheck.ir.access import Access, Accesses
from kmcheck.ir.code import END, Assume, Block, Branch, Check, Instruction, Jump, Spawn, Template
from kmcheck.ir.cone import Influence, Place
from kmcheck.ir.expr import Const, Expr, Load
from kmcheck.ir.live import live_in
from kmcheck.ir.program import Program, Property
from kmcheck.reduce import dead, merge
from kmcheck.reduce import slice as slicing
from kmcheck.reduce.merge import merging
from kmcheck.reduce.merge.merging import Steps
from kmcheck.reduce.merge.surroundings import Surroundings


@dataclass(frozen=True)
class Mutant:
    """A reduction, and what is replaced in it: an attribute of a module or a class."""

    reduction: str
    where: Any
    attribute: str
    instead: Any


def always(answer: object) -> Callable[..., Any]:
    return lambda *_, **__: answer


# --- merging -------------------------------------------------------------------------------------


def other_kinds(around: Surroundings, template: Template) -> list[Accesses]:
    return [touched for name, touched in around.touched.items() if name != template.name]


def all_but_one(around: Surroundings, template: Template) -> list[Accesses]:
    return other_kinds(around, template)[:-1]


def writes_meet(self: Accesses, other: Accesses) -> bool:
    return any(a.meets(b) for a in self.writes for b in other.writes)


def reads_meet_writes(self: Accesses, other: Accesses) -> bool:
    pairs = ((self.writes, other.reads), (self.reads, other.writes))
    return any(a.meets(b) for some, others in pairs for a in some for b in others)


def not_in_one_group(self: Access, other: Access) -> bool:
    same = (self.kind, self.field) == (other.kind, other.field)
    return same and not (self.group and other.group)


def without(**forgotten: object) -> Callable[..., Surroundings]:
    """Return surroundings of which something is not known."""

    def look(*given: object) -> Surroundings:
        around = Surroundings(*given)  # type: ignore[arg-type]
        for name, value in forgotten.items():
            setattr(around, name, value)
        return around

    return look


SURE = Steps._is_sure


def sure_too(*kinds: type) -> Callable[..., bool]:
    return lambda *given: isinstance(given[1], kinds) or SURE(*given)


MERGING = {
    "nobody else is looked at": Mutant("merge", Surroundings, "others", always([])),
    "instances of the same are forgotten": Mutant("merge", Surroundings, "others", other_kinds),
    "a process is dropped": Mutant("merge", Surroundings, "others", all_but_one),
    "reads are ignored": Mutant("merge", Accesses, "conflicts", writes_meet),
    "two writes are ignored": Mutant("merge", Accesses, "conflicts", reads_meet_writes),
    "what is global is taken for a process's own": Mutant(
        "merge", Access, "meets", not_in_one_group
    ),
    "visible steps are merged": Mutant("merge", Steps, "is_invisible", always(True)),
    "what properties read is ignored": Mutant("merge", merge, "Surroundings", without(seen=set())),
    "places are ignored": Mutant("merge", Surroundings, "look_alike", always(True)),
    "steps of properties are ignored": Mutant(
        "merge", merge, "Surroundings", without(by_step=False)
    ),
    "room for processes is ignored": Mutant("merge", merge, "Surroundings", without(spawned=set())),
    "steps that may be disabled are merged": Mutant("merge", Steps, "_is_sure", sure_too(Assume)),
    "steps that may fail are merged": Mutant("merge", Steps, "_is_sure", sure_too(Check)),
    "ranges are ignored": Mutant("merge", merging, "fits", always(True)),
    "loops are closed": Mutant("merge", merging, "has_inner_loop", always(False)),
    "dangling addresses are overwritten": Mutant("merge", Steps, "_keeps_addresses", always(True)),
    "what was followed stays good": Mutant("merge", good, "mortal", always(frozenset())),
}

# --- resetting -----------------------------------------------------------------------------------


def live_if(change: Callable[[int, Block], Block]) -> Callable[..., list[set[str]]]:
    """Return what finds live variables in code that is other than it is."""

    def live(blocks: tuple[Block, ...], candidates: set[str]) -> list[set[str]]:
        return live_in([change(number, block) for number, block in enumerate(blocks)], candidates)

    return live


def deciding_nothing(_: int, block: Block) -> Block:
    match block.terminator:
        case Branch(condition=condition) as branch:
            zero = Const(0, condition.type, block.span)
            return replace(block, terminator=replace(branch, condition=zero))
    return block


def checking_nothing(_: int, block: Block) -> Block:
    kept = tuple(i for i in block.instructions if not isinstance(i, Check))
    return replace(block, instructions=kept)


def going_forward(number: int, block: Block) -> Block:
    back = isinstance(block.terminator, Jump) and block.terminator.target <= number
    return replace(block, terminator=Jump(END)) if back else block


def one_armed(_: int, block: Block) -> Block:
    match block.terminator:
        case Branch(then=then):
            return replace(block, terminator=replace(block.terminator, other=then))
    return block


def all_dead(blocks: tuple[Block, ...], _: set[str]) -> list[set[str]]:
    return [set() for _ in blocks]


RESETTING = {
    "all variables are dead": Mutant("dead", dead, "live_in", all_dead),
    "reads of branches are ignored": Mutant("dead", dead, "live_in", live_if(deciding_nothing)),
    "reads of checks are ignored": Mutant("dead", dead, "live_in", live_if(checking_nothing)),
    "the next turn is ignored": Mutant("dead", dead, "live_in", live_if(going_forward)),
    "an arm is ignored": Mutant("dead", dead, "live_in", live_if(one_armed)),
    "the order of slots is ignored": Mutant("dead", dead, "ordered", always(frozenset())),
}

# --- slicing -------------------------------------------------------------------------------------


def no_properties(program: Program, _: tuple[Property, ...], *, leaks: bool) -> frozenset[Place]:
    return CONE(program, (), leaks=leaks)


def no_leaks(
    program: Program, properties: tuple[Property, ...], *, leaks: bool
) -> frozenset[Place]:
    del leaks
    return CONE(program, properties, leaks=False)


def only_wanted(program: Program, wanted: frozenset[str] | None) -> tuple[Property, ...]:
    return tuple(p for p in program.properties if wanted is None or p.name in wanted)


def skipping(*kinds: type) -> Callable[..., None]:
    def look(self: Influence, instruction: Instruction, template: Template) -> None:
        if not isinstance(instruction, kinds):
            LOOK(self, instruction, template)

    return look


def unranged(self: Influence, value: Expr, target: Place, template: Template, **_: bool) -> None:
    FLOWS(self, value, target, template, ranged=False)


def unflowing(self: Influence, value: Expr, _: Place, template: Template, *, ranged: bool) -> None:
    FLOWS(self, value, ("field", "", ""), template, ranged=ranged)


def branches_unread(self: Influence, template: Template) -> None:
    straight = tuple(deciding_nothing(0, block) for block in template.blocks)
    THROUGH(self, replace(template, blocks=straight))


def loads_unread(expr: Expr, template: str) -> set[Place]:
    return set() if isinstance(expr, Load) else READS(expr, template)


CONE, READS = cone.cone, cone.reads
LOOK, FLOWS = Influence._instruction, Influence._flows
THROUGH = Influence._look_through

SLICING = {
    "properties are ignored": Mutant("slice", slicing, "cone", no_properties),
    "leaks are ignored": Mutant("slice", slicing, "cone", no_leaks),
    "properties that fail are ignored": Mutant("slice", slicing, "asked", only_wanted),
    "guards are ignored": Mutant("slice", Influence, "_instruction", skipping(Assume)),
    "checks are ignored": Mutant("slice", Influence, "_instruction", skipping(Check)),
    "arguments are ignored": Mutant("slice", Influence, "_instruction", skipping(Spawn)),
    "branches are ignored": Mutant("slice", Influence, "_look_through", branches_unread),
    "what flows is ignored": Mutant("slice", Influence, "_flows", unflowing),
    "ranges are ignored in the cone": Mutant("slice", Influence, "_flows", unranged),
    "addresses that are followed are ignored": Mutant("slice", cone, "reads", loads_unread),
    "nothing goes wrong": Mutant("slice", slicing.Slicing, "_is_harmless", always(True)),
    "ranges are ignored": Mutant("slice", slicing, "fits", always(True)),
    "the order of slots is ignored": Mutant("slice", slicing, "ordered", always(frozenset())),
}

MUTANTS = [
    *(("merge", name, mutant) for name, mutant in MERGING.items()),
    *(("dead", name, mutant) for name, mutant in RESETTING.items()),
    *(("slice", name, mutant) for name, mutant in SLICING.items()),
]
