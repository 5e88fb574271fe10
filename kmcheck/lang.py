"""The words a spec may use, typed so that editors, mypy and ruff follow a spec.

A spec is parsed and compiled, never executed: the bodies here only say so. What each
word means is docs/language.md; this file fixes how it is spelled and typed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import (
    Annotated,
    Any,
    Generic,
    NoReturn,
    Self,
    TypeVar,
    TypeVarTuple,
    overload,
)

__all__ = [
    "READ_ONCE",
    "WRITE_ONCE",
    "Annotated",
    "ArrayOf",
    "Callable",
    "Counter",
    "Enum",
    "Field",
    "Ghost",
    "ListOf",
    "O",
    "Object",
    "PerCpu",
    "PerProcess",
    "Process",
    "Ref",
    "SetOf",
    "Size",
    "T",
    "action",
    "add_return",
    "alive",
    "always",
    "atomic",
    "auto",
    "before",
    "begun",
    "bound",
    "check",
    "choice",
    "choose",
    "closure",
    "cmpxchg",
    "conserved",
    "container_of",
    "count",
    "each",
    "ended",
    "fetch_add",
    "finally_",
    "free",
    "ghost",
    "inside",
    "is_alive",
    "macro",
    "may_fail",
    "me",
    "mine",
    "pause",
    "process",
    "processes",
    "setup",
    "slots",
    "start",
    "step",
    "test_and_clear",
    "test_and_set",
    "this_cpu",
    "total",
    "uninitialised",
    "wait_until",
    "within",
    "xchg",
]

T = TypeVar("T")
O = TypeVar("O", bound="Object")  # noqa: E741 - an object type, by convention of this file
F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=bool | Enum)
Ts = TypeVarTuple("Ts")


def _never_executed() -> NoReturn:
    message = "a spec is parsed by kmcheck, never executed: run `kmcheck verify` on it"
    raise NotImplementedError(message)


# --- values -----------------------------------------------------------------------------------


class Field(Generic[T]):
    """A field named on its class, as `Memcg.parent` in `closure(memcg, Memcg.parent)`."""


class Object:
    """A kind of kernel object: its annotations are its fields, `T()` allocates one.

    `class Page(Object, limit=4)` declares how many may be alive at once; without a limit
    there are as many slots as setup allocates. A field not given to `T(...)` starts as zero.
    A method `on_free(self)` is run, as part of the same step, when the object is freed.
    """

    def __init_subclass__(cls, *, limit: int | None = None) -> None:
        """Accept the pool's limit."""

    def __init__(self, **fields: object) -> None:
        """Accept any field: kmcheck checks the names and types itself."""


class Ref(Generic[T]):
    """A nullable pointer to a `T`: reading gives the object; following a stale one is wrong."""

    @overload
    def __get__(self, instance: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object, owner: type) -> Any:
        """Load the pointer."""
        _never_executed()

    def __set__(self, instance: object, value: T | None) -> None:
        """Store the pointer."""


class SetOf(Generic[T]):
    """An unordered set. Each operation is one read-modify-write step."""

    def add(self, member: T) -> None:
        """Put a member in; no effect if it is in already."""

    def remove(self, member: T) -> None:
        """Take a member out; a violation (`list-corruption`) if it is not in."""

    def discard(self, member: T) -> None:
        """Take a member out if it is in."""

    def update(self, members: SetOf[T]) -> None:
        """Put all of `members` in."""

    def clear(self) -> None:
        """Take every member out."""

    def copy(self) -> SetOf[T]:
        """Return the members as a value."""
        _never_executed()

    def __contains__(self, member: object) -> bool:
        """Tell whether `member` is in the set (addresses are compared)."""
        _never_executed()

    def __iter__(self) -> Iterator[T]:
        """Take the members one by one, in every order."""
        _never_executed()

    def __len__(self) -> int:
        """Count the members."""
        _never_executed()

    def __or__(self, other: SetOf[T]) -> SetOf[T]:
        """Union."""
        _never_executed()

    def __and__(self, other: SetOf[T]) -> SetOf[T]:
        """Intersection."""
        _never_executed()

    def __sub__(self, other: SetOf[T]) -> SetOf[T]:
        """Difference."""
        _never_executed()

    def __le__(self, other: SetOf[T]) -> bool:
        """Tell whether this is a subset of `other`."""
        _never_executed()


class ListOf(Generic[T]):
    """An ordered list of distinct objects. Each operation is one read-modify-write step."""

    def append(self, member: T) -> None:
        """Add at the tail; a violation (`list-corruption`) if it is on the list already."""

    def push(self, member: T) -> None:
        """Add at the head; a violation (`list-corruption`) if it is on the list already."""

    def remove(self, member: T) -> None:
        """Unlink; a violation (`list-corruption`) if it is not on the list."""

    def pop(self) -> T:
        """Unlink and return the head; None if the list is empty."""
        _never_executed()

    def first(self) -> T:
        """Return the head; None if the list is empty."""
        _never_executed()

    def after(self, member: T) -> T:
        """Return what is behind `member`, None at the tail; `list-corruption` if not on it."""
        _never_executed()

    def splice(self, source: ListOf[T]) -> None:
        """Move all of `source` to the tail of this list, in one step."""

    def clear(self) -> None:
        """Unlink every member."""

    def __contains__(self, member: object) -> bool:
        """Tell whether `member` is on the list."""
        _never_executed()

    def __iter__(self) -> Iterator[T]:
        """Walk as list_for_each_entry does: head first, then what is behind the current member."""
        _never_executed()

    def __len__(self) -> int:
        """Count the members."""
        _never_executed()


class ArrayOf(Generic[T]):
    """A fixed array; `Annotated[ArrayOf[int], 4]` has four elements. Indexing is one access."""

    @overload
    def __getitem__(self: ArrayOf[Ref[O]], index: int) -> O: ...
    @overload
    def __getitem__(self, index: int) -> T: ...
    def __getitem__(self, index: int) -> Any:
        """Load an element."""
        _never_executed()

    @overload
    def __setitem__(self: ArrayOf[Ref[O]], index: int, value: O | None) -> None: ...
    @overload
    def __setitem__(self, index: int, value: T) -> None: ...
    def __setitem__(self, index: int, value: Any) -> None:
        """Store an element."""

    def __iter__(self) -> Iterator[T]:
        """Take the elements in order, each loaded when its turn comes."""
        _never_executed()

    def __len__(self) -> int:
        """Return the declared length."""
        _never_executed()


class PerCpu(Generic[O]):
    """One `O` for each CPU, as a module-level global: `stock = PerCpu(Stock)`."""

    def __init__(self, kind: type[O]) -> None:
        """Declare one `kind` per CPU that a process is bound to."""

    def on(self, cpu: int) -> O:
        """Return the instance of a given CPU (a remote access)."""
        _never_executed()


class PerProcess(Generic[O]):
    """One `O` for each process, as a module-level global: what task_struct holds.

    `mine(tasks)` is the process's own; a field that only its owner touches is no shared memory.
    A method `on_exit(self)` of the class runs when the process ends.
    """

    def __init__(self, kind: type[O]) -> None:
        """Declare one `kind` per process."""

    def of(self, owner: Process) -> O:
        """Return another process's instance."""
        _never_executed()


class Process:
    """A process as a value: it can be compared, stored and put in a set."""


class Size:
    """A symbolic, positive number of pages: the law must hold for every value of it."""

    def __get__(self, instance: object, owner: type) -> Self:
        """Load the symbol."""
        _never_executed()


class Counter:
    """A sum of sizes: the state holds how often each size is in it. Each operation is one step."""

    def add(self, amount: Size | int) -> None:
        """Add a size, or a plain number of pages."""

    def sub(self, amount: Size | int) -> None:
        """Subtract a size, or a plain number of pages."""

    def move_to(self, other: Counter) -> None:
        """Add all of it to `other`, and set it to zero."""

    def is_zero(self) -> bool:
        """Tell whether it is zero; only where that does not depend on the sizes."""
        _never_executed()

    def __add__(self, other: Counter | Size | int) -> Counter:
        """Add, in a property."""
        _never_executed()

    def __sub__(self, other: Counter | Size | int) -> Counter:
        """Subtract, in a property."""
        _never_executed()

    def __le__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        _never_executed()

    def __ge__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        _never_executed()

    def __lt__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        _never_executed()

    def __gt__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        _never_executed()


Ghost = Annotated[T, "ghost"]
"""A field that only properties read: `Ghost[int]`. Writing it is no step of its own."""


# --- what a spec is checked at ------------------------------------------------------------------


def bound(default: int, doc: str) -> int:
    """Declare a number that limits the exploration; `-D NAME=VALUE` sets it."""
    return default


def choice(default: C, doc: str) -> C:
    """Declare a design alternative, a bool or a member of an Enum; `-D NAME=VALUE` sets it."""
    return default


# --- what runs ------------------------------------------------------------------------------------


@overload
def process(function: F, /) -> F: ...
@overload
def process(*, limit: int | None = None, daemon: bool = False) -> Callable[[F], F]: ...
def process(function: Any = None, /, *, limit: int | None = None, daemon: bool = False) -> Any:
    """Mark a function as what a process runs.

    `limit` is how many may run at once when processes start it themselves; a `daemon` may
    wait for ever without that being a deadlock.
    """
    return function if function is not None else (lambda f: f)


def action(function: F) -> F:
    """Mark a guarded command: one atomic step, for all parameters whose `wait_until`s hold."""
    return function


def setup(function: F) -> F:
    """Mark the function that builds the initial heap and starts the processes."""
    return function


def macro(function: F) -> F:
    """Mark a function whose arguments are places, as those of a C macro: it may store to them."""
    return function


def start(process: Callable[[*Ts], None], *args: *Ts, cpu: int | None = None) -> Process:
    """Start a process, bound to a CPU if one is given."""
    _never_executed()


# --- steps ----------------------------------------------------------------------------------------


def atomic(why: str = "") -> AbstractContextManager[None]:
    """Make the block one step; `why` is shown beside it in traces."""
    _never_executed()


def ghost() -> AbstractContextManager[None]:
    """Mark a block that only writes ghosts: it rides on the step before it."""
    _never_executed()


def wait_until(condition: bool, why: str = "") -> None:  # noqa: FBT001 - as wait_event does
    """Block until `condition` holds; pass in the same step in which it is seen to hold."""


def pause(what: str = "") -> None:
    """Take one step that touches nothing: time passes, and `what` is shown in traces."""


@overload
def choose(options: type[O], /) -> O: ...
@overload
def choose(options: SetOf[T], /) -> T: ...
@overload
def choose(first: T, second: T, /, *others: T) -> T: ...
def choose(*options: Any) -> Any:
    """Take any of the options: one successor for each. A type stands for its live objects."""
    _never_executed()


def may_fail() -> bool:
    """Tell, either way, whether an operation of the environment fails: `choose(True, False)`."""
    _never_executed()


def each(members: SetOf[T]) -> Iterable[T]:
    """Loop over members at once, in one step: the body writes only to the member's own fields."""
    _never_executed()


def check(condition: object, kind: str, message: str = "") -> None:
    """Report a violation named `kind` if the condition is false (or, over sizes, can be)."""


def me() -> Process:
    """Return the running process."""
    _never_executed()


def mine(records: PerProcess[O]) -> O:
    """Return the running process's own record."""
    _never_executed()


def this_cpu(instances: PerCpu[O]) -> O:
    """Return the instance of the CPU that the running process is bound to."""
    _never_executed()


# --- memory ---------------------------------------------------------------------------------------


def free(thing: Object) -> None:
    """End an object's life: every copy of its address is stale from now on."""


def uninitialised(kind: type[O]) -> O:
    """Allocate without zeroing, as kmalloc does: reading what was not written is a violation."""
    _never_executed()


def container_of(pointer: O, kind: type[T], member: object) -> T:
    """Return the object in whose field `member` the object behind `pointer` lives."""
    _never_executed()


def READ_ONCE(place: T) -> T:  # noqa: N802 - the kernel's name
    """Load a place, marked: no data race."""
    _never_executed()


def WRITE_ONCE(place: T, value: T | None) -> None:  # noqa: N802 - the kernel's name
    """Store to a place, marked: no data race."""


def xchg(place: T, value: T | None) -> T:
    """Store to a place and return what it held, in one step."""
    _never_executed()


def cmpxchg(place: T, old: T | None, new: T | None) -> T:
    """Store `new` if the place holds `old`; return what it held, in one step."""
    _never_executed()


def test_and_set(place: bool) -> bool:  # noqa: FBT001 - the kernel's signature
    """Set a flag and return what it was, in one step."""
    _never_executed()


def test_and_clear(place: bool) -> bool:  # noqa: FBT001 - the kernel's signature
    """Clear a flag and return what it was, in one step."""
    _never_executed()


def fetch_add(place: int, amount: int) -> int:
    """Add to a place and return what it was, in one step."""
    _never_executed()


def add_return(place: int, amount: int) -> int:
    """Add to a place and return what it is then, in one step."""
    _never_executed()


# --- properties -----------------------------------------------------------------------------------


def always(function: F) -> F:
    """Mark a property of every state."""
    return function


def finally_(function: F) -> F:
    """Mark a property of every state in which all processes have ended."""
    return function


@overload
def conserved(function: F, /) -> F: ...
@overload
def conserved(*, when: str) -> Callable[[F], F]: ...
def conserved(function: Any = None, /, *, when: str = "at rest") -> Any:
    """Mark a law over sizes, to hold for every assignment of them.

    `when="at rest"`: in each state where every process has either not begun or ended.
    `when="always"`: in every state.
    """
    return function if function is not None else (lambda f: f)


def step(function: F) -> F:
    """Mark a property of every step: `before(x)` is the value of `x` in the state before it."""
    return function


def before(value: T) -> T:
    """Return the value of an expression in the state before the step (in a `@step` property)."""
    _never_executed()


def alive(kind: type[O]) -> SetOf[O]:
    """Return the live objects of a type."""
    _never_executed()


def is_alive(thing: Object | None) -> bool:
    """Tell whether a reference is neither null nor stale (in a property or a ghost)."""
    _never_executed()


def closure(origin: O | None, link: Field[O]) -> SetOf[O]:
    """Return `origin` and all that is reached from it by `link`; stops at stale references."""
    _never_executed()


def total(amounts: Generator[Size | Counter | int]) -> Counter:
    """Sum sizes, counters or integers."""
    _never_executed()


def count(matches: Generator[object]) -> int:
    """Count how many the generator yields: `count(p for p in alive(Page) if p.charged)`."""
    _never_executed()


def processes() -> SetOf[Process]:
    """Return the processes that have been started and have not ended."""
    _never_executed()


def begun(who: Process) -> bool:
    """Tell whether a process has made its first step."""
    _never_executed()


def ended(who: Process) -> bool:
    """Tell whether a process has ended."""
    _never_executed()


def inside(who: Process, function: Callable[..., object]) -> bool:
    """Tell whether a process is at a step inside a function that was called."""
    _never_executed()


def within(function: Callable[..., object]) -> SetOf[Process]:
    """Return the processes that are at a step inside a function that was called."""
    _never_executed()


def slots(kind: type[Object]) -> int:
    """Return how many slots a type's pool has, for a `limit`."""
    _never_executed()
