"""From a file to a syntax tree. Whatever the bytes are, the answer is a tree or a diagnostic."""

from __future__ import annotations

import ast
import errno
import re
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from kmcheck.diagnostics import STDIN, Diagnostic, Source, Span, SpecError, UsageError
from kmcheck.frontend.c_words import c_instead

LARGEST = 200_000
"""Bytes: no spec is longer, and a file that is was named by mistake."""

DEEPEST = 60
"""Levels of nesting in a syntax tree: far beyond what anybody reads."""


def read(path: str, module: str = "") -> Source:
    """Read a spec; `-` is standard input.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        SpecError: it is not UTF-8 text.
    """
    try:
        raw = sys.stdin.buffer.read(LARGEST + 1) if path == "-" else _read(Path(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read {path}: {reason}", "name a spec, a Python file") from None
    except ValueError:
        raise UsageError(f"cannot read {path!r}: this is no file name") from None
    name = STDIN if path == "-" else path
    _refuse_large(name, len(raw))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8")
        span = at_character(Source(name, good, module), len(good))
        wrong = Diagnostic("K001", "this is not UTF-8 text", span, "here", "save the file as UTF-8")
        raise SpecError((wrong,)) from None
    return _source(name, text, module)


def from_text(path: str, text: str) -> Source:
    """Return a text as `read` would read it from a file of that name.

    Raises:
        UsageError: it is too long.
    """
    _refuse_large(path, len(text.encode(errors="replace")))
    return _source(path, text)


def _source(name: str, text: str, module: str = "") -> Source:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Source(name, text, module)


def _refuse_large(name: str, size: int) -> None:
    if size > LARGEST:
        message = f"{name} is larger than {LARGEST:,} bytes"
        raise UsageError(message, "a spec is a short Python file")


def _read(path: Path) -> bytes:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is no file, and might never end")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def at_character(source: Source, index: int) -> Span:
    """Return the place of one character of a text."""
    line = source.text.count("\n", 0, index) + 1
    column = index - source.text.rfind("\n", 0, index)
    return Span(source, line, column, line, column + 1)


def parse(source: Source) -> ast.Module:
    """Parse a source.

    Raises:
        SpecError: it is not Python, or nested too deeply.
    """
    zero = source.text.find("\0")
    if zero >= 0:
        span = at_character(source, zero)
        wrong = Diagnostic("K001", "this is a zero byte", span, "here", "a spec is a text file")
        raise SpecError((wrong,))
    try:
        with _quiet():
            tree = ast.parse(source.text)
    except SyntaxError as error:
        raise SpecError((_syntax_error(source, error),)) from None
    except (ValueError, MemoryError, RecursionError):
        span = Span(source, 1, 1, 1, 2)
        hint = "split it: name the parts"
        title = "this is nested too deeply to be parsed"
        raise SpecError((Diagnostic("K003", title, span, "", hint),)) from None
    _refuse_depth(source, tree)
    return tree


def parse_expression(text: str) -> ast.expr:
    """Parse an annotation in quotes.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: it is none.
    """
    with _quiet():
        return ast.parse(text, mode="eval").body


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Python from warning of what it would not do so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _syntax_error(source: Source, error: SyntaxError) -> Diagnostic:
    line = max(1, min(error.lineno or 1, source.text.count("\n") + 1))
    column = max(1, error.offset or 1)
    c = c_instead(source.line(line), column)
    if c is not None:
        return Diagnostic("K002", c[0], Span(source, line, column, line, column + 1), "here", c[1])
    if isinstance(error, TabError):
        text = source.line(line)
        before = text[: len(text) - len(text.lstrip())]
        at = before.find("\t") + 1 or len(before) + 1
        title = "tabs and spaces are mixed in what this line is indented by"
        return Diagnostic("K002", title, Span(source, line, at, line, at + 1), "here", "use spaces")
    last = error.end_offset if error.end_lineno == error.lineno and error.end_offset else 0
    span = Span(source, line, column, line, max(column + 1, last))
    if "integer string conversion" in error.msg:
        return Diagnostic("K023", "this number does not fit 32 bits", span, "here")
    return Diagnostic("K002", f"this is not Python: {error.msg}", span, "here")


def _refuse_depth(source: Source, tree: ast.Module) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in _inside(node)]
        if not level:
            return
    placed = next((node for node in level if hasattr(node, "lineno")), None)
    span = span_of(source, placed) if placed is not None else Span(source, 1, 1, 1, 2)
    title = f"this is nested more than {DEEPEST} levels deep"
    raise SpecError((Diagnostic("K003", title, span, "", "split it: name the parts"),))


@lru_cache(maxsize=16_384)
def span_of(source: Source, node: ast.AST) -> Span:
    """Return where a node of a source's tree stands, in characters."""
    line = getattr(node, "lineno", 1)
    end = getattr(node, "end_lineno", None) or line
    start_column = _characters(source, line, getattr(node, "col_offset", 0))
    end_column = _characters(source, end, getattr(node, "end_col_offset", None) or 1)
    return Span(source, line, start_column + 1, end, end_column + 1)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is one level deeper: an `elif` is on the level of its `if`."""
    while isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield node.test
        yield from node.body
        node = node.orelse[0]
    yield from ast.iter_child_nodes(node)


def tail_span(source: Source, node: ast.AST, name: str) -> Span:
    """Return where the last part of a dotted name stands."""
    span = span_of(source, node)
    column = max(1, span.end_column - len(name))
    return Span(source, span.end_line, column, span.end_line, span.end_column)


def keyword_span(source: Source, node: ast.keyword) -> Span:
    """Return where the name of a keyword argument stands."""
    span = span_of(source, node)
    return Span(source, span.line, span.column, span.line, span.column + len(node.arg or "**"))


def name_span(source: Source, node: ast.AST) -> Span:
    """Return where the name stands that a `def` or a `class` gives."""
    whole = span_of(source, node)
    name = getattr(node, "name", "")
    line = source.line(whole.line)
    at = re.compile(rf"\b{re.escape(name)}\b").search(line, whole.column)
    column = whole.column if at is None else at.start() + 1
    return Span(source, whole.line, column, whole.line, column + len(name))


def _characters(source: Source, line: int, offset: int) -> int:
    text = source.line(line)
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace"))
