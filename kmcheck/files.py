"""Files that somebody has named: written, or it is said why they cannot be."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from kmcheck.diagnostics import UsageError


def exchange(path: Path, content: str) -> None:
    """Write a file anew, so that at any time it is the old one or the new one, and no part of one.

    Raises:
        UsageError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    write(beside, content)
    try:
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def write(path: str | PathLike[str], content: str | bytes) -> None:
    """Write a file, a text as UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
