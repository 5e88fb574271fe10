"""Specs that something happened to: what hypothesis makes of the project's own specs."""

from __future__ import annotations

import ast
import copy
import re
from functools import cache
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

ROOT = Path(__file__).resolve().parent.parent

ALIEN = (
    *("None", "True", "0", "-1", "99999999999", "1.5", "'s'", "b's'", "...", "f'{x}'", "lambda: 0"),
    *(
        "()",
        "[]",
        "{}",
        "(",
        ")",
        "[",
        "]",
        ":",
        ",",
        "=",
        "==",
        ":=",
        "->",
        "*",
        "**",
        "@",
        "~",
        "\\",
    ),
    *(
        "not",
        "in",
        "is",
        "await",
        "yield",
        "async",
        "global x",
        "del x",
        "match",
        "type",
        "import os",
    ),
    *(
        "self",
        "Ghost[int]",
        "SetOf[int]",
        "me()",
        "\t",
        "\f",
        "\r",
        "\0",
        "\ufeff",
        "\u00e9",
        "\u2028",
    ),
)

TOKENS = re.compile(r'\n[ ]*|[ ]+|\w+|"[^"\n]*"|\W')

SETUP = """
from kmcheck.lang import setup


@setup
def made_up() -> None:
    pass
"""


@cache
def originals() -> dict[str, str]:
    """Return all specs and library files, by the path that a spec with such a text would have."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.glob("specs/*/*.py")):
        found[str(path)] = path.read_text("utf-8")
    for path in sorted(ROOT.glob("kmcheck/kernel/[a-z]*.py")):
        found[str(path)] = path.read_text("utf-8") + SETUP
    return found


@cache
def tokens(path: str) -> tuple[str, ...]:
    """Return a spec's words, signs and gaps."""
    return tuple(TOKENS.findall(originals()[path]))


@cache
def vocabulary() -> tuple[str, ...]:
    """Return every token of every spec."""
    return tuple(sorted({token for path in originals() for token in tokens(path)}))


@cache
def pieces() -> tuple[ast.expr, ...]:
    """Return the small expressions of all specs."""
    nodes = [n for text in originals().values() for n in ast.walk(ast.parse(text))]
    expressions = {ast.dump(n): n for n in nodes if isinstance(n, ast.expr)}
    return tuple(expressions[key] for key in sorted(expressions) if len(key) < 400)


@st.composite
def with_other_tokens(draw: DrawFn) -> tuple[str, str]:
    """Draw a spec, as (path, text), whose tokens were taken out, doubled, swapped or replaced."""
    path = draw(st.sampled_from(sorted(originals())))
    text = list(tokens(path))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text) - 1))
        other = draw(st.integers(0, len(text) - 1))
        match draw(
            st.sampled_from(["out", "double", "swap", "other", "new", "alien", "copy", "cut"])
        ):
            case "out":
                del text[at]
            case "double":
                text.insert(at, text[at])
            case "swap":
                text[at], text[other] = text[other], text[at]
            case "other":
                text[at] = text[other]
            case "new":
                text[at] = draw(st.sampled_from(vocabulary()))
            case "alien":
                text.insert(at, draw(st.sampled_from(ALIEN)))
            case "copy":
                text[at:at] = text[other : other + draw(st.integers(1, 30))]
            case _:
                del text[at : at + draw(st.integers(2, 30))]
        text = text or ["\n"]
    return path, "".join(text)


@st.composite
def with_other_expressions(draw: DrawFn) -> tuple[str, str]:
    """Draw a spec, as (path, text), some of whose expressions stand where others stood."""
    path = draw(st.sampled_from(sorted(originals())))
    tree = copy.deepcopy(ast.parse(originals()[path]))
    for _ in range(draw(st.integers(1, 4))):
        places = [
            (node, field, at)
            for node in ast.walk(tree)
            for field, value in ast.iter_fields(node)
            for at, part in enumerate(value if isinstance(value, list) else [value])
            if isinstance(part, ast.expr)
        ]
        node, field, at = draw(st.sampled_from(places))
        own = [n for n in ast.walk(tree) if isinstance(n, ast.expr)]
        new = copy.deepcopy(draw(st.sampled_from(draw(st.sampled_from([own, list(pieces())])))))
        value = getattr(node, field)
        if isinstance(value, list):
            value[at] = new
        else:
            setattr(node, field, new)
    try:
        return path, ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, AttributeError):  # what cannot be written cannot be read either
        return path, ""


@st.composite
def cut_short(draw: DrawFn) -> tuple[str, bytes]:
    """Draw a spec, as (path, bytes), of which only a part arrived, or with a few bytes changed."""
    path = draw(st.sampled_from(sorted(originals())))
    raw = bytearray(originals()[path].encode())
    for _ in range(draw(st.integers(0, 3))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    begin = draw(st.integers(0, len(raw)))
    return path, bytes(raw[: begin or len(raw)])


def gibberish() -> SearchStrategy[bytes]:
    """Draw bytes that are no spec: any bytes, any text, or the language's words in any order."""
    words = st.lists(st.sampled_from(vocabulary() + ALIEN), max_size=60)
    return st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        words.map("".join).map(str.encode),
        words.map(" ".join).map(str.encode),
    )
