"""Listings and quoted output in the Markdown files: found, tried out, and brought up to date.

    ```python tutorial/lookup.py holds     a whole file, and what `kmcheck verify` says of it
    ```toml tutorial/lookup.toml           a whole file
    ```console                             commands behind `$`, each with what it prints

A page is followed from its top, in a folder of its own in which `specs` is the project's: a file is
written where the page shows it, a command runs where the page runs it. A line `...` in an output
stands for lines that are left out. Blocks in any other language are text.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = "..."
FENCE = re.compile(r"^```(\w+)[ ]*([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the words behind that, its text, and where the text stands."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int
    start: int
    end: int

    @property
    def file(self) -> str | None:
        """The file that the block shows the whole of."""
        return self.words[0] if self.words and "." in self.words[0] else None

    @property
    def verdict(self) -> str | None:
        """What is said of the spec that the block shows."""
        return self.words[1] if self.file and len(self.words) > 1 else None


@dataclass(frozen=True, slots=True)
class Quote:
    """A command in a console block, and the output that stands below it."""

    command: str
    output: tuple[str, ...]


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, from top to bottom."""
    for found in FENCE.finditer(page):
        language, words, text = found.groups()
        line = page.count("\n", 0, found.start()) + 1
        yield Block(language, tuple(words.split()), text, line, found.start(3), found.end(3))


def quotes(block: Block) -> list[Quote]:
    """Return the commands of a console block with their outputs."""
    found: list[Quote] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Quote(line.removeprefix("$ "), ()))
        elif found:
            found[-1] = Quote(found[-1].command, (*found[-1].output, line))
    return found


def workspace(folder: Path) -> None:
    """Make a folder in which a page can be followed."""
    (folder / "specs").symlink_to(ROOT / "specs")


def write(block: Block, folder: Path) -> None:
    """Write the file that a block shows, if it shows one."""
    if block.file:
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")


def run(command: str, folder: Path) -> tuple[str, ...]:
    """Return what a kmcheck command prints in a terminal of 80 columns, line by line.

    Raises:
        ValueError: this is no kmcheck command.
    """
    words = shlex.split(command)
    if words[:1] == ["./run"]:
        words = words[1:]
    if words[:1] != ["kmcheck"]:
        raise ValueError(f"`{command}` is no kmcheck command: show it in another kind of block")
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    ended = subprocess.run(  # noqa: S603 - the program is our own
        [sys.executable, "-m", "kmcheck", *words[1:]],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return tuple(line.rstrip() for line in ended.stdout.splitlines())


def agree(quoted: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Tell whether a quoted output is what is printed now, but for what it leaves out."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(f"{line}\n") for line in quoted
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def renewed(quoted: tuple[str, ...], printed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the output as printed now, with the same left out as far as that can be told.

    What is left out is known by the lines before and behind it. Where these are gone, all is
    quoted: leave out again what does not matter.
    """
    if agree(quoted, printed):
        return quoted
    kept: list[str] = []
    at = 0
    for number, line in enumerate(quoted):
        if line != LEFT_OUT:
            continue
        before = quoted[number - 1] if number else None
        behind = quoted[number + 1] if number + 1 < len(quoted) else None
        first = at if before is None else _index(printed, before, at) + 1
        last = len(printed) if behind is None else _index(printed, behind, first)
        if not first or last < first:
            return printed
        kept += [*printed[at:first], LEFT_OUT]
        at = last
    return (*kept, *printed[at:])


def _index(lines: tuple[str, ...], line: str, start: int) -> int:
    """Return where a line stands from `start` on, -1 if it does not."""
    return lines.index(line, start) if line in lines[start:] else -1


def refreshed(page: str, folder: Path) -> str:
    """Return a page with the output of its commands as it is now."""
    result, at = "", 0
    for block in blocks(page):
        write(block, folder)
        if block.language != "console":
            continue
        lines: list[str] = []
        for quote in quotes(block):
            printed = run(quote.command, folder)
            lines += [f"$ {quote.command}", *renewed(quote.output, printed)]
        result += page[at : block.start] + "".join(f"{line}\n" for line in lines)
        at = block.end
    return result + page[at:]
