"""Files that somebody has named: written, or it is said why they cannot be."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from kmcheck.diagnostics import UsageError


def write(path: str | PathLike[str], content: str | bytes) -> None:
    """Write a file, a text as UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
