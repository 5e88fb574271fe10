"""`kmcheck lint`: parse, names, types, setup; no exploration."""

from __future__ import annotations

import click

from kmcheck import shelf
from kmcheck.cli import WRONG_SPEC
from kmcheck.diagnostics import Diagnostic, SpecError, show
from kmcheck.frontend import compile_spec, read
from kmcheck.options import setting
from kmcheck.protocols import Format
from kmcheck.solver import Solver
from kmcheck.system import build

FORMATS = ("github", "junit", "sarif", "text")
"""Those that can say what is wrong with a spec; text is what stderr has."""


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
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="What to print on stdout: with text, nothing.",
)
def command(specs: tuple[str, ...], settings: dict[str, str], form: str) -> int:
    """Parse and type-check specs and run their setup, without exploring them.

    Exit code: 0 all are well-formed, 2 wrong command, 3 a spec is wrong.
    """
    wrong: list[Diagnostic] = []
    for spec in specs:
        try:
            build(compile_spec(read(spec), settings), Solver().holds)
        except SpecError as error:
            wrong += error.diagnostics
    format_: Format = shelf.take("formats", form, "FORMAT")
    click.echo(format_.refuse(wrong), nl=False)
    if wrong:
        click.echo("\n\n".join(map(show, wrong)), err=True)
        return WRONG_SPEC
    return 0


COMMAND: click.Command = command
