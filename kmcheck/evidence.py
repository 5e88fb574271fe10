"""Counterexamples as files: the stored trace and the pictures of it, always the same bytes."""

from __future__ import annotations

from pathlib import Path

from kmcheck import shelf
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.trace import Trace
from kmcheck.verdict import Result, Violated

KEPT = ("json", "columns", "sequence", "dot")
"""What is written for each violation: what no other program's version has a say in."""


def folder(root: Path, spec: str, changed: tuple[tuple[str, str], ...]) -> Path:
    """Return where the counterexamples of a spec go: `ROOT/kmemcg/reparent_caches/READ_LOCK=no`."""
    below = root / spec
    return below / ",".join(f"{name}={value}" for name, value in changed) if changed else below


def keep_all(result: Result, root: Path) -> dict[str, str]:
    """Write the traces of all violations; return each one's path, by property.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    into = folder(root, result.label.spec, result.label.changed)
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    return {v.property: str(keep(v.trace, into)) for v in violated}


def keep(trace: Trace, into: Path) -> Path:
    """Write a trace and its pictures into a folder; return the stored trace's path.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    into.mkdir(parents=True, exist_ok=True)
    stored = into / f"{trace.violation.kind}.json"
    for name in KEPT:
        renderer: Renderer = shelf.take("render", name, "RENDERER")
        drawn = renderer.render(trace, RenderOptions())
        path = into / f"{trace.violation.kind}{renderer.suffix}"
        if isinstance(drawn, bytes):
            path.write_bytes(drawn)
        else:
            path.write_text(drawn, encoding="utf-8", newline="\n")
    return stored
