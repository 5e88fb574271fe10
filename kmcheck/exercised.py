"""Which code of a spec was run: its steps, the arms of its branches, the options of its choices.

A line that is inlined in several places counts as run if any of them was. What a reduction does not
explore counts all the same: none takes blocks away, or a step that a run comes to, and each says
why in its docstring.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Branch, Choose, Spawn, Template
from kmcheck.ir.consequents import consequents
from kmcheck.ir.exercise import SEVERAL, Exercised, element_of, marks, sort_of, width
from kmcheck.ir.expr import Const, Op
from kmcheck.ir.program import Program
from kmcheck.ir.types import EnumType, Function
from kmcheck.verdict import Unexercised, Unmet

STEP, IDLE, ALONE = "step", "is never started", "never has more than one to choose from"
ARMS = "is never true", "is never false"


@dataclass(frozen=True, slots=True)
class Noted:
    """What could be run: what it is, where, whether it was, and whether its block was."""

    what: str
    span: Span
    run: bool
    reached: bool


def unexercised(program: Program, exercised: Mapping[str, Exercised]) -> tuple[Unexercised, ...]:
    """Return the steps, arms and options in the spec's own files that were never run."""
    seen = {(IDLE, span): False for _, span in program.idle}
    for name, template in program.templates.items():
        if template.role == "setup":
            continue
        if not is_started(program, name, exercised):
            seen[IDLE, template.span] = False
            continue
        for one in noted(template, exercised[name]):
            own = not one.span.source.module
            if own and one.what != ALONE and (one.reached or one.what == STEP):
                seen[one.what, one.span] = seen.get((one.what, one.span), False) or one.run
    missing = [Unexercised(what, span) for (what, span), run in seen.items() if not run]
    return tuple(sorted(missing, key=place))


def unmet(
    program: Program, looked: Mapping[str, bytearray], judged: Mapping[str, int]
) -> tuple[Unmet, ...]:
    """Return the parts that were never looked at, of properties that were asked for at all.

    Of parts inside of each other the outermost.
    """
    found = []
    for prop in program.properties:
        if judged.get(prop.name):
            missed = [
                part.span
                for part, seen in zip(consequents(prop), looked.get(prop.name, ()), strict=True)
                if not seen
            ]
            found += [
                Unmet(prop.name, span)
                for at, span in enumerate(missed)
                if not any(_is_inside(span, other) for other in missed[:at])
            ]
    return tuple(found)


def _is_inside(span: Span, other: Span) -> bool:
    begins = (other.line, other.column) <= (span.line, span.column)
    ends = (span.end_line, span.end_column) <= (other.end_line, other.end_column)
    return span.source == other.source and begins and ends


def is_started(program: Program, name: str, exercised: Mapping[str, Exercised]) -> bool:
    """Tell whether any code that was run starts a process; setup's code is all run."""
    return program.templates[name].role in ("action", "setup") or any(
        isinstance(instruction, Spawn) and instruction.process == name
        for other, template in program.templates.items()
        for number, block in enumerate(template.blocks)
        if other == "setup" or exercised[other].blocks[number]
        for instruction in block.instructions
    )


def place(found: Unexercised) -> tuple[str, int, int, str]:
    """Return by what order such things are told."""
    return found.span.source.path, found.span.line, found.span.column, found.what


def noted(template: Template, found: Exercised) -> Iterator[Noted]:
    """Yield all of a template that could be run, in the library's files, too."""
    options = marks(template).options
    before = min(options.values(), default=0)
    for number, block in enumerate(template.blocks):
        run = bool(found.blocks[number])
        if block.cut or number in template.merged:
            yield Noted(STEP, block.span, run, run)
        if isinstance(block.terminator, Branch) and is_written(block.terminator):
            for arm, what in enumerate(ARMS):
                taken = bool(found.arms[2 * number + arm])
                yield Noted(what, block.terminator.span, taken, run)
        for at, instruction in enumerate(block.instructions):
            if isinstance(instruction, Choose) and not instruction.span.source.module:
                first = options[number, at] - before
                flags = found.options[first : first + width(instruction)]
                for what, chosen in _options(instruction, flags):
                    yield Noted(what, instruction.span, chosen, run)


def _options(choose: Choose, taken: bytes) -> Iterator[tuple[str, bool]]:
    """Yield the options of a choice; a loop in any order chooses, too, but is none."""
    called = _call(choose.span)
    if called is None:
        return
    if sort_of(choose) != "place" and ast.unparse(called.func) != "choose":
        return
    if sort_of(choose) == "number":
        yield ALONE, bool(taken[SEVERAL])
        return
    kind = element_of(choose)
    names = [ast.unparse(given) for given in called.args]
    if sort_of(choose) == "value":
        names = list(kind.members) if isinstance(kind, EnumType) else []
    names = names if len(names) == len(taken) else ["False", "True"]  # `may_fail()`
    for name, run in zip(names, taken, strict=True):
        yield f"never chooses {name}", bool(run)


def _call(span: Span) -> ast.Call | None:
    """Return the call of `choose` that a span is of."""
    try:
        found = ast.parse(span.whole.strip(), mode="eval").body
    except SyntaxError:
        return None
    return found if isinstance(found, ast.Call) else None


def is_written(branch: Branch) -> bool:
    """Tell whether a branch is the spec's: a call through a field tries one function after another.

    The functions that it never comes to are told by their own steps.
    """
    test = branch.condition
    which = test.args[-1] if isinstance(test, Op) else None
    tries = isinstance(which, Const) and isinstance(which.type, Function) and which.value != 0
    return not tries and not branch.span.source.module
