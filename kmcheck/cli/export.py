"""`kmcheck export`: a spec in another checker's language."""

from __future__ import annotations

import click

from kmcheck import shelf
from kmcheck.driver import unordered
from kmcheck.frontend import read
from kmcheck.options import setting
from kmcheck.protocols import Exporter
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.terminal import put


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("--to", "language", type=click.Choice(shelf.names("export")), default="promela",
              show_default=True, help="Into which language.")  # fmt: skip
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@click.option("--turns", type=click.IntRange(1), default=2, show_default=True, metavar="N",
              help="How often a loop that chooses comes round in one step.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write into a file.")
def command(
    spec: str, language: str, settings: dict[str, str], turns: int, output: str | None
) -> int:
    """Say a spec in another checker's language, for those who want to check kmcheck.

    Exit code: 0 written, 2 wrong command, or the language cannot say it, 3 wrong spec.
    """
    exporter: Exporter = shelf.take("export", language, "EXPORTER")
    text = exporter.write(build(unordered(read(spec), settings), Solver().holds), turns)
    put(text, output)
    return 0


COMMAND: click.Command = command
