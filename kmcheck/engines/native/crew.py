"""The machine code of the moment, and the threads that run it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from kmcheck.engines.native.compiled import Compiled, Variant
from kmcheck.engines.native.packing import Packing
from kmcheck.engines.native.table import Form
from kmcheck.system import TransitionSystem


class Crew:
    """Threads with one machine code at a time: another variant of it when the tables change."""

    def __init__(
        self, system: TransitionSystem, packing: Packing, form: Form, threads: int
    ) -> None:
        self.system = system
        self.packing = packing
        self.threads = threads
        self.pool = ThreadPoolExecutor(max(1, threads - 1))
        self.compiled = self._compiled(Variant(form, threads))
        self.before: list[Compiled] = []
        """What was run before: it knows what it has run."""

    @property
    def all(self) -> list[Compiled]:
        """All code that was run, and is."""
        return [*self.before, self.compiled]

    def change(self, **other: Any) -> None:
        """Go on with another variant, compiled with as much optimisation as this one."""
        plain = Variant(self.compiled.variant.form, self.threads, self.compiled.variant.speed)
        self._go_on_with(self._compiled(replace(plain, **other)))

    def speed_up(self) -> None:
        """Go on with the same code, optimised."""
        self._go_on_with(self.compiled.faster())

    def together(self, function: Callable[..., None], contexts: list[int], *arguments: int) -> None:
        """Call machine code with all contexts at once."""
        others = [self.pool.submit(function, context, *arguments) for context in contexts[1:]]
        function(contexts[0], *arguments)
        for other in others:
            other.result()

    def _compiled(self, variant: Variant) -> Compiled:
        return Compiled(self.packing, variant, self.system.symmetry, self.system.stubborn)

    def _go_on_with(self, compiled: Compiled) -> None:
        self.before.append(self.compiled)
        self.compiled = compiled
