"""What the library of primitives has, by its files' texts: to tell what a name may stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kmcheck import lang

KERNEL = Path(__file__).resolve().parent.parent / "kernel"


def where_it_is(name: str) -> str:
    """Return the module of the library that defines a name, or nothing."""
    return "kmcheck.lang" if name in lang.__all__ else primitives().get(name, "")


def c_member(name: str) -> str:
    """Return what to write for a constant of C that is a member of one of the library's Enums."""
    member = _members().get(name.lower())
    if member is None:
        return ""
    enum = member.partition(".")[0]
    return f"write `{member}`, with `{enum}` from {where_it_is(enum)}"


def c_type(name: str) -> str:
    """Return what to write for a type of C that one of the library's classes is."""
    found = _types().get(name)
    return f"write `{found}`, from {where_it_is(found)}" if found else ""


@cache
def primitives() -> dict[str, str]:
    """Return the library's functions, classes and objects, each with the module that has it."""
    found: dict[str, str] = {}
    for module, text in _files():
        for name in re.findall(r"^(?:def |class |(?=\w+(?:: .*)? = ))(\w+)", text, re.MULTILINE):
            found.setdefault(name, module)
    return found


@cache
def _members() -> dict[str, str]:
    """Return the members of the library's Enums, by what they are called in C."""
    found: dict[str, str] = {}
    for _, text in _files():
        for enum, body in _ENUM.findall(text):
            first = re.match(r"[A-Z][a-z]*", enum)
            prefix = first[0] if first else enum
            for member in re.findall(r"^    ([A-Z]\w*) = auto\(\)", body, re.MULTILINE):
                found.setdefault(f"{prefix}_{member}".lower(), f"{enum}.{member}")
    return found


@cache
def _types() -> dict[str, str]:
    """Return the library's classes, by the types of C that their docstrings begin with."""
    found: dict[str, str] = {}
    for _, text in _files():
        for name, types in _CLASS.findall(text):
            for each in re.findall(r"`(?:struct )?(\w+)`", types):
                found.setdefault(each, name)
    return found


def _files() -> Iterator[tuple[str, str]]:
    """Yield the library's modules, each with its text."""
    for path in sorted(KERNEL.glob("[a-z]*.py")):
        yield f"kmcheck.kernel.{path.stem}", path.read_text("utf-8")


_ENUM = re.compile(r"^class (\w+)\(Enum\):\n((?:(?:    .*)?\n)+)", re.MULTILINE)

_CLASS = re.compile(
    r'^class (\w+)\(Object.*\):\n    """((?:`(?:struct )?\w+`(?:, )?)+)', re.MULTILINE
)
