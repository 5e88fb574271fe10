"""`kmcheck coverage`: which lines, branches and choices of a spec does no run come to?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from kmcheck import shelf
from kmcheck.cli import INCONCLUSIVE, INTERRUPTED, VIOLATED
from kmcheck.coverage import Coverage, Line, Listing, covered
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.options import budget, limits, setting
from kmcheck.terminal import progress, put
from kmcheck.verdict import BY_USER, ENGINE, WITHOUT

MARKS = {"run": "+", "partly": "~", "never": "!", "left out": "-", "": " "}
LEGEND = "+ run   ~ not all of it   ! never run   - left out by the settings"


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@click.option("--engine", default=ENGINE, metavar="NAME", show_default=True,
              help=f"How to explore: {', '.join(shelf.names('engines'))}.")  # fmt: skip
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, metavar="N",
              help="Threads of the native engine.")  # fmt: skip
@limits()
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
              help="What to print.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Print into a file.")
@click.option("--strict", is_flag=True, help="Fail where a line was not covered.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the lines that were not covered.")
@click.option("--progress", "shown", type=click.Choice(["auto", "never"]), default="auto",
              help="Show progress.")  # fmt: skip
def command(**given: object) -> int:
    """List a spec with what was run of each line: steps, arms of branches, options of choices.

    All is explored, behind violations too. Reductions make no difference to what is run.

    Exit code: 0 all was explored, 1 a property is violated, or with --strict a line was not
    covered, 2 wrong command, 3 wrong spec, 4 the search ended early, 130 interrupted.
    """
    settings = dict(given["settings"])  # type: ignore[call-overload]
    engine = str(given["engine"])
    searched = budget(given, int(str(given["jobs"])))
    options = Options(settings, (), engine, searched, every=True, without=WITHOUT, readable=False)
    source = read(str(given["spec"]))
    with progress(str(given["shown"]), source.path) as report:
        result = verify(source, options, report)
    found = covered(compile_spec(source, settings), result)
    draw = {"text": _text, "markdown": _markdown, "json": _json}[str(given["form"])]
    put(draw(found, quiet=bool(given["quiet"])), given["output"])
    if found.stopped == BY_USER:
        return INTERRUPTED
    if result.outcome == "violated" or (given["strict"] and found.uncovered):
        return VIOLATED
    return INCONCLUSIVE if result.outcome == "unknown" else 0


# --- what is printed -----------------------------------------------------------------------------


def _headline(found: Coverage) -> str:
    given = "".join(f"  {name}={value}" for name, value in found.label.changed)
    return f"{found.label.spec}: {found.told}{given}"


def _extent(found: Coverage) -> str:
    states = f"{found.label.statistics.states:,} states"
    if found.violated:
        states += f", violated: {', '.join(found.violated)}"
    if found.stopped:
        return f"{states}, not all: {found.stopped}. What is marked was not run so far"
    return f"{states}, the space is closed: what is marked cannot be run within these bounds"


def _library(found: Coverage) -> str:
    told = [f"{m.removeprefix('kmcheck.')} {c.run}/{c.all}" for m, c in found.library.items()]
    return f"steps of the library: {', '.join(told)}" if told else ""


def _listed(listing: Listing, *, quiet: bool) -> Iterator[str]:
    for line in listing.lines:
        if not quiet or line.mark in ("never", "partly"):
            yield f"{line.number:>5} {MARKS[line.mark]} {line.text}".rstrip()
            yield from (f"      {told}" for told in _told(line))


def _told(line: Line) -> Iterator[str]:
    for missed in line.missed:
        yield f"  {' ' * (missed.column - 1)}^ {missed.what}"


def _text(found: Coverage, *, quiet: bool) -> str:
    parts = [_headline(found), _extent(found), _library(found)]
    for listing in found.files:
        lines = list(_listed(listing, quiet=quiet))
        if lines:
            parts += ["", f"{listing.path}:", f"      {LEGEND}", "", *lines]
    return "\n".join(part for n, part in enumerate(parts) if part or n > 2) + "\n"  # noqa: PLR2004


def _markdown(found: Coverage, *, quiet: bool) -> str:
    parts = [_headline(found), "", _extent(found) + ".", ""]
    for listing in found.files:
        lines = list(_listed(listing, quiet=quiet))
        if lines:
            parts += [f"`{listing.path}`: {LEGEND}", "", "```text", *lines, "```", ""]
    library = _library(found)
    return "\n".join([*parts, *([library] if library else [])]).rstrip() + "\n"


def _json(found: Coverage, *, quiet: bool) -> str:
    lines = [
        {"path": listing.path, **asdict(line)}
        for listing in found.files
        for line in listing.lines
        if line.mark and not (quiet and line.mark in ("run", "left out"))
    ]
    label = found.label
    told = {
        "spec": label.spec,
        "digest": label.digest,
        "bounds": dict(label.bounds),
        "choices": dict(label.choices),
        "engine": label.engine,
        "reductions": list(label.reductions),
        "states": label.statistics.states,
        "stopped": found.stopped or None,
        "violated": list(found.violated),
        "counts": {what: asdict(count) for what, count in found.counts.items()},
        "library": {module: asdict(count) for module, count in found.library.items()},
        "lines": lines,
    }
    return json.dumps(told, indent=1) + "\n"


COMMAND: click.Command = command
