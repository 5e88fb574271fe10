"""Take away a lock or a read section: what begins it, and all that ends it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmcheck.editing import Change, Mutator, calls_in, without

ENDS = {"lock": "unlock", "down_": "up_", "disable": "enable", "get_cpu": "put_cpu"}
"""Parts of the names of what begins a section, and what stands there in the name of its end."""

Call = tuple[ast.stmt, str, list[str]]


class Sections:
    """The mutator on the shelf."""

    name = "section"

    def changes(self, function: ast.FunctionDef) -> Iterator[Change]:
        """Yield a change for each call that begins a section, with the calls that end it."""
        calls = calls_in(function)
        for at, (statement, name, args) in enumerate(calls):
            end = _end(name)
            if end is None:
                continue
            ends = list(_ending(calls[at + 1 :], (name, args[:1]), end))
            if ends:
                edits = tuple(without(s) for s in (statement, *ends))
                yield Change(ast.unparse(statement), statement.lineno, edits)


def _end(name: str) -> str | None:
    """Return the name of what ends the section that a call begins."""
    if "unlock" in name or "try" in name:
        return None
    return next((name.replace(b, e) for b, e in ENDS.items() if b in name), None)


def _ending(behind: list[Call], begin: tuple[str, list[str]], end: str) -> Iterator[ast.stmt]:
    """Yield what ends the section, up to where another one like it begins."""
    for statement, name, args in behind:
        if (name, args[:1]) == begin:
            return
        if name == end and args[:1] == begin[1]:
            yield statement


MUTATOR: Mutator = Sections()
