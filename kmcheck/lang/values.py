"""Values that fields hold: sets, lists and arrays, sizes and sums of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Self, overload

from kmcheck.lang.objects import O, Ref, T, never_executed


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
        never_executed()

    def __contains__(self, member: object) -> bool:
        """Tell whether `member` is in the set (addresses are compared)."""
        never_executed()

    def __iter__(self) -> Iterator[T]:
        """Take the members one by one, in every order."""
        never_executed()

    def __len__(self) -> int:
        """Count the members."""
        never_executed()

    def __or__(self, other: SetOf[T]) -> SetOf[T]:
        """Union."""
        never_executed()

    def __and__(self, other: SetOf[T]) -> SetOf[T]:
        """Intersection."""
        never_executed()

    def __sub__(self, other: SetOf[T]) -> SetOf[T]:
        """Difference."""
        never_executed()

    def __le__(self, other: SetOf[T]) -> bool:
        """Tell whether this is a subset of `other`."""
        never_executed()


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
        never_executed()

    def first(self) -> T:
        """Return the head; None if the list is empty."""
        never_executed()

    def after(self, member: T) -> T:
        """Return what is behind `member`, None at the tail; `list-corruption` if not on it."""
        never_executed()

    def splice(self, source: ListOf[T]) -> None:
        """Move all of `source` to the tail of this list, in one step."""

    def clear(self) -> None:
        """Unlink every member."""

    def __contains__(self, member: object) -> bool:
        """Tell whether `member` is on the list."""
        never_executed()

    def __iter__(self) -> Iterator[T]:
        """Walk as list_for_each_entry does: head first, then what is behind the current member."""
        never_executed()

    def __len__(self) -> int:
        """Count the members."""
        never_executed()


class ArrayOf(Generic[T]):
    """A fixed array; `Annotated[ArrayOf[int], 4]` has four elements. Indexing is one access."""

    @overload
    def __getitem__(self: ArrayOf[Ref[O]], index: int) -> O: ...
    @overload
    def __getitem__(self, index: int) -> T: ...
    def __getitem__(self, index: int) -> Any:
        """Load an element."""
        never_executed()

    @overload
    def __setitem__(self: ArrayOf[Ref[O]], index: int, value: O | None) -> None: ...
    @overload
    def __setitem__(self, index: int, value: T) -> None: ...
    def __setitem__(self, index: int, value: Any) -> None:
        """Store an element."""

    def __iter__(self) -> Iterator[T]:
        """Take the elements in order, each loaded when its turn comes."""
        never_executed()

    def __len__(self) -> int:
        """Return the declared length."""
        never_executed()


class Size:
    """A symbolic, positive number of pages: the law must hold for every value of it."""

    def __get__(self, instance: object, owner: type) -> Self:
        """Load the symbol."""
        never_executed()


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
        never_executed()

    def __add__(self, other: Counter | Size | int) -> Counter:
        """Add, in a property."""
        never_executed()

    def __sub__(self, other: Counter | Size | int) -> Counter:
        """Subtract, in a property."""
        never_executed()

    def __le__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        never_executed()

    def __ge__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        never_executed()

    def __lt__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        never_executed()

    def __gt__(self, other: Counter | Size | int) -> bool:
        """Compare, in a property or a check: for all sizes."""
        never_executed()
