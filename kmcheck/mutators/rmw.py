"""Split a read-modify-write whose result is used into a load and a store."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from kmcheck.editing import Change, Mutator, call_of
from kmcheck.hoisting import Found, Names, calls, hoisted

Stored = Callable[[str, list[str]], tuple[str, str, str]]
"""From what was loaded and the operands: when to store (always if empty), what, and the result."""

WORDS: dict[str, Stored] = {
    "test_and_set": lambda was, _: ("", "True", was),
    "test_and_clear": lambda was, _: ("", "False", was),
    "xchg": lambda was, given: ("", given[0], was),
    "cmpxchg": lambda was, given: (f"{was} == {given[0]}", given[1], was),
    "fetch_add": lambda was, given: ("", f"{was} + {given[0]}", was),
    "add_return": lambda was, given: ("", f"{was} + {given[0]}", f"{was} + {given[0]}"),
}
ALONE = {"fetch_add", "add_return"}
"""Words that the mutator of what is atomic splits where nobody asks for the result."""


class ReadModifyWrites:
    """The mutator on the shelf."""

    name = "rmw"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each word, but inside of atomic blocks, which nothing splits."""
        for found in (found for function in functions for found in calls(function)):
            word, _ = call_of(found.call) or ("", [])
            if word in WORDS and not found.atomic and not _is_alone(found, word):
                edits = hoisted(found, partial(_split, found.call, WORDS[word]))
                yield Change(ast.unparse(found.call), found.call.lineno, edits)


def _is_alone(found: Found, word: str) -> bool:
    return word in ALONE and isinstance(found.statement, ast.Expr)


def _split(call: ast.Call, stored: Stored, name: Names) -> tuple[str, str]:
    """Return the load and the store, and the result; who is stored to is asked once."""
    rows: list[str] = []

    def kept(node: ast.expr) -> str:
        match node:
            case ast.Name() | ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
                return ast.unparse(node)
        own = name()
        rows.append(f"{own} = {ast.unparse(node)}")
        return own

    place = _place(call.args[0], kept)
    given = [kept(operand) for operand in call.args[1:]]
    was = kept(ast.parse(place, mode="eval").body)
    when, new, result = stored(was, given)
    store = f"{place} = {new}"
    rows.append(f"if {when}:\n    {store}" if when else store)
    return "\n".join(rows), result


def _place(node: ast.expr, kept: Callable[[ast.expr], str]) -> str:
    """Return a place with what leads to it kept."""
    match node:
        case ast.Attribute(value=whose, attr=field):
            return f"{kept(whose)}.{field}"
        case ast.Subscript(value=array, slice=index):
            return f"{_place(array, kept)}[{kept(index)}]"
    return ast.unparse(node)


MUTATOR: Mutator = ReadModifyWrites()
