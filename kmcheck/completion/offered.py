"""What the parameters of a verb offer: files, engines, names of a spec's settings.

A parameter is known by what its help calls it, so that a new verb has completion as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from kmcheck import shelf
from kmcheck.diagnostics import SpecError, UsageError
from kmcheck.driver import violations
from kmcheck.frontend import compile_spec, read
from kmcheck.frontend.settings import spell
from kmcheck.ir.program import DATA_RACE, LIVENESS, Program
from kmcheck.solver import Solver
from kmcheck.stategraph import Views, explore
from kmcheck.system import build
from kmcheck.verdict import ALL, Budget

Offer = Callable[[click.Context], Iterable[str]]


class Offered(click.types.StringParamType):
    """A text, some values of which are offered."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return those that begin as what has been typed."""
        del param
        return [CompletionItem(v) for v in self.offer(ctx) if v.startswith(incomplete)]


class Listed(Offered):
    """Several texts with commas between them: the last one is offered."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return those that begin as the last one that has been typed, behind the others."""
        before, comma, last = incomplete.rpartition(",")
        items = super().shell_complete(ctx, param, last)
        return [CompletionItem(f"{before}{comma}{item.value}") for item in items]


def attach(command: click.Command) -> None:
    """Let a verb offer values for its parameters."""
    for param in command.params:
        if type(param.type) is click.types.StringParamType:
            param.type = _type(param) or param.type


def _type(param: click.Parameter) -> click.ParamType[str] | None:
    match param.name, (param.metavar or "").removesuffix("..."):
        case "engine", _:
            return Offered(lambda _: shelf.names("engines"))
        case _, ("NAME=VALUE" | "NAME=VALUES"):
            return Offered(_settings)
        case "by", _:
            return Listed(_fields)
        case (("properties" | "property"), _):
            return Offered(_violations)
        case _, ("SPEC" | "TRACE" | "FILE"):
            return click.Path()
        case _, "DIR":
            return click.Path(file_okay=False)
    if "--no-reduce" in param.opts:
        return Offered(lambda _: (*shelf.names("reduce"), *ALL, "none"))
    return None


def _programs(ctx: click.Context) -> Iterator[Program]:
    """Yield the specs that have been named so far, as far as they are well-formed."""
    named = ctx.params.get("specs") or (ctx.params.get("spec"),)
    for spec in (
        *named,
        *ctx.args,
    ):  # click has not sorted them yet where an option lacks its value
        if spec and spec != "-":
            try:
                yield compile_spec(read(spec), {})
            except (SpecError, UsageError):
                continue


def _settings(ctx: click.Context) -> Iterator[str]:
    """Yield the values of choices, and of a bound the one that it has."""
    for program in _programs(ctx):
        for setting in program.settings:
            for value in setting.options or (spell(setting),):
                yield f"{setting.name}={value}"


def _fields(ctx: click.Context) -> Iterator[str]:
    """Yield what the states of a spec are told apart by: one state is enough to know."""
    for program in _programs(ctx):
        solver = Solver()
        try:
            system = build(program, solver.holds)
        except (SpecError, UsageError):
            continue
        space = explore(system, solver, (), Budget(states=1), lambda _: None)
        yield from Views(space, solver, 0, []).known


def _violations(ctx: click.Context) -> Iterator[str]:
    for program in _programs(ctx):
        yield from (*violations(program), *LIVENESS, DATA_RACE)
