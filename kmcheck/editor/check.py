"""The diagnostics of a text that is being written, as an editor shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kmcheck.diagnostics import Diagnostic, Source, Span, SpecError, UsageError
from kmcheck.editor.names import PACKAGE, imports_of
from kmcheck.frontend.source import from_text
from kmcheck.linting import lint

SPEC = re.compile(r"^from[ \t]+kmcheck\.(?:lang|kernel)\b", re.MULTILINE)
"""What a spec has in it, and other Python has not."""


@dataclass(frozen=True, slots=True)
class Found:
    """A diagnostic as it is shown: in the file itself; `also` has places with what stands there."""

    diagnostic: Diagnostic
    span: Span
    message: str
    also: tuple[tuple[Span, str], ...]


def check(text: str, path: str) -> tuple[Found, ...]:
    """Return what is to be shown of a text; nothing of what is no spec. Raises nothing."""
    if not SPEC.search(text) or PACKAGE in Path(path).resolve().parents:
        return ()
    try:
        source = from_text(path, text)
    except UsageError as error:
        return (_of_all(Source(path, text), error.message, error.hint),)
    try:
        found = lint(source)
    except SpecError as error:
        found = error.diagnostics
    except UsageError as error:
        return (_of_all(source, error.message, error.hint),)
    except Exception as error:  # noqa: BLE001 - an editor's server goes on
        told = f"{type(error).__name__}: {error}"
        message = f"this is a bug in kmcheck, please report it with the spec: {told}"
        return (_of_all(source, message, ""),)
    return tuple(_shown(source, d) for d in found)


def _of_all(source: Source, message: str, hint: str) -> Found:
    span = Span(source, 1, 1, 1, max(2, len(source.line(1)) + 1))
    return _shown(source, Diagnostic("", message, span, "", hint))


def _shown(source: Source, diagnostic: Diagnostic) -> Found:
    """Return a diagnostic at its place, or at the import through which it is another file's."""
    label = f": {diagnostic.label}" if diagnostic.label else ""
    hint = f"\nhint: {diagnostic.hint}" if diagnostic.hint else ""
    also = tuple((note.span, note.text) for note in diagnostic.also)
    if diagnostic.span.source.path == source.path:
        return Found(diagnostic, diagnostic.span, f"{diagnostic.title}{label}{hint}", also)
    there = diagnostic.span
    message = f"{there.where}: {diagnostic.title}{label}{hint}"
    return Found(diagnostic, _import(source, there), message, ((there, "here"), *also))


def _import(source: Source, there: Span) -> Span:
    """Return the import that leads to another file; the first line, if none does directly."""
    stem = Path(there.source.path).stem
    lines = [line for module, line in imports_of(source.text) if module.lstrip(".") == stem]
    line = lines[0] + 1 if lines else 1
    return Span(source, line, 1, line, len(source.line(line)) + 1)
