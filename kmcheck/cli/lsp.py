"""`kmcheck lsp`: the diagnostics of `kmcheck lint`, in an editor, while a spec is written."""

from __future__ import annotations

import click

from kmcheck.cli import VIOLATED
from kmcheck.diagnostics import UsageError


@click.command()
def command() -> int:
    """Serve an editor over stdin and stdout, by the Language Server Protocol.

    Exit code: 0 the editor has ended it, 1 the editor is gone, 2 a library is missing.
    """
    try:
        from kmcheck.editor.server import serve  # noqa: PLC0415 - it needs what may be missing
    except ImportError:
        message = "the language server needs pygls, version 2 or later"
        raise UsageError(message, "pip install 'kmcheck[lsp]'") from None
    return 0 if serve() else VIOLATED


COMMAND: click.Command = command
