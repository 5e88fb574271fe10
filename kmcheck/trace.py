"""A confirmed run of a spec, told in the spec's own names. Only `replay` makes one.

Everything a picture needs is in here as text and names; no picture looks at a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AccessKind = Literal["load", "store", "update", "alloc", "free"]
Life = Literal["live", "freed"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the spec, and what stands there."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text, in C's spelling, and the objects that it points to (none for a number).

    `child`, `NULL`, `3`, `true`, `{cache#0, cache#1}`, `size(page#0) + size(page#1)`.
    """

    text: str
    targets: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    """Those of `targets` that have been freed: following the pointer is a use-after-free."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a step did to one field of one object.

    `thing` is the object's name, `kind` its type, `field` the field; a load has `after` = the value
    loaded, a store `before` and `after`; an alloc or free has no field.
    """

    what: AccessKind
    thing: str
    kind: str
    field: str
    before: Value | None
    after: Value | None
    place: Place
    ghost: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that the step is inside of: name, arguments as C text, and where it was called.

    `module` is `kmcheck.kernel.<file>` for a kernel primitive, `` for a function of the spec.
    `serial` tells two calls of one function apart.
    """

    function: str
    arguments: tuple[str, ...]
    module: str
    serial: int
    place: Place


@dataclass(frozen=True, slots=True)
class ObjectView:
    """An object at one moment. An embedded object is a view of its own, named `child->kmem`."""

    name: str
    kind: str
    life: Life
    fields: tuple[tuple[str, Value], ...]
    embedded_in: str | None = None
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A process at one moment: `status` is `ready`, `running`, `blocked`, `idle` or `ended`.

    `frames` is what it is inside of, as in `Event`: for a blocked process, the call that waits.
    """

    name: str
    function: str
    status: str
    place: Place | None
    variables: tuple[tuple[str, Value], ...]
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state at one moment, in the order of the spec's declarations."""

    objects: tuple[ObjectView, ...]
    processes: tuple[ProcessView, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of the run. `frames[0]` is the process's own function.

    `text` is the step as one row of C (`memcg = cache#0->memcg`), `note` the comment beside it
    (`child`, `grace period ends`). An action's event has the action's name as its process.
    `returned` holds the calls that returned in this step: the frame's serial, and what it returned
    as text; a function without a value is not in it. `kept` names the variables that such values
    were assigned to.
    """

    number: int
    process: str
    frames: tuple[Frame, ...]
    text: str
    note: str
    place: Place
    accesses: tuple[Access, ...]
    after: Snapshot
    returned: tuple[tuple[int, str], ...] = ()
    kept: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong at the end of the run.

    `kind` is the name in the verdict (`use-after-free`); `thing` the object concerned, if one is;
    `cause` the number of the event that broke it (the free), `source` that of the event in which
    the failing process got hold of the pointer; `sizes` an assignment that breaks a law over sizes.
    `lost` is the number of the event after which it was certain, if that is known and comes before
    the last one; 0 if it was from the start. `frames` is what the failing process was inside of
    where it failed, as in `Event`: a check may fail in a call that comes after the last step's
    access.
    """

    kind: str
    message: str
    thing: str | None = None
    cause: int | None = None
    source: int | None = None
    sizes: tuple[tuple[str, int], ...] = ()
    place: Place | None = None
    frames: tuple[Frame, ...] = ()
    lost: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A run from an initial state to a violation, confirmed by the reference semantics.

    The violation is in the last event (`use-after-free`: in its access) or in the state after it.
    """

    spec: str
    digest: str
    path: str
    """The spec's file, as it was named."""
    settings: tuple[tuple[str, str], ...]
    """Bounds and choices in the spec's order, as text: `("READ_LOCK", "no")`.

    Behind them may stand the order of locks that the search was made with.
    """
    initial: Snapshot
    events: tuple[Event, ...]
    violation: Violation
    witness: tuple[int, tuple[tuple[int, tuple[int, ...]], ...]]
    """The initial state's number, then for each step the process's number and its choices."""
    loop_at: int | None = None

    @property
    def chosen(self) -> tuple[tuple[str, str], ...]:
        """The settings that the spec declares: not what kmcheck has learnt of its locks."""
        return tuple((name, value) for name, value in self.settings if name.isidentifier())

    @property
    def end(self) -> Snapshot:
        """The state after the last step: the initial one where there is none."""
        return self.events[-1].after if self.events else self.initial

    @property
    def failing(self) -> str:
        """The process that took the last step; empty where there is none."""
        return self.events[-1].process if self.events else ""
