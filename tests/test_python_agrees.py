"""One process alone computes what Python computes: the same text, compiled and executed.

Python is the oracle for control flow, scoping, calls and arithmetic: a spec's process has no
business to differ from it while nobody interferes.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kmcheck.diagnostics import Source, SpecError
from kmcheck.frontend import compile_spec
from kmcheck.semantics import Machine
from kmcheck.solver import Solver
from kmcheck.system import build

FIELDS = ("a", "b", "c")
HEAD = """\
from kmcheck.lang import Object, atomic, process, setup, start


class Kernel(Object):
    a: int
    b: int
    c: int


k = Kernel()
"""
TAIL = """

@setup
def begin() -> None:
    start(main)
"""


@dataclass
class Scope:
    """What a piece of code may use."""

    locals: list[str] = field(default_factory=list)
    functions: int = 0
    fresh: int = 0
    in_loop: bool = False
    returns: bool = True


def _number(draw: st.DrawFn, scope: Scope, depth: int) -> str:
    leaves = ["literal", "field"] + (["local"] if scope.locals else [])
    kinds = leaves if depth <= 0 else [*leaves, "sum", "product", "either"]
    if depth > 0 and scope.functions:
        kinds = [*kinds, "call", "call"]
    match draw(st.sampled_from(kinds)):
        case "literal":
            return str(draw(st.integers(-3, 9)))
        case "field":
            return f"k.{draw(st.sampled_from(FIELDS))}"
        case "local":
            return draw(st.sampled_from(scope.locals))
        case "sum":
            op = draw(st.sampled_from("+-"))
            return f"({_number(draw, scope, depth - 1)} {op} {_number(draw, scope, depth - 1)})"
        case "product":
            divisor = draw(st.sampled_from(["% 7", "// 3", "% 5"]))
            return f"({_number(draw, scope, depth - 1)} {divisor})"
        case "either":
            then, other = (_number(draw, scope, depth - 1) for _ in "ab")
            return f"({then} if {_truth(draw, scope, depth - 1)} else {other})"
        case _:
            at = draw(st.integers(0, scope.functions - 1))
            one, two = (_number(draw, scope, depth - 1) for _ in "ab")
            return f"f{at}({one}, {two})"


def _truth(draw: st.DrawFn, scope: Scope, depth: int) -> str:
    match draw(st.sampled_from(["compare", "chain", "not", "and", "or"][: 2 if depth <= 0 else 5])):
        case "compare":
            op = draw(st.sampled_from(["<", "<=", "==", "!=", ">"]))
            return f"{_number(draw, scope, depth - 1)} {op} {_number(draw, scope, depth - 1)}"
        case "chain":
            parts = [_number(draw, scope, depth - 1) for _ in range(3)]
            return " < ".join(parts)
        case "not":
            return f"not ({_truth(draw, scope, depth - 1)})"
        case op:
            return f"({_truth(draw, scope, depth - 1)} {op} {_truth(draw, scope, depth - 1)})"


def _block(draw: st.DrawFn, scope: Scope, pad: str, depth: int) -> list[str]:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        lines += _statement(draw, scope, pad, depth)
    return lines


def _statement(draw: st.DrawFn, scope: Scope, pad: str, depth: int) -> list[str]:
    kinds = ["local", "store", "change"]
    if depth > 0:
        kinds += ["if", "for", "while", "atomic"]
    if scope.in_loop:
        kinds += ["leave"]
    if scope.returns and depth < 2:
        kinds += ["return"]
    match draw(st.sampled_from(kinds)):
        case "local":
            value = _number(draw, scope, 2)
            name = f"v{draw(st.integers(0, 2))}"
            if name not in scope.locals:
                scope.locals.append(name)
            return [f"{pad}{name} = {value}"]
        case "store":
            return [f"{pad}k.{draw(st.sampled_from(FIELDS))} = ({_number(draw, scope, 2)}) % 11"]
        case "change":
            op = draw(st.sampled_from(["+", "-"]))
            target = draw(st.sampled_from([f"k.{f}" for f in FIELDS] + scope.locals))
            return [f"{pad}{target} {op}= ({_number(draw, scope, 1)}) % 4"]
        case "if":
            known = list(scope.locals)
            lines = [
                f"{pad}if {_truth(draw, scope, 1)}:",
                *_block(draw, scope, pad + "    ", depth - 1),
            ]
            scope.locals = list(known)
            if draw(st.booleans()):
                lines += [f"{pad}else:", *_block(draw, scope, pad + "    ", depth - 1)]
            scope.locals = known
            return lines
        case "for":
            return _loop(
                draw, scope, pad, depth, f"for i{depth} in range({draw(st.integers(0, 3))}):", []
            )
        case "while":
            scope.fresh += 1
            turn = f"n{scope.fresh}"
            guard = f"while {turn} < {draw(st.integers(0, 3))} and {_truth(draw, scope, 0)}:"
            return [f"{pad}{turn} = 0", *_loop(draw, scope, pad, depth, guard, [f"{turn} += 1"])]
        case "atomic":
            inner = Scope(list(scope.locals), scope.functions, scope.fresh + 50, False, False)
            return [f"{pad}with atomic():", *_block(draw, inner, pad + "    ", 0)]
        case "leave":
            word = draw(st.sampled_from(["break", "continue"]))
            return [f"{pad}if {_truth(draw, scope, 0)}:", f"{pad}    {word}"]
        case _:
            return [
                f"{pad}if {_truth(draw, scope, 0)}:",
                f"{pad}    return {_number(draw, scope, 1)}",
            ]


def _loop(
    draw: st.DrawFn, scope: Scope, pad: str, depth: int, head: str, first: list[str]
) -> list[str]:
    known, outer = list(scope.locals), scope.in_loop
    scope.in_loop = True
    body = [f"{pad}    {line}" for line in first] + _block(draw, scope, pad + "    ", depth - 1)
    scope.locals, scope.in_loop = known, outer
    return [f"{pad}{head}", *body]


@st.composite
def programs(draw: st.DrawFn) -> str:
    text = HEAD
    functions = draw(st.integers(0, 3))
    for number in range(functions):
        scope = Scope(["x", "y"], number)
        lines = _block(draw, scope, "    ", 2)
        value = _number(draw, scope, 1)
        text += "\n".join(
            [f"\n\ndef f{number}(x: int, y: int) -> int:", *lines, f"    return {value}"]
        )
    main = Scope([], functions, returns=False)
    text += "\n".join(["\n\n@process", "def main() -> None:", *_block(draw, main, "    ", 3)])
    return text + TAIL


def by_python(text: str) -> dict[str, int] | str:
    """Execute the text: the fields at its end, or the violation that Python reports too."""
    names: dict[str, Any] = {}
    exec(compile(text, "<program>", "exec"), names)  # noqa: S102 - our own text
    kernel, names["atomic"] = names["k"], nullcontext
    for name in FIELDS:
        setattr(kernel, name, 0)
    try:
        names["main"]()
    except UnboundLocalError:
        return "uninitialised-read"
    return {name: getattr(kernel, name) for name in FIELDS}


def by_kmcheck(text: str) -> dict[str, int] | str:
    solver = Solver()
    system = build(compile_spec(Source("program.py", text)), solver.holds)
    machine = Machine(system.layout, solver.holds)
    ((_, state),) = system.initial
    while steps := list(machine.successors(state)):
        (step,) = steps
        if step.fault is not None:
            return step.fault.kind
        assert step.state is not None
        state = step.state
    return {name: state[system.layout.fields["Kernel", name]] for name in FIELDS}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(programs())
def test_a_process_alone_computes_what_python_computes(text: str) -> None:
    expected = by_python(text)
    try:
        found = by_kmcheck(text)
    except SpecError as error:
        codes = {d.code for d in error.diagnostics}
        assert codes == {"K042"}, text  # a name that no way assigns before it is read
        return
    assert found in (expected, "range"), text
