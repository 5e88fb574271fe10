"""What went wrong, as data: where, what, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

STDIN = "<stdin>"
"""What a spec from standard input has for a path."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name, as the user gave it, and its text."""

    path: str
    text: str
    module: str = ""
    """Dotted name: `kmcheck.kernel.rcu` for the library's own files, `` for the spec itself."""

    def line(self, number: int) -> str:
        """Return line `number` (1-based), without its end; empty beyond the file."""
        lines = _lines(self.text)
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@lru_cache(maxsize=32)
def _lines(text: str) -> list[str]:
    return text.split("\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one source: lines are 1-based, columns 1-based and counted in characters."""

    source: Source = field(repr=False)
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def where(self) -> str:
        """`path:line:column`, as editors and compilers write it."""
        return f"{self.source.path}:{self.line}:{self.column}"

    @property
    def text(self) -> str:
        """The first line of the piece itself."""
        line = self.source.line(self.line)
        end = self.end_column - 1 if self.end_line == self.line else len(line)
        return line[self.column - 1 : end]

    @property
    def whole(self) -> str:
        """The whole piece."""
        lines = [self.source.line(n) for n in range(self.line, self.end_line + 1)]
        lines[-1] = lines[-1][: self.end_column - 1]
        return "\n".join([lines[0][self.column - 1 :], *lines[1:]])


@dataclass(frozen=True, slots=True)
class Note:
    """Another place that a diagnostic is about, and what stands there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with a spec: its code, title, place, label under the caret, and a hint.

    A code that begins with W is a warning: the spec means something, but hardly what was meant.
    """

    code: str
    title: str
    span: Span
    label: str = ""
    hint: str = ""
    also: tuple[Note, ...] = ()
    """Where else to look, for who can follow a link."""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Whether nothing comes of the spec."""
        return "warning" if self.code.startswith("W") else "error"


class SpecError(Exception):
    """The spec is wrong. Carries every diagnostic, in source order."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n\n".join(f"{d.span.where}: {d.code}: {d.title}" for d in diagnostics))
        self.diagnostics = diagnostics


class UsageError(Exception):
    """The command is wrong: a flag, a file, a name."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[UsageError], tuple[str, str]]:
        """Return what another process makes the same of."""
        return UsageError, (self.message, self.hint)


class Interrupted(Exception):  # noqa: N818 - no error
    """Somebody wants no more of what takes long: how far it is, and how to go on."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InternalError(Exception):
    """kmcheck is wrong: an invariant of its own does not hold."""


def show(diagnostic: Diagnostic) -> str:
    """Render a diagnostic: `file:line:column: error[CODE]: title`, the line, a caret, a hint."""
    span = diagnostic.span
    line, before, marked = _excerpt(span)
    gutter = " " * max(2, len(str(span.line)))
    rows = [
        f"{span.where}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.title}",
        f"{gutter} |",
        f"{span.line:>{len(gutter)}} | {line}".rstrip(),
        f"{gutter} | {' ' * before}{'^' * marked} {diagnostic.label}".rstrip(),
    ]
    if diagnostic.hint:
        rows.append(f"{gutter} = hint: {diagnostic.hint}")
    return "\n".join(map(_printable, rows))


WIDEST = 100
"""Characters of a line that are shown of it."""


def _excerpt(span: Span) -> tuple[str, int, int]:
    """Return what is shown of a span's line, how much is before the caret, and how long that is."""
    line = span.source.line(span.line)
    first = span.column - 1
    last = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    if len(line) <= WIDEST:
        return line, first, max(1, last - first)
    begin = max(0, min(first - WIDEST // 4, len(line) - WIDEST))
    end = begin + WIDEST
    cut = ("..." if begin else "") + line[begin:end] + ("..." if end < len(line) else "")
    before = first - begin + (3 if begin else 0)
    return cut, before, max(1, min(last, end) - first)


def _printable(text: str) -> str:
    """Return a line without what a terminal would obey, or show wider than one column."""
    return "".join(c if c.isprintable() else " " for c in text)
