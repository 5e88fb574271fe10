"""Objects, the pointers to them, and who has one of their own."""

from __future__ import annotations

from typing import Annotated, Any, Generic, NoReturn, TypeVar, overload

T = TypeVar("T")
O = TypeVar("O", bound="Object")  # noqa: E741 - an object type, by convention of the language


def never_executed() -> NoReturn:
    """Say that a word of a spec does nothing by itself."""
    message = "a spec is parsed by kmcheck, never executed: run `kmcheck verify` on it"
    raise NotImplementedError(message)


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
        never_executed()

    def __set__(self, instance: object, value: T | None) -> None:
        """Store the pointer."""


class PerCpu(Generic[O]):
    """One `O` for each CPU, as a module-level global: `stock = PerCpu(Stock)`."""

    def __init__(self, kind: type[O]) -> None:
        """Declare one `kind` per CPU that a process is bound to."""

    def on(self, cpu: int) -> O:
        """Return the instance of a given CPU (a remote access)."""
        never_executed()


class PerProcess(Generic[O]):
    """One `O` for each process, as a module-level global: what task_struct holds.

    `mine(tasks)` is the process's own; a field that only its owner touches is no shared memory.
    A method `on_exit(self)` of the class runs when the process ends.
    """

    def __init__(self, kind: type[O]) -> None:
        """Declare one `kind` per process."""

    def of(self, owner: Process) -> O:
        """Return another process's instance."""
        never_executed()


class Process:
    """A process as a value: it can be compared, stored and put in a set."""


Ghost = Annotated[T, "ghost"]
"""A field that only properties read: `Ghost[int]`. Writing it is no step of its own."""
