"""What the code of a process does: its steps, and the memory that they touch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVarTuple, overload

from kmcheck.lang.objects import O, Object, PerCpu, PerProcess, Process, T, never_executed
from kmcheck.lang.values import SetOf

Ts = TypeVarTuple("Ts")


# --- steps ----------------------------------------------------------------------------------------


def start(process: Callable[[*Ts], None], *args: *Ts, cpu: int | None = None) -> Process:
    """Start a process, bound to a CPU if one is given."""
    never_executed()


def atomic(why: str = "") -> AbstractContextManager[None]:
    """Make the block one step; `why` is shown beside it in traces."""
    never_executed()


def ghost() -> AbstractContextManager[None]:
    """Mark a block that only writes ghosts: it rides on the step before it."""
    never_executed()


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
    never_executed()


def may_fail() -> bool:
    """Tell, either way, whether an operation of the environment fails: `choose(True, False)`."""
    never_executed()


def each(members: SetOf[T]) -> Iterable[T]:
    """Loop over members at once, in one step: the body writes only to the member's own fields."""
    never_executed()


def check(condition: object, kind: str, message: str = "") -> None:
    """Report a violation named `kind` if the condition is false (or, over sizes, can be)."""


def me() -> Process:
    """Return the running process; None in setup, which is none."""
    never_executed()


def mine(records: PerProcess[O]) -> O:
    """Return the running process's own record."""
    never_executed()


def this_cpu(instances: PerCpu[O]) -> O:
    """Return the instance of the CPU that the running process is bound to."""
    never_executed()


def on_cpu() -> bool:
    """Tell whether the running process is bound to a CPU; where there is a gate."""
    never_executed()


def is_called(function: Callable[..., object]) -> bool:
    """Tell whether the spec calls a function anywhere: decided when it is compiled."""
    never_executed()


def lock_class(lock: Object, subclass: int) -> int:
    """Return the number of the class that a lock belongs to."""
    never_executed()


def takes_lock(held: SetOf[int], lock: Object, subclass: int) -> None:
    """Report a lock that is taken, while others are held, against the order of other code."""


# --- memory ---------------------------------------------------------------------------------------


def free(thing: Object) -> None:
    """End an object's life: every copy of its address is stale from now on."""


def uninitialised(kind: type[O]) -> O:
    """Allocate without zeroing, as kmalloc does: reading what was not written is a violation."""
    never_executed()


def container_of(pointer: O, kind: type[T], member: object) -> T:
    """Return the object in whose field `member` the object behind `pointer` lives."""
    never_executed()


def READ_ONCE(place: T) -> T:  # noqa: N802 - the kernel's name
    """Load a place, marked: no data race."""
    never_executed()


def WRITE_ONCE(place: T, value: T | None) -> None:  # noqa: N802 - the kernel's name
    """Store to a place, marked: no data race."""


def xchg(place: T, value: T | None) -> T:
    """Store to a place and return what it held, in one step."""
    never_executed()


def cmpxchg(place: T, old: T | None, new: T | None) -> T:
    """Store `new` if the place holds `old`; return what it held, in one step."""
    never_executed()


def test_and_set(place: bool) -> bool:  # noqa: FBT001 - the kernel's signature
    """Set a flag and return what it was, in one step."""
    never_executed()


def test_and_clear(place: bool) -> bool:  # noqa: FBT001 - the kernel's signature
    """Clear a flag and return what it was, in one step."""
    never_executed()


def fetch_add(place: int, amount: int) -> int:
    """Add to a place and return what it was, in one step."""
    never_executed()


def add_return(place: int, amount: int) -> int:
    """Add to a place and return what it is then, in one step."""
    never_executed()
