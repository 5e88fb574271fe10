"""Writes Promela line by line, and hands out scratch variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Writer:
    """The text of a model under way.

    Scratch variables are cells of two global arrays, `t` for numbers and `q` for the elements of
    lists and arrays. Whoever ends a `d_step` sets them back to zero (`scratch_used` says how many
    there are), so that no state that SPIN stores differs in them.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.level = 0
        self.numbers = 0
        self.elements = 0
        self.most_numbers = 1
        self.most_elements = 1
        self.labels = 0

    def __call__(self, *lines: str) -> None:
        """Write lines at the current indentation."""
        self.lines.extend(f"{'  ' * self.level}{line}" for line in lines)

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Write what is inside one level deeper."""
        self.level += 1
        yield
        self.level -= 1

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Write what is inside for the case that a condition holds."""
        self("if", f":: {condition} ->")
        with self.indented():
            self("skip;")
            yield
        self(":: else", "fi;")

    def goto_if(self, condition: str, label: str) -> None:
        """Write a jump that is taken if a condition holds."""
        self("if", f":: {condition} -> goto {label}", ":: else", "fi;")

    @contextmanager
    def loop(self, condition: str) -> Iterator[None]:
        """Write what is inside to be repeated as long as a condition holds."""
        self("do", f":: {condition} ->")
        with self.indented():
            self("skip;")
            yield
        self(":: else -> break", "od;")

    @contextmanager
    def count(self, length: int | str) -> Iterator[str]:
        """Write what is inside to be repeated for 0, 1, ... below `length`; yield the number."""
        at = self.scratch("0")
        with self.loop(f"{at} < {length}"):
            yield at
            self(f"{at} = {at} + 1;")

    @contextmanager
    def captured(self) -> Iterator[list[str]]:
        """Collect what is written inside, instead of writing it."""
        outer, self.lines = self.lines, []
        inner = self.lines
        try:
            yield inner
        finally:
            self.lines = outer

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Let go, at the end, of the scratch variables taken inside."""
        kept = self.numbers, self.elements
        yield
        self.numbers, self.elements = kept

    def scratch(self, value: str) -> str:
        """Return a new scratch variable that holds a value."""
        name = f"t[{self.numbers}]"
        self.numbers += 1
        self.most_numbers = max(self.most_numbers, self.numbers)
        self(f"{name} = {value};")
        return name

    def region(self, length: int) -> int:
        """Return where new scratch elements begin; what is in them is undefined."""
        at = self.elements
        self.elements += length
        self.most_elements = max(self.most_elements, self.elements)
        return at

    def label(self, stem: str) -> str:
        """Return a label that is used nowhere else."""
        self.labels += 1
        return f"{stem}_{self.labels}"

    def here(self, label: str) -> None:
        """Write a label."""
        self.lines.append(f"{label}: skip;")
