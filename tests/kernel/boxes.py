"""Small specs about kernel primitives: one box that holds them, and processes that are given it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from textwrap import dedent, indent

import kmcheck.kernel
from kmcheck.driver import Options
from tests.language import verdict

SHELF = Path(kmcheck.kernel.__file__).parent


@cache
def exports(home: str = "") -> dict[str, str]:
    """Return, for each name that a kernel primitive defines, the module that defines it."""
    found: dict[str, str] = {}
    for file in sorted(SHELF.glob("*.py"), key=lambda file: (file.stem != home, file.stem)):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.setdefault(node.name, file.stem)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.setdefault(node.target.id, file.stem)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, file.stem)
    return found


def found(
    *bodies: str,
    fields: str = "",
    begin: str = "",
    more: str = "",
    home: str = "",
    engine: str = "reference",
) -> str:
    """Verify a spec and return its verdict in a word.

    Each body is run by a process of its own, which is given `box`, an object with the `fields`.
    There is a global `g` with the numbers `n` and `m` and the flags `a`, `b` and `c`. `begin` is
    what setup does with `box` before it starts them. `more` are further definitions. A name that
    several primitives define is that of `home`, or else of the first of them.
    """
    text = f"class Box(Object):\n{_block(fields)}\n{GLOBAL}\n{dedent(more)}\n"
    for number, body in enumerate(bodies):
        text += f"@process\ndef p{number}(box: Box) -> None:\n{_block(body)}\n"
    starts = "\n".join(f"start(p{number}, box)" for number in range(len(bodies)))
    text += f"@setup\ndef setting() -> None:\n    box = Box()\n{_block(begin)}\n{_block(starts)}\n"
    homes = exports(home)
    used = sorted(name for name in homes if re.search(rf"\b{name}\b", text))
    imports = "".join(f"from kmcheck.kernel.{homes[name]} import {name}\n" for name in used)
    return verdict(imports + text, Options(engine=engine))


def lines(*statements: str) -> str:
    """Return statements as the text of a body."""
    return "\n".join(statements)


GLOBAL = """
class G(Object):
    n: int
    m: int
    a: bool
    b: bool
    c: bool
    box: Ref[Box]

g = G()
"""


def _block(text: str) -> str:
    return indent(dedent(text).strip() or "pass", "    ")
