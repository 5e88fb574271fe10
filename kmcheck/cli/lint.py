"""`kmcheck lint`: parse, names, types, setup; no exploration."""

from __future__ import annotations

import gc

import click

from kmcheck.cli import WRONG_SPEC
from kmcheck.diagnostics import SpecError, show
from kmcheck.frontend import compile_spec, read
from kmcheck.options import setting
from kmcheck.solver import Solver
from kmcheck.system import build


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-D",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=setting,
    help="Set a bound or choice.",
)
def command(specs: tuple[str, ...], settings: dict[str, str]) -> int:
    """Parse and type-check specs and run their setup, without exploring them.

    Exit code: 0 all are well-formed, 2 wrong command, 3 a spec is wrong.
    """
    gc.set_threshold(100_000)  # next to nothing becomes garbage, and looking for it takes time
    wrong = []
    for spec in specs:
        try:
            build(compile_spec(read(spec), settings), Solver().holds)
        except SpecError as error:
            wrong += [show(d) for d in error.diagnostics]
    if wrong:
        click.echo("\n\n".join(wrong), err=True)
        return WRONG_SPEC
    return 0


COMMAND: click.Command = command
