"""What remedies have in common: where runs have been, and how to put a section somewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kmcheck.diagnostics import Source
from kmcheck.editing import Body, Change, Edit, blocks, calls_in, functions_of


@dataclass(frozen=True, slots=True)
class Scene:
    """A spec, and where runs of it have been: for each step, the lines that it was inside of.

    `frees` are the lines in which something was freed. With `whole`, sections are put around whole
    functions only.
    """

    source: Source
    steps: tuple[frozenset[int], ...]
    frees: frozenset[int]
    whole: bool = False

    @property
    def functions(self) -> tuple[ast.FunctionDef, ...]:
        """The functions of what runs."""
        return tuple(functions_of(self.source.text))

    @property
    def rcu(self) -> str:
        """The module of RCU that the spec imports from: it may be that of kernels before 4.20."""
        split = "kmcheck.kernel.rcu_split"
        return split if f"from {split} import" in self.source.text else "kmcheck.kernel.rcu"

    def inside(self, first: ast.stmt, last: ast.stmt) -> int:
        """Return how many steps were inside of these statements and those between them."""
        lines = _range(first, last)
        return sum(not step.isdisjoint(lines) for step in self.steps)

    def freed(self, statement: ast.stmt) -> bool:
        """Tell whether something was freed inside of a statement."""
        return not self.frees.isdisjoint(_range(statement, statement))


class Remedy(Protocol):
    """Finds what it could put in: a file of `kmcheck.remedies`."""

    def changes(self, function: ast.FunctionDef, scene: Scene) -> Iterator[Change]:
        """Yield what could be put into a function, in the order of the text."""


def _range(first: ast.stmt, last: ast.stmt) -> range:
    return range(first.lineno, (last.end_lineno or last.lineno) + 1)


def around(
    function: ast.FunctionDef,
    scene: Scene,
    begin: str,
    end: str,
    needs: tuple[tuple[str, str], ...],
) -> Iterator[Change]:
    """Yield a change for each row of statements that a section could be around.

    Such a row begins and ends where the run has been, and has two steps of it at least. No jump
    leads out of it but `return`, which ends the section first.
    """
    own = function.body[1:] if ast.get_docstring(function) else function.body
    for body in [own] if scene.whole else blocks(own):
        been = [at for at, one in enumerate(body) if scene.inside(one, one)]
        ends = [(at, to) for at in been for to in been if at <= to]
        for at, to in [(0, len(body) - 1)] if scene.whole and been else ends:
            row = body[at : to + 1]
            if scene.inside(row[0], row[-1]) > 1 and not any(map(_jumps, row)):
                edits = tuple(_section(row, begin, end))
                yield Change(begin, row[0].lineno, edits, needs, row[-1].end_lineno)


def _jumps(statement: ast.stmt) -> bool:
    """Tell whether a statement leads out of a loop that it is in, or reads in a `return`."""
    match statement:
        case ast.Break() | ast.Continue():
            return True
        case ast.Return(value=value):
            return not isinstance(value, ast.Name | ast.Constant | None)
        case ast.For() | ast.While():
            returns = [n for n in ast.walk(statement) if isinstance(n, ast.Return)]
            return any(map(_jumps, returns))
    inner = ast.iter_child_nodes(statement)
    return any(_jumps(part) for part in inner if isinstance(part, ast.stmt))


def _section(row: Body, begin: str, end: str) -> Iterator[Edit]:
    yield before(row[0], begin)
    for statement in row:
        yield from (before(n, end) for n in ast.walk(statement) if isinstance(n, ast.Return))
    if not isinstance(row[-1], ast.Return):
        at = row[-1].end_lineno or 0, row[-1].end_col_offset or 0
        yield Edit(at, at, f"\n{' ' * row[-1].col_offset}{end}")


def before(statement: ast.stmt, text: str) -> Edit:
    """Return the edit that puts a statement on a line above another one."""
    at = statement.lineno, statement.col_offset
    return Edit(at, at, f"{text}\n{' ' * statement.col_offset}")


def arguments(scene: Scene, words: Iterable[str], here: ast.FunctionDef) -> Iterator[str]:
    """Yield what stands last in calls of `words` anywhere in the spec, as one function can say it.

    What begins with a parameter there begins with one of the same type here.
    """
    found: dict[str, None] = {}
    for function in scene.functions:
        for _, word, given in calls_in(function):
            if word in words and given:
                found.update(dict.fromkeys(_said(given[-1], function, here)))
    yield from found


def _said(expression: str, there: ast.FunctionDef, here: ast.FunctionDef) -> list[str]:
    root, dot, rest = expression.partition(".")
    kinds = _kinds(there)
    if root in kinds:
        return [f"{name}{dot}{rest}" for name, kind in _kinds(here).items() if kind == kinds[root]]
    return [] if root in _assigned(there) - _assigned(here) else [expression]


def _kinds(function: ast.FunctionDef) -> dict[str, str]:
    given = function.args.args
    return {a.arg: ast.unparse(a.annotation) for a in given if a.annotation is not None}


def _assigned(function: ast.FunctionDef) -> set[str]:
    names = (n for n in ast.walk(function) if isinstance(n, ast.Name))
    return {n.id for n in names if isinstance(n.ctx, ast.Store)}
