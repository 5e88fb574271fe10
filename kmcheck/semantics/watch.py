"""Who wants to know what a step does: replay does, a search does not."""

from __future__ import annotations

from typing import Protocol

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Alloc, Assign, Free, Store
from kmcheck.ir.types import Type


class Observer(Protocol):
    """Who wants to know what is loaded."""

    def loaded(self, kind: str, index: int, field: str, value: object, span: Span) -> None:
        """Note that a field was loaded."""


class Watcher(Observer, Protocol):
    """Who wants to know all that a step does."""

    def entered(self, template: str, instance: int, block: int) -> None:
        """Note that a block begins."""

    def stored(self, kind: str, index: int, instruction: Store, old: object, new: object) -> None:
        """Note that a field was stored to."""

    def allocated(self, kind: str, index: int, instruction: Alloc) -> None:
        """Note that an object begins to live."""

    def freed(self, kind: str, index: int, instruction: Free) -> None:
        """Note that an object's life ended."""

    def assigned(self, template: str, instance: int, instruction: Assign, value: object) -> None:
        """Note that a local variable was assigned."""

    def chosen(self, var: str, value: object) -> None:
        """Note that a choice was made."""

    def returned(
        self, template: str, instance: int, serial: int, kind: Type, value: object
    ) -> None:
        """Note the value of a call, whenever it is looked at."""

    def spawned(self, template: str, instance: int) -> None:
        """Note that a process starts."""
