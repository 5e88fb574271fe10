"""What a name in a spec is: where it is defined, and what is said of it. Broken text is fine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

IMPORT = re.compile(r"^from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]*\)?|[^\n]*)", re.MULTILINE)
WORD = re.compile(r"[^\W\d]\w*")
FARTHEST = 8
"""From file to file, so many imports are followed."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a name gets its meaning: a file, line and column (from 0), its signature and text."""

    path: Path
    line: int
    column: int
    signature: str
    doc: str
    module: str
    """`kmcheck.kernel.rcu`; empty for a file that is not the library's."""


def word_at(line: str, column: int) -> str:
    """Return the name that a column (from 0) of a line is in, or just behind; empty if none."""
    for found in WORD.finditer(line):
        if found.start() <= column <= found.end():
            return found[0]
    return ""


def definition(text: str, path: Path, name: str, far: int = 0) -> Definition | None:
    """Return what a name at the top level of a file stands for: None if that is not to be seen."""
    place = re.search(
        rf"^(?:(?:def|class)[ \t]+)?({re.escape(name)})\b[ \t]*[(:=]", text, re.MULTILINE
    )
    if place is not None:
        line = text.count("\n", 0, place.start(1))
        column = place.start(1) - place.start()
        signature, doc = _told(text, name)
        return Definition(path, line, column, signature or place[0], doc, _module(path))
    for module, known, original in _imports(text):
        if known == name and far < FARTHEST:
            for file in _files(module, path):
                found = definition(_read(file), file, original, far + 1)
                if found is not None:
                    return found
    return None


def imports_of(text: str) -> Iterator[tuple[str, int]]:
    """Yield the modules that a text imports from, each with its line, from 0."""
    for found in IMPORT.finditer(text):
        yield found[1], text.count("\n", 0, found.start())


def _imports(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what is imported: the module, the name here, and the name there."""
    for found in IMPORT.finditer(text):
        names = re.sub(r"#[^\n]*", "", found[2]).strip("() \t\n")
        for part in names.split(","):
            original, _, renamed = part.partition(" as ")
            yield found[1], renamed.strip() or original.strip(), original.strip()


def _files(module: str, beside: Path) -> list[Path]:
    """Return the files that may define what a module has."""
    if module == "kmcheck.lang":
        return sorted((PACKAGE / "lang").glob("[a-z]*.py"))
    if module.startswith("kmcheck.kernel."):
        return [PACKAGE / "kernel" / f"{module.removeprefix('kmcheck.kernel.')}.py"]
    name = module.lstrip(".")
    return [beside.parent / f"{name}.py"] if name.isidentifier() else []


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _module(path: Path) -> str:
    for shelf in ("kernel", "lang"):
        if path.parent == PACKAGE / shelf:
            return f"kmcheck.{shelf}.{path.stem}" if shelf == "kernel" else "kmcheck.lang"
    return ""


def _told(text: str, name: str) -> tuple[str, str]:
    """Return a name's signature and what is said of it, where the text can be parsed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return "", ""
    found = [_said(node, name) for node in tree.body]
    told = [said for said in found if said[0]]
    return next((said for said in told if said[1]), told[0] if told else ("", ""))


def _said(node: ast.stmt, name: str) -> tuple[str, str]:
    match node:
        case ast.FunctionDef() if node.name == name:
            marks = "".join(f"@{ast.unparse(mark)}\n" for mark in node.decorator_list)
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            head = f"{marks}def {name}({ast.unparse(node.args)}){returns}"
            return head, ast.get_docstring(node) or ""
        case ast.ClassDef() if node.name == name:
            bases = ", ".join(map(ast.unparse, node.bases))
            fields = [f"    {ast.unparse(f)}" for f in node.body if isinstance(f, ast.AnnAssign)]
            head = "\n".join([f"class {name}({bases}):" if bases else f"class {name}:", *fields])
            return head, ast.get_docstring(node) or ""
        case ast.Assign(targets=[ast.Name(id=known)]) | ast.AnnAssign(target=ast.Name(id=known)):
            if known == name:
                return ast.unparse(node), ""
    return "", ""
