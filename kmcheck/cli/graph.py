"""`kmcheck graph`: the state graph, merged to what a person can look at, or exported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from kmcheck import shelf
from kmcheck.cli import INCONCLUSIVE
from kmcheck.diagnostics import UsageError
from kmcheck.driver import unordered, violations
from kmcheck.files import write
from kmcheck.frontend import read
from kmcheck.frontend.hints import ASKED, did_you_mean
from kmcheck.frontend.settings import spell
from kmcheck.ir.program import Program
from kmcheck.options import budget, limits, setting
from kmcheck.solver import Solver
from kmcheck.stategraph import MOST, Form, Quotient, Views, explore, follow, merge
from kmcheck.store import load
from kmcheck.system import build
from kmcheck.terminal import progress

STATES = 20_000
"""States that are found unless more are asked for: some seconds."""
COARSER = ("state", "processes", "depth")
"""What is tried, one after the other, until a picture is small enough."""


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@click.option("--by", multiple=True, metavar="NAME,...",
              help="Merge states that are alike in these: fields, variables, objects, processes, "
              "depth; `state` merges none. May be repeated.")  # fmt: skip
@click.option("--as", "form", type=click.Choice(shelf.names("graphs")),
              help="What to write [default: as FILE ends, or svg].")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write into a file.")
@click.option("--trace", metavar="TRACE", help="Show this stored run in the graph.")
@click.option("-p", "--property", "properties", multiple=True, metavar="NAME",
              help="Show a run to this only; may be repeated.")  # fmt: skip
@limits("Go no further than", "Stop after", states=STATES)
@click.option("--progress", "shown", type=click.Choice(["auto", "never"]), default="auto",
              help="Show progress.")  # fmt: skip
def command(**given: object) -> int:
    """Write the graph of all states and steps, with states that are alike merged into one node.

    A run to a violation is shown in it. Without --by, the finest is taken that makes a picture that
    is small enough.

    Exit code: 0 written, 2 wrong command, 3 wrong spec, 4 written, but a limit cut it off.
    """
    output = None if given["output"] is None else str(given["output"])
    form = _form(given["form"], output)
    graph = _graph(given, form)
    files = form.write(graph)
    if output is None:
        _print(form, files)
    else:
        _write(form, files, Path(output))
    if graph.stopped:
        click.echo(f"kmcheck: these are not all states: {graph.stopped}", err=True)
        return INCONCLUSIVE
    return 0


def _form(named: object, output: str | None) -> Form:
    known = shelf.names("graphs")
    ending = Path(output).suffix.removeprefix(".") if output else ""
    name = str(named or (ending if output else "svg"))
    if name not in known:
        hint = f"it may end in {', '.join(f'.{k}' for k in known)}; or say which with --as"
        raise UsageError(f"what is {output} to be?", hint)
    form: Form = shelf.take("graphs", name, "FORM")
    return form


# --- the graph ------------------------------------------------------------------------------------


def _graph(given: Mapping[str, object], form: Form) -> Quotient:
    solver = Solver()
    trace = None if given["trace"] is None else load(str(given["trace"]))
    settings = dict(given["settings"])  # type: ignore[call-overload]
    if trace is not None:
        if settings:
            raise UsageError("-D and --trace do not go together", "the trace has its settings")
        settings = dict(trace.settings)
    program = unordered(read(str(given["spec"])), settings)
    if trace is not None and program.digest != trace.digest:
        click.echo(f"kmcheck: {given['spec']} has changed since the trace was stored", err=True)
    wanted: tuple[str, ...] = given["properties"]  # type: ignore[assignment]
    for name in wanted:
        if name not in violations(program):
            hint = did_you_mean(name, violations(program), ASKED)
            raise UsageError(f"the spec has no property `{name}`", hint)
    with progress(str(given["shown"]), str(given["spec"])) as report:
        space = explore(build(program, solver.holds), solver, wanted, budget(given), report)
    initial, acting = 0, list[int]()
    if trace is not None:
        space.way = follow(space, solver, trace.witness, trace.violation.kind)
        initial, acting = trace.witness[0], [actor for actor, _ in trace.witness[1]]
    views = Views(space, solver, initial, acting)
    if given["by"]:
        by = ",".join(given["by"])  # type: ignore[arg-type]
        return _small(merge(space, views, by, _title(program)), form)
    tried = (merge(space, views, by, _title(program)) for by in COARSER if by in views.known)
    if not form.is_drawn:
        return next(tried)
    return _small(next((g for g in tried if len(g.knots) <= MOST), None), form)


def _small(graph: Quotient | None, form: Form) -> Quotient:
    """Return a graph that is small enough for what is to be made of it."""
    if graph is not None and not (form.is_drawn and len(graph.knots) > MOST):
        return graph
    size = "more" if graph is None else f"{len(graph.knots):,}"
    hint = "merge more states: name less, or something else, in --by; or --as graphml, dot, parquet"
    raise UsageError(f"a picture has {MOST} nodes at the most, and this would have {size}", hint)


def _title(program: Program) -> str:
    changed = [f"{s.name}={spell(s)}" for s in program.settings if s.value != s.default]
    return " ".join([program.name, *changed])


# --- files ----------------------------------------------------------------------------------------


def _print(form: Form, files: tuple[tuple[str, bytes], ...]) -> None:
    if len(files) > 1:
        raise UsageError(f"{form.name} makes {len(files)} files", "name them: -o FILE")
    _tell_of_dot(form, files[0][0])
    click.echo(files[0][1], nl=False)


def _write(form: Form, files: tuple[tuple[str, bytes], ...], output: Path) -> None:
    stem = output.with_suffix("") if output.suffix == f".{form.name}" else output
    for ending, content in files:
        as_named = len(files) == 1 and ending == f".{form.name}"
        path = output if as_named else Path(f"{stem}{ending}")
        write(path, content)
        if not as_named:
            _tell_of_dot(form, ending)
            click.echo(f"kmcheck: wrote {path}", err=True)


def _tell_of_dot(form: Form, ending: str) -> None:
    if form.is_drawn and ending == ".dot":
        what = "this is what it would read"
        click.echo(f"kmcheck: `dot` is not installed (apt install graphviz): {what}", err=True)


COMMAND: click.Command = command
