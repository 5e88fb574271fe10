"""`kmcheck lsp`: the diagnostics of `kmcheck lint`, in an editor, while a spec is written."""

from __future__ import annotations

from importlib.util import find_spec

import click

from kmcheck.cli import VIOLATED
from kmcheck.diagnostics import UsageError


@click.command()
def command() -> int:
    """Serve an editor over stdin and stdout, by the Language Server Protocol.

    Exit code: 0 the editor has ended it, 1 the editor is gone, 2 a library is missing.
    """
    if find_spec("pygls") is None:
        raise UsageError("the language server needs pygls", "pip install 'kmcheck[lsp]'")
    from kmcheck.editor.server import serve  # noqa: PLC0415 - it needs what may be missing

    return 0 if serve() else VIOLATED


COMMAND: click.Command = command
