"""Shelves: a folder's listing is the list of what there is, and listing it imports nothing."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def names(shelf: str) -> tuple[str, ...]:
    """Return what stands on a shelf (`engines`, `render`, `cli`), in alphabetical order."""
    found = {
        path.stem
        for path in (HERE / shelf).iterdir()
        if not path.stem.startswith("_")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    return tuple(sorted(found))


def take(shelf: str, name: str, constant: str) -> Any:  # noqa: ANN401 - each shelf has its own type
    """Return the constant with which a shelf's file ends."""
    return getattr(import_module(f"kmcheck.{shelf}.{name}"), constant)
