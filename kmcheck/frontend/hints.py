"""What to write instead, for what comes from C, from Python, or from another file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from kmcheck import lang

KERNEL = Path(__file__).resolve().parent.parent / "kernel"

MANY = 12
"""A list that is longer than this helps nobody."""

VERY_MANY = 300
"""To compare with more names than this takes too long."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names what is spelled nearly so, or lists what there is."""
    choices = _likely(name, known)
    close = get_close_matches(name, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"there is: {', '.join(choices)}" if 0 < len(choices) <= MANY else ""


def _likely(name: str, known: Iterable[str]) -> list[str]:
    """Return the names to compare with: where there are very many, those that begin alike."""
    choices = sorted(set(known))
    if len(choices) <= VERY_MANY:
        return choices
    return [choice for choice in choices if choice[:2] == name[:2]][:VERY_MANY]


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that nobody defined."""
    if name in _INSTEAD:
        return _INSTEAD[name]
    found = where_it_is(name)
    if found:
        return f"import it: `from {found} import {name}`"
    close = get_close_matches(name, _likely(name, known), n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    everywhere = [*lang.__all__, *primitives()]
    close = get_close_matches(name, sorted(everywhere), n=1, cutoff=0.75)
    return f"did you mean `{close[0]}`, from {where_it_is(close[0])}?" if close else ""


def where_it_is(name: str) -> str:
    """Return the module of the library that defines a name, or nothing."""
    return "kmcheck.lang" if name in lang.__all__ else primitives().get(name, "")


@cache
def primitives() -> dict[str, str]:
    """Return the library's functions, classes and objects, each with the module that has it."""
    found: dict[str, str] = {}
    for path in sorted(KERNEL.glob("[a-z]*.py")):
        for name in re.findall(
            r"^(?:def |class |(?=\w+ = ))(\w+)", path.read_text("utf-8"), re.MULTILINE
        ):
            found.setdefault(name, f"kmcheck.kernel.{path.stem}")
    return found


def c_instead(line: str, column: int) -> tuple[str, str] | None:
    """Return what is wrong, and what to write, where Python's parser stopped at a piece of C."""
    for sign, hint in _C.items():
        at = line.find(sign)
        if 0 <= at < column + 1 <= at + len(sign) + 2 and not _quoted(line, at):
            return f"`{sign.strip()}` is C, not Python", hint
    return None


def _quoted(line: str, at: int) -> bool:
    return line.count('"', 0, at) % 2 == 1 or "#" in line[:at]


_C = {
    "->": "write a dot: `page.memcg`",
    "&&": "write `and`",
    "||": "write `or`",
    "++": "write `x += 1`",
    "--": "write `x -= 1`",
    "!": "write `not`, or `!=`",
    "{": "end the line with `:`, and indent what is inside",
    "?": "write `a if condition else b`",
}

_INSTEAD = {
    "NULL": "write `None`",
    "nullptr": "write `None`",
    "null": "write `None`",
    "true": "write `True`",
    "false": "write `False`",
    "BUG_ON": "write `assert not condition`",
    "WARN_ON": 'write `check(not condition, "warning")`',
    "kmalloc": "write `Type()`, or import it: `from kmcheck.kernel.slab import kmalloc`",
    "sizeof": "objects have no size in bytes",
    "abs": "write `x if x >= 0 else -x`",
    "dict": "a map is a field of each object, or an `ArrayOf`",
    "enumerate": "loop over the members; an object keeps its number in a field",
    "filter": "write a loop with an `if`, or a quantifier",
    "frozenset": "write `SetOf()`",
    "id": "objects are compared with `==`",
    "isinstance": "what type a value has is known from its declaration",
    "list": "a list is a field: `ListOf[Page]`",
    "map": "write a loop",
    "next": "write `choose(group)` for any member, `.first()` for a list's head",
    "open": "a spec reads no files",
    "print": "a spec prints nothing: the trace shows what happens",
    "reversed": "write `range(n - 1, -1, -1)`, or another loop",
    "set": "write `SetOf()`",
    "sorted": "objects have no order",
    "str": "write an Enum",
    "super": "classes do not inherit",
    "tuple": "keep the values in the fields of an object",
    "zip": "write a loop over `range(n)`",
}


def statement_instead(node: ast.stmt) -> tuple[str, str]:
    """Return what a statement is called, and what to write instead."""
    name = type(node.value if isinstance(node, ast.Expr) else node).__name__
    if isinstance(node, ast.Expr) and name not in _STATEMENTS:
        return "a bare expression", "a statement calls, assigns or controls"
    return _STATEMENTS.get(name, (f"`{name.lower()}`", ""))


_STATEMENTS = {
    "AsyncFor": ("`async`", "processes run at once anyway"),
    "AsyncWith": ("`async`", "processes run at once anyway"),
    "AsyncFunctionDef": ("a nested function", "define functions at the top level"),
    "Assign": ("a chain of assignments", "assign one name at a time"),
    "Await": ("`await`", "processes run at once anyway: `wait_until(condition)`"),
    "ClassDef": ("a nested class", "define classes at the top level"),
    "Compare": ("a bare comparison", "to assign, write `=`; to check, `assert`"),
    "Delete": ("`del`", "an object is freed by `free(x)`, a member taken out by `.remove(x)`"),
    "FunctionDef": ("a nested function", "define functions at the top level"),
    "Global": ("`global`", "globals are objects: write to their fields"),
    "Import": ("`import`", "import at the top of the file"),
    "ImportFrom": ("`import`", "import at the top of the file"),
    "Match": ("`match`", "write `if` and `elif`"),
    "Nonlocal": ("`nonlocal`", "return the value"),
    "Raise": ("`raise`", "there are no exceptions: `assert`, or `check(...)`"),
    "Try": ("`try`", "there are no exceptions: return what happened"),
    "TryStar": ("`try`", "there are no exceptions: return what happened"),
    "Yield": ("`yield`", "the end of a step is where it has to be: write on"),
    "YieldFrom": ("`yield`", "the end of a step is where it has to be: write on"),
}
