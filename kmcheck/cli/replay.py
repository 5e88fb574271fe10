"""`kmcheck replay`: step a stored trace through the reference interpreter."""

from __future__ import annotations

from pathlib import Path

import click

from kmcheck import shelf
from kmcheck.cli import VIOLATED
from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.driver import again
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.store import load
from kmcheck.trace import Trace


@click.command()
@click.argument("trace", metavar="TRACE")
@click.option(
    "--spec", metavar="SPEC", help="The spec, where it is not found under the name in the trace."
)
@click.option("-q", "--quiet", is_flag=True, help="Print one line only.")
def command(trace: str, spec: str | None, *, quiet: bool) -> int:
    """Step a stored trace through the reference interpreter.

    Exit code: 0 it reproduces, 1 it does not, 2 wrong command, 3 the spec is wrong.
    """
    stored = load(trace)
    source = read(spec or _find(stored, trace))
    settings = dict(stored.settings)
    if compile_spec(source, settings).digest != stored.digest:
        click.echo(f"kmcheck: {source.path} has changed since the trace was stored", err=True)
    try:
        told = again(source, stored)
    except InternalError as error:
        click.echo(f"{trace}: does not reproduce: {error}")
        return VIOLATED
    click.echo(f"{trace}: reproduces {told.violation.kind} in {len(told.events)} steps")
    if not quiet:
        renderer: Renderer = shelf.take("render", "columns", "RENDERER")
        click.echo("\n" + str(renderer.render(told, RenderOptions())), nl=False)
    return 0


def _find(stored: Trace, trace: str) -> str:
    named = stored.path
    for folder in (Path(), *Path(trace).resolve().parents):
        if (folder / named).is_file():
            return str(folder / named)
    raise UsageError(f"the spec {named} is not here", "name it: --spec SPEC")


COMMAND: click.Command = command
