"""`kmcheck show`: draw a stored trace again."""

from __future__ import annotations

import click

from kmcheck import shelf
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.store import load
from kmcheck.terminal import put


@click.command()
@click.argument("trace", metavar="TRACE")
@click.option(
    "--as",
    "picture",
    type=click.Choice(shelf.names("render")),
    default="columns",
    show_default=True,
    help="Which picture.",
)
@click.option("--full", is_flag=True, help="Show every step, not only those that matter.")
@click.option("-o", "--output", metavar="FILE", help="Draw into a file.")
def command(trace: str, picture: str, output: str | None, *, full: bool) -> int:
    """Draw a stored trace again: TRACE is a .json that verify wrote, or - for stdin.

    Exit code: 0 drawn, 2 wrong command or no trace.
    """
    renderer: Renderer = shelf.take("render", picture, "RENDERER")
    put(renderer.render(load(trace), RenderOptions(full=full)), output)
    return 0


COMMAND: click.Command = command
