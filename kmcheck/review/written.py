"""The page of a review as HTML, in one file and without a network, and as Markdown, for a mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from kmcheck import documents
from kmcheck.coverage import Line
from kmcheck.review.page import Review

MAIL = 75
"""Columns of a line that survives being quoted."""
SIGNS = {"run": "+", "partly": "~", "never": "!", "left out": "-", "": " "}
FILES = {
    "report.toml": "what the review is of, in words and settings: the one file that people wrote",
    "index.html": "the page for people",
    "report.md": "the same as Markdown",
    "results.json": "all verdicts with their labels",
    "results.sarif": "the verdicts as SARIF 2.1.0, each counterexample with its thread flows",
    "results.xml": "the verdicts as JUnit XML",
    "necessity.json": "what came of each mutant",
    "prevention.json": "what was tried to prevent each violation, and what came of it",
    "coverage.json": "what was not run of each spec",
    "sweep.json": "the tables over bounds and choices",
    "statement.json": "an in-toto statement: the SHA-256 of every other file, and the verdicts",
    "traces/": "the counterexamples, to be replayed and drawn again",
    "sources/": "copies of the specs, and of the kernel primitives that they are made of",
}


def html(page: Review, names: Sequence[str]) -> str:
    """Return the page; `names` are the files beside it."""
    pages = documents.templates("kmcheck.review")
    return documents.page(
        pages, "review.html", "review.css", page=page, files=_files(names), signs=SIGNS
    )


def markdown(page: Review, names: Sequence[str]) -> str:
    """Return the page for a mail."""
    pages = documents.templates("kmcheck.review", escaped=False)
    pages.filters |= {"cell": _cell, "filled": filled, "listed": _listed}
    return pages.get_template("review.md").render(page=page, files=_files(names)).rstrip() + "\n"


def _files(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the files and folders that there are, or will be, and what each is."""
    there = {*names, "index.html", "report.md", "statement.json"}
    folders = {f"{name.partition('/')[0]}/" for name in there if "/" in name}
    return [(name, told) for name, told in FILES.items() if name in there | folders]


def _cell(text: object) -> str:
    """Return a text as it may stand in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def filled(text: str, mark: str = "") -> str:
    """Return a paragraph in lines that fit a mail; `mark` stands before it, `> ` on each line."""
    later = mark if mark == "> " else " " * len(mark)
    lines = wrap(text, MAIL - len(mark), break_long_words=False, break_on_hyphens=False)
    kept = [re.sub(r"^([-+*#>]|\d+(?=[.)]))", r"\\\1", line) for line in lines[1:]]
    return "\n".join([mark + "".join(lines[:1]), *(later + line for line in kept)])


def _listed(lines: Sequence[Line]) -> str:
    """Return lines of a spec, each with its number and whether it was run."""
    return "\n".join(f"{x.number:>4} {SIGNS[x.mark]} {x.text}".rstrip() for x in lines)
