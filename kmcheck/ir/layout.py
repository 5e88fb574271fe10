"""Where everything is in a state: a state is a flat tuple, and this is its map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kmcheck.ir.program import Program
from kmcheck.ir.types import (
    ArrayOf,
    Counter,
    Function,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
)

UNINITIALISED = -(2**40)
"""What a field of a kmalloc'ed object, or an unassigned local, holds. No value is encoded so."""


MOST_SLOTS = 20_000
"""Values that a state may hold, and coefficients of sizes: nobody explores more."""


class TooLarge(Exception):  # noqa: N818
    """A state would hold more than `MOST_SLOTS` values."""


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive slots of a kind's pool: `count` from `base` on.

    `role`: `global`, `cpu`, `process` (never freed), `embedded` (one for each slot of
    `container`, in its field `name`), or `dynamic` (allocated and freed).
    """

    role: str
    name: str
    container: str
    base: int
    count: int


@dataclass(frozen=True, slots=True)
class Sizing:
    """How many there may be: objects of each kind, instances of each process, CPUs, symbols."""

    dynamic: dict[str, int]
    instances: dict[str, int]
    cpus: int


class Layout:
    """The map of a state: `slot of (template, variable, instance)` and `(kind, field, index)`.

    A state is a tuple of values, as the types encode them. First come the positions of all
    processes, then their variables, then which objects live, then the fields; what belongs to
    setup comes last, so that a state without it is a prefix.
    """

    def __init__(self, program: Program, sizing: Sizing) -> None:
        self.program = program
        self.sizing = sizing
        self.processes = [
            name for name, t in program.templates.items() if t.role in ("process", "daemon")
        ]
        self.first_process: dict[str, int] = {}
        self.process_count = 0
        for name in self.processes:
            self.first_process[name] = self.process_count
            self.process_count += sizing.instances[name]
        self.groups = self._pools()
        self.types: list[Type | None] = []
        """The type of each slot; None for positions and lives."""
        self.pc: dict[str, int] = {}
        self.variables: dict[tuple[str, str], int] = {}
        self.life: dict[str, int] = {}
        self.fields: dict[tuple[str, str], int] = {}
        self._place_slots()
        counters = sum(1 for kind in self.types if isinstance(kind, Counter))
        if counters * self.symbols > MOST_SLOTS:
            raise TooLarge

    def instances(self, template: str) -> int:
        """Return how many instances of a template there may be."""
        return self.sizing.instances.get(template, 1)

    def pool(self, kind: str) -> int:
        """Return how many objects of a kind there may be, global and embedded ones included."""
        return sum(group.count for group in self.groups[kind])

    def _pools(self) -> dict[str, list[Group]]:
        pools: dict[str, list[Group]] = {}
        per = {"system": 1, "cpu": self.sizing.cpus, "process": self.process_count}
        roles = {"system": "global", "cpu": "cpu", "process": "process"}

        def build(kind: str) -> int:
            if kind not in pools:
                parts = [
                    (roles[g.per], g.name, "", per[g.per])
                    for g in self.program.globals
                    if g.kind == kind
                ]
                for container in self.program.kinds.values():
                    for name, inner in container.embedded.items():
                        if inner == kind:
                            parts.append(("embedded", name, container.name, build(container.name)))
                parts.append(("dynamic", "", "", self.sizing.dynamic.get(kind, 0)))
                groups, base = [], 0
                for role, name, owner, number in parts:
                    groups.append(Group(role, name, owner, base, number))
                    base += number
                pools[kind] = groups
            return sum(group.count for group in pools[kind])

        for kind in self.program.kinds:
            build(kind)
        return {kind: pools[kind] for kind in self.program.kinds}

    def _place_slots(self) -> None:
        ordinary = [name for name, t in self.program.templates.items() if t.role != "setup"]
        for name in ordinary:
            self._place_pc(name)
        for name in ordinary:
            self._place_variables(name)
        for kind in self.program.kinds:
            self.life[kind] = self._extend(None, self.dynamic(kind).count)
        for kind, declared in self.program.kinds.items():
            for name, info in declared.fields.items():
                self.fields[kind, name] = self._extend(info.type, self.pool(kind))
        self.size = len(self.types)
        self._place_pc("setup")
        self._place_variables("setup")

    def _place_pc(self, template: str) -> None:
        self.pc[template] = self._extend(None, self.instances(template))

    def _place_variables(self, template: str) -> None:
        for name, kind in self.program.templates[template].variables.items():
            self.variables[template, name] = self._extend(kind, self.instances(template))

    def _extend(self, kind: Type | None, count: int) -> int:
        base = len(self.types)
        if base + count > MOST_SLOTS:
            raise TooLarge
        self.types.extend([kind] * count)
        return base

    def dynamic(self, kind: str) -> Group:
        """Return the group of a kind that is allocated from."""
        return self.groups[kind][-1]

    def group(self, name: str) -> tuple[str, Group]:
        """Return a global group, with its kind."""
        for kind, groups in self.groups.items():
            for group in groups:
                if group.name == name and group.role in ("global", "cpu", "process"):
                    return kind, group
        raise KeyError(name)

    def embedded(self, container: str, field: str) -> tuple[str, Group]:
        """Return the group of the objects in a field of a container, with their kind."""
        kind = self.program.kinds[container].embedded[field]
        for group in self.groups[kind]:
            if group.role == "embedded" and group.container == container and group.name == field:
                return kind, group
        raise KeyError(field)

    def life_slot(self, kind: str, index: int) -> int | None:
        """Return the slot that says whether an object lives, None if it always does."""
        for group in self.groups[kind]:
            if group.base <= index < group.base + group.count:
                if group.role == "dynamic":
                    return self.life[kind] + index - group.base
                if group.role == "embedded":
                    return self.life_slot(group.container, index - group.base)
                return None
        raise IndexError(index)

    def parts(self, kind: str, index: int) -> list[tuple[str, int]]:
        """Return an object and all that is embedded in it, as (kind, index)."""
        found = [(kind, index)]
        for owner, at in found:
            for field in self.program.kinds[owner].embedded:
                inner, group = self.embedded(owner, field)
                found.append((inner, group.base + at))
        return found

    def whole(self, kind: str, index: int) -> tuple[str, int]:
        """Return the object that an object lives in: itself, unless it is embedded."""
        for group in self.groups[kind]:
            if group.role == "embedded" and group.base <= index < group.base + group.count:
                return self.whole(group.container, index - group.base)
        return kind, index

    def process_of(self, number: int) -> tuple[str, int]:
        """Return the template and instance of a process's number."""
        for name in reversed(self.processes):
            if number >= self.first_process[name]:
                return name, number - self.first_process[name]
        raise IndexError(number)

    @cached_property
    def symbols(self) -> int:
        """How many sizes may be told apart: a slot each, and as many again for those outlived."""
        slots = sum(1 for t in self.types if isinstance(t, Size))
        return 0 if not slots else min(slots, self._size_fields) + self._outlived

    @cached_property
    def lasting_sizes(self) -> list[int]:
        """Where the sizes of what always lives are: each is a symbol from the beginning on."""
        return [
            self.fields[kind, name] + index
            for kind, name in self.fields
            if isinstance(self.program.kinds[kind].fields[name].type, Size)
            for index in range(self.pool(kind))
            if self.life_slot(kind, index) is None
        ]

    @cached_property
    def _size_fields(self) -> int:
        return sum(
            self.pool(k)
            for (k, f) in self.fields
            if isinstance(self.program.kinds[k].fields[f].type, Size)
        )

    @cached_property
    def _outlived(self) -> int:
        kinds = self.program.kinds
        reused = [name for name, kind in kinds.items() if kind.allocated_by_processes]
        for name in reused:
            reused += kinds[name].embedded.values()
        sized = any(isinstance(f.type, Size) for n in reused for f in kinds[n].fields.values())
        return self._size_fields if sized else 0

    def zero(self, kind: Type | None) -> int | tuple[int, ...]:
        """Return what a slot of a type holds as long as nothing was stored in it."""
        match kind:
            case ListOf():
                return ()
            case ArrayOf(element=element, length=length):
                return tuple([self._scalar(element)] * length)
            case Counter():
                return tuple([0] * (1 + self.symbols))
            case None:
                return 0
            case _:
                return self._scalar(kind)

    def _scalar(self, kind: Type) -> int:
        return min(max(0, kind.lo), kind.hi) if isinstance(kind, Int) else 0

    @cached_property
    def blank(self) -> tuple[int | tuple[int, ...], ...]:
        """The state before setup, with setup's own slots."""
        return tuple(self.zero(kind) for kind in self.types)

    def universe(self, element: Type) -> int:
        """Return how many encodings a set of this element type has bits for."""
        match element:
            case Ref(kind=kind):
                return 2 * self.pool(kind)
            case ProcessId():
                return self.process_count
            case Function(key=key):
                return len(self.program.functions[key])
            case Int(lo, hi):
                return hi - lo + 1
            case _:
                return 2 if not hasattr(element, "members") else len(element.members)


def holds_references(slot: Type | None, kind: str) -> bool:
    """Tell whether a slot of this type may hold addresses of objects of `kind`."""
    match slot:
        case Ref(kind=name):
            return name == kind
        case SetOf(element=element) | ArrayOf(element=element):
            return holds_references(element, kind)
        case ListOf(element=element):
            return element.kind == kind
        case _:
            return False
