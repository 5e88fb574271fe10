"""Decides how a state is packed: which cells there are, and in which word each group lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from kmcheck.engines.native.packing import (
    CHUNK,
    STEPS,
    WORD,
    Cells,
    Group,
    Packing,
    Widths,
)
from kmcheck.engines.native.touched import fleeting, may_be_unset, pointed, touched
from kmcheck.ir.layout import Layout
from kmcheck.ir.types import (
    ArrayOf,
    Bool,
    Counter,
    EnumType,
    Function,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
)
from kmcheck.semantics import State


def plan(layout: Layout, initial: list[State], widths: Widths) -> Packing:
    """Return the packing of a system's states, given how often cells had to be widened."""
    packing = Packing(layout, touched(layout.program))
    for name in layout.processes:
        packing.fleeting[name] = fleeting(layout, name)
    for name, template in layout.program.templates.items():
        if template.role == "action":
            packing.fleeting[name] = fleeting(layout, name)
    found = [_fixed(packing, g, initial) for g in _groups(packing, widths)]
    for group in _placed(packing, found):
        packing.groups[group.key] = group
    return packing


def _groups(packing: Packing, widths: Widths) -> Iterator[Group]:
    layout = packing.layout
    ordinary = {n: t for n, t in layout.program.templates.items() if t.role != "setup"}
    for name, template in ordinary.items():
        codes = (0, *(n + 1 for n, b in enumerate(template.blocks) if b.cut))
        if template.role == "action":
            codes = (template.entry + 1,)
        cells = Cells(1, (len(codes) - 1).bit_length())
        key = ("pc", name, "")
        yield Group(key, None, layout.pc[name], layout.instances(name), cells, codes=codes)
    for name, template in ordinary.items():
        unset = may_be_unset(template)
        for variable, kind in template.variables.items():
            if variable not in packing.fleeting[name]:
                key = ("var", name, variable)
                cells = _cells(packing, kind, widths.get(key, 0), unset=variable in unset)
                slot = layout.variables[name, variable]
                yield Group(key, kind, slot, layout.instances(name), cells)
    for kind_name in layout.program.kinds:
        count = layout.dynamic(kind_name).count
        yield Group(("life", kind_name, ""), None, layout.life[kind_name], count, Cells(1, 2))
    for kind_name, declared in layout.program.kinds.items():
        for name, info in declared.fields.items():
            key = ("field", kind_name, name)
            raw = declared.may_be_uninitialised and not info.ghost
            cells = _cells(packing, info.type, widths.get(key, 0), unset=raw)
            slot = layout.fields[kind_name, name]
            yield Group(key, info.type, slot, layout.pool(kind_name), cells)


def _cells(packing: Packing, kind: Type, step: int, *, unset: bool) -> Cells:
    """Return the cells of an element of a type, at a step of widening."""
    layout = packing.layout
    match kind:
        case Counter():
            width = STEPS[step]
            cells = Cells(1 + layout.symbols, width, -(1 << width - 2), narrow=True)
        case ListOf(element=element):
            cells = replace(
                _cells(packing, element, 0, unset=False), count=layout.pool(element.kind)
            )
        case ArrayOf(element=element, length=length):
            cells = replace(_cells(packing, element, step, unset=False), count=length)
        case SetOf(element=element):
            bits = bits_of(packing, element)
            cells = Cells(1, bits) if bits < CHUNK else Cells(-(-bits // CHUNK), CHUNK)
        case Int(lo, hi):
            cells = _integer(lo, hi, step)
        case _:
            cells = Cells(1, (_codes(packing, kind) - 1).bit_length())
    return _with_unset(packing, cells, kind) if unset else cells


def _integer(lo: int, hi: int, step: int) -> Cells:
    full = (hi - lo).bit_length()
    if full <= STEPS[0] + 1 or full <= STEPS[step]:
        return Cells(1, full, lo)
    width = STEPS[step]
    return Cells(1, width, max(lo, -(1 << width - 3)), narrow=True)


def _with_unset(packing: Packing, cells: Cells, kind: Type) -> Cells:
    """Return cells with one more code, the highest."""
    if isinstance(kind, (SetOf, ListOf, ArrayOf, Counter)) or cells.narrow:
        unset = (1 << cells.width) - 1 if cells.narrow else 1 << cells.width
    else:
        unset = _codes(packing, kind)
    return replace(cells, width=max(cells.width, unset.bit_length()), unset=unset)


def _codes(packing: Packing, kind: Type) -> int:
    """Return how many codes a scalar has."""
    layout = packing.layout
    match kind:
        case Bool():
            return 2
        case Int(lo, hi):
            return hi - lo + 1
        case EnumType(members=members):
            return len(members)
        case Ref(kind=name):
            pool = layout.pool(name)
            return 2 * (pool + 1) if packing.stride(name) > 1 else pool + 1
        case ProcessId():
            return layout.process_count + 1
        case Function(key=key):
            return len(layout.program.functions.get(key, ())) + 1
        case Size():
            return layout.symbols + 1
        case _:
            return 1


def bits_of(packing: Packing, element: Type) -> int:
    """Return how many bits a set of this element type has."""
    if isinstance(element, Ref):
        return packing.layout.pool(element.kind) * packing.stride(element.kind)
    return packing.layout.universe(element)


def _fixed(packing: Packing, group: Group, initial: list[State]) -> Group:
    """Return the group with its constants, if nothing ever changes it."""
    if _may_change(packing, group):
        return group
    found = {
        tuple(
            chain.from_iterable(
                packing.encode(group, state[group.slot + i]) for i in range(group.elements)
            )
        )
        for state in initial
    }
    return replace(group, constants=found.pop()) if len(found) == 1 else group


def _may_change(packing: Packing, group: Group) -> bool:
    known = packing.touched
    where, owner, name = group.key
    if where != "pc" and pointed(group.type) in known.dangling:
        return True
    match where:
        case "pc":
            return len(group.codes) > 1
        case "var":
            template = packing.layout.program.templates[owner]
            given = name in template.parameters or name == "@cpu"
            return (owner, name) in known.variables or (given and owner in known.spawned)
        case "life":
            return owner in known.reborn
        case _:
            return (owner, name) in known.fields or owner in known.reborn


def _placed(packing: Packing, groups: list[Group]) -> Iterator[Group]:
    """Yield the groups with their places: as many to a word as fit, the largest first."""
    free: list[int] = []
    for group in sorted(groups, key=_needed, reverse=True):
        needed = _needed(group)
        packing.bits += needed
        if not needed:
            yield replace(group, per=max(1, group.elements * group.cells.count))
        elif needed > WORD:
            per = WORD // group.cells.width
            count = -(-group.elements * group.cells.count // per)
            yield replace(group, word=len(free), per=per)
            free += [0] * count
        else:
            word = next((n for n, left in enumerate(free) if left >= needed), len(free))
            if word == len(free):
                free.append(WORD)
            yield replace(group, word=word, bit=WORD - free[word], per=needed // group.cells.width)
            free[word] -= needed
    packing.words = max(1, len(free))


def _needed(group: Group) -> int:
    if group.constants is not None:
        return 0
    return group.elements * group.cells.count * group.cells.width
