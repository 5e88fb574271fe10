"""`kmcheck lint`: parse, names, types, setup, what is doubtful; no exploration."""

from __future__ import annotations

import gc

import click

from kmcheck import shelf
from kmcheck.cli import VIOLATED, WRONG_SPEC
from kmcheck.diagnostics import Diagnostic, SpecError, show
from kmcheck.frontend import read
from kmcheck.linting import lint
from kmcheck.options import setting

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
@click.option("--strict", is_flag=True, help="Fail where there are warnings.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="What to print on stdout: with text, nothing.",
)
def command(specs: tuple[str, ...], settings: dict[str, str], form: str, *, strict: bool) -> int:
    """Parse and type-check specs and run their setup, without exploring them.

    Exit code: 0 all are well-formed, 1 there are warnings and --strict is given, 2 wrong command,
    3 a spec is wrong.
    """
    gc.set_threshold(100_000)  # next to nothing becomes garbage, and looking for it takes time
    found: list[Diagnostic] = []
    for spec in specs:
        try:
            found += lint(read(spec), settings)
        except SpecError as error:  # it is no text
            found += error.diagnostics
    if form != "text":
        click.echo(shelf.take("formats", form, "FORMAT").refuse(found), nl=False)
    if found:
        click.echo("\n\n".join(map(show, found)), err=True)
    if any(d.severity == "error" for d in found):
        return WRONG_SPEC
    return VIOLATED if found and strict else 0


COMMAND: click.Command = command
