"""What the next step of a process would access, and whether two such accesses are a data race.

A data race is two accesses of one field by two processes, at least one of which writes and at least
one of which is plain, that nothing orders: under sequential consistency there is then a run on
which the one comes right behind the other, and so a state in which both come next. Who waits looks
again and again at what he waits for.

Source: L. Lamport (1979) and S. Adve, M. Hill, "Weak ordering: a new definition" (ISCA 1990); the
kernel's tools/memory-model/Documentation/explanation.txt, "PLAIN ACCESSES AND DATA RACES".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Alloc, Assign, Free, Store
from kmcheck.ir.layout import Layout
from kmcheck.ir.types import Type
from kmcheck.residual import Residual
from kmcheck.semantics.faults import BoundReached
from kmcheck.semantics.machine import Machine, State

Thing = tuple[str, int, str]
"""A field of an object: the object's kind and index, and the field's name."""


@dataclass(slots=True)
class Listener:
    """Hears what a step reads and writes, of what others can see."""

    layout: Layout
    read: set[Thing] = field(default_factory=set)
    written: set[Thing] = field(default_factory=set)

    def entered(self, template: str, instance: int, block: int) -> None:
        """Note nothing."""

    def loaded(self, kind: str, index: int, field: str, value: object, span: Span) -> None:
        """Note a load."""
        del value, span
        if self._is_shared(kind, field):
            self.read.add((kind, index, field))

    def stored(self, kind: str, index: int, instruction: Store, old: object, new: object) -> None:
        """Note a store."""
        del old, new
        if self._is_shared(kind, instruction.field):
            self.written.add((kind, index, instruction.field))

    def allocated(self, kind: str, index: int, instruction: Alloc) -> None:
        """Note nothing: nobody knows a new object."""

    def freed(self, kind: str, index: int, instruction: Free) -> None:
        """Note nothing: whoever accesses it then is told of."""

    def assigned(self, template: str, instance: int, instruction: Assign, value: object) -> None:
        """Note nothing: a local is no shared memory."""

    def chosen(self, var: str, value: object) -> None:
        """Note nothing."""

    def returned(
        self, template: str, instance: int, serial: int, kind: Type, value: object
    ) -> None:
        """Note nothing: it was read already."""

    def spawned(self, template: str, instance: int) -> None:
        """Note nothing."""

    def _is_shared(self, kind: str, field: str) -> bool:
        info = self.layout.program.kinds[kind].fields[field]
        return not info.private and not info.ghost


@dataclass(frozen=True, slots=True)
class Next:
    """What a process accesses next, in some way of going on, and whether that is plain."""

    actor: int
    plain: bool
    read: frozenset[Thing]
    written: frozenset[Thing]

    def races_with(self, other: Next) -> Thing | None:
        """Return a field on which this one and another race, None if they do not."""
        if not (self.plain or other.plain):
            return None
        both = (self.written & (other.read | other.written)) | (self.read & other.written)
        return min(both, default=None)


class Accesses:
    """Looks at what processes would access next."""

    def __init__(self, layout: Layout, decide: Callable[[Residual], bool]) -> None:
        self.layout = layout
        self.listener = Listener(layout)
        self.machine = Machine(layout, decide, self.listener)
        self.processes = [
            (actor, layout.program.templates[name].blocks, slot)
            for actor, (name, _, slot, _) in enumerate(self.machine.actors)
            if layout.program.templates[name].role != "action"
        ]

    def races(self, state: State) -> Iterator[tuple[Next, Next]]:
        """Yield the pairs of processes that race in a state."""
        there = [
            (actor, blocks[state[slot] - 1].plain)
            for actor, blocks, slot in self.processes
            if state[slot]
        ]
        if not any(plain for _, plain in there):
            return
        found = [self.next(state, actor, plain=plain) for actor, plain in there]
        for at, one in enumerate(found):
            for other in found[at + 1 :]:
                if one.races_with(other) is not None:
                    yield one, other

    def next(self, state: State, actor: int, *, plain: bool) -> Next:
        """Return what a process accesses next: if it cannot go on, what it looks at."""
        read: set[Thing] = set()
        written: set[Thing] = set()
        self.listener.read, self.listener.written = set(), set()
        try:
            for _ in self.machine.steps_of(state, actor):
                read |= self.listener.read
                written |= self.listener.written
                self.listener.read, self.listener.written = set(), set()
        except BoundReached:
            pass
        read |= self.listener.read  # on a way that is blocked: what is stored there never is
        return Next(actor, plain, frozenset(read), frozenset(written))

    def waiting(self, state: State) -> Iterator[Next]:
        """Yield what those look at who cannot go on."""
        for actor, blocks, slot in self.processes:
            if state[slot] and next(self.machine.steps_of(state, actor), None) is None:
                yield self.next(state, actor, plain=blocks[state[slot] - 1].plain)

    def is_plain(self, state: State, actor: int) -> bool:
        """Tell whether the next step of a process is a plain access."""
        blocks, slot = next((b, s) for a, b, s in self.processes if a == actor)
        return bool(state[slot]) and blocks[state[slot] - 1].plain
