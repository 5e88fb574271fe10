"""Where the front end collects what is wrong, so that all of it is said in one run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kmcheck.diagnostics import Diagnostic, Note, Source, Span, SpecError
from kmcheck.frontend.by_code import INSTEAD
from kmcheck.frontend.source import name_span, span_of

MOST_FOUND = 100
"""So many mistakes are told in one run: nobody reads more."""


class Refused(Exception):  # noqa: N818
    """This piece of the spec is wrong, and that has been reported."""


class GivenUp(Exception):  # noqa: N818
    """There is no use in going on: what has been reported is enough, or it is all too much."""


class Reporter:
    """Collects diagnostics; each once, given out in the order of the source."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, int, int, str], Diagnostic] = {}

    def report(
        self,
        code: str,
        title: str,
        span: Span,
        label: str = "",
        hint: str = "",
        also: tuple[Note, ...] = (),
    ) -> Refused:
        """Note what is wrong, and return what to raise where going on makes no sense."""
        key = (span.source.path, span.line, span.column, code)
        hint = hint or INSTEAD.get(code, "")
        self.found.setdefault(key, Diagnostic(code, title, span, label, hint, also))
        if len(self.found) >= MOST_FOUND:
            raise GivenUp
        return Refused()

    def refuse(
        self, code: str, title: str, at: tuple[Source, ast.AST], label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a node of a source's tree."""
        named = isinstance(at[1], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        return self.report(code, title, name_span(*at) if named else span_of(*at), label, hint)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Go on behind the block if something in it is refused."""
        with suppress(Refused):
            yield

    def finish(self) -> None:
        """Raise all that was found.

        Raises:
            SpecError: anything was.
        """
        if self.found:
            ordered = sorted(
                self.found.values(), key=lambda d: (d.span.source.path, d.span.line, d.span.column)
            )
            raise SpecError(tuple(ordered))
