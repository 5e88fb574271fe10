"""What to write instead, for what comes from Python, or from another file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from difflib import get_close_matches

from kmcheck import lang
from kmcheck.diagnostics import Source
from kmcheck.frontend.c_words import c_word
from kmcheck.frontend.library import c_member, c_type, primitives, where_it_is
from kmcheck.frontend.vocabulary import INSTEAD_OF_TYPE

IMPORTABLE = "a spec may import from kmcheck.lang, kmcheck.kernel and spec files beside it"

MANY = 12
"""A list that is longer than this helps nobody."""

ASKED = 60
"""As above, where somebody looks for a name of what is already there, on the command line."""

VERY_MANY = 300
"""To compare with more names than this takes too long."""


def did_you_mean(name: str, known: Iterable[str], most: int = MANY) -> str:
    """Return a hint that names what is spelled nearly so, or lists what there is, up to `most`."""
    choices = _likely(name, known)
    close = get_close_matches(name, choices, n=1, cutoff=0.6)
    if not close:
        lower = {choice.lower(): choice for choice in choices}
        close = [lower[c] for c in get_close_matches(name.lower(), lower, n=1, cutoff=0.6)]
    if close:
        return f"did you mean `{close[0]}`?"
    return f"there is: {', '.join(choices)}" if 0 < len(choices) <= most else ""


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
    instead = c_word(name) or c_member(name)
    if instead:
        return instead
    close = get_close_matches(name, _likely(name, known), n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    everywhere = [*lang.__all__, *primitives()]
    close = get_close_matches(name, sorted(everywhere), n=1, cutoff=0.75)
    return f"did you mean `{close[0]}`, from {where_it_is(close[0])}?" if close else ""


def with_a_call(name: str) -> str:
    """Return what to write instead of a `with` that calls a function."""
    for taken, given_back in (("lock", "unlock"), ("down_", "up_"), ("disable", "enable")):
        other = name.replace(taken, given_back)
        if other != name and where_it_is(other):
            return f"call `{name}()` before, and `{other}()` where the block ends"
    return "call it before: `with` is for `atomic` and `ghost`"


def in_setup(library: Source) -> str:
    """Return what setup calls instead of what a file of the library has for processes."""
    told = re.findall(r'^def (\w+)\(.*\n    """.*: for setup\."""', library.text, re.MULTILINE)
    if told:
        return f"for setup there is: {', '.join(f'{name}()' for name in told)}"
    return "setup is alone: it needs no lock, and waits for nobody"


def function_wanted(parameter: ast.arg) -> str:
    """Return a hint for a value that is given where a function is called again and again."""
    given, returned = "...", ""
    match parameter.annotation:
        case ast.Subscript(slice=ast.Tuple(elts=[ast.List(elts=taken), returns])):
            given = "x: Type" if len(taken) == 1 else given
            returned = f" -> {ast.unparse(returns)}"
    return f"write `def {parameter.arg}({given}){returned}:` at the top level, and pass its name"


def no_such_file(module: str, known: Iterable[str], names: list[str]) -> str:
    """Return a hint for an import from a file that is not there."""
    words = [name for name in names if name in lang.__all__]
    if words:
        return f"write `from kmcheck.lang import {', '.join(words)}`"
    known_names = [name for name in names if where_it_is(name)]
    if known_names:
        return f"`{known_names[0]}` is in {where_it_is(known_names[0])}"
    prefix, _, last = module.rpartition(".")
    close = get_close_matches(last, [each.rpartition(".")[2] for each in known], n=1, cutoff=0.6)
    if close:
        return f"did you mean `{f'{prefix}.' if prefix else ''}{close[0]}`?"
    for name in names:
        hint = not_there(name, ())
        if hint:
            return hint
    return IMPORTABLE


def not_there(name: str, public: Iterable[str]) -> str:
    """Return a hint for a name that is imported from a module without it."""
    elsewhere = where_it_is(name)
    if elsewhere:
        return f"it is in {elsewhere}"
    return c_word(name) or c_member(name) or did_you_mean(name, public)


def unknown_type(name: str, known: Iterable[str]) -> str:
    """Return a hint for a type that nobody defined."""
    if where_it_is(name):
        return f"import it: `from {where_it_is(name)} import {name}`"
    return c_type(name) or INSTEAD_OF_TYPE.get(name) or c_word(name) or did_you_mean(name, known)


_INSTEAD = {
    "kmalloc": "write `Type()`, or import it: `from kmcheck.kernel.slab import kmalloc`",
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
