"""`kmcheck mutate`: which locks, grace periods and trygets does a design depend on?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import wrap

import click
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from kmcheck.frontend import read
from kmcheck.many import asked, flags, to_go_on
from kmcheck.necessity import SAME, Necessity, Outcome, judge, order, summary
from kmcheck.options import setting
from kmcheck.terminal import counted

REDUNDANT = "redundant within these bounds"


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@flags("a mutant", "mutants")
@click.option("--all", "every", is_flag=True,
              help="Go on after a mutant's first violation: all that it breaks.")  # fmt: skip
@click.option("--resume", "known", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write outcomes there as they come, and go on from those that are.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text",
              help="What to print.")  # fmt: skip
def command(**given: object) -> int:
    """Take each lock, read section, grace period, wait and tryget away in turn, and verify.

    What is atomic is split, and stores that stand one behind the other are swapped. A mutant that
    is violated had taken away something that carries load; one that holds, something redundant
    within these bounds.

    Exit code: 0 all mutants were verified, 2 wrong command, or the spec does not hold as it is,
    3 wrong spec, 4 some mutants are unknown, 130 interrupted.
    """
    options, jobs = asked(given)
    settings = dict(given["settings"])  # type: ignore[call-overload]
    options = replace(options, settings=settings, every=bool(given["every"]))
    known = None if given["known"] is None else Path(str(given["known"]))
    with counted(str(given["shown"]), "mutants", to_go_on(known)) as report:
        found = judge(read(str(given["spec"])), options, jobs, known, report)
    draw = {"text": _text, "markdown": _markdown, "json": _json}[str(given["form"])]
    click.echo(draw(found), nl=False)
    return 4 if any(o.verdict == "unknown" for o in found.outcomes) else 0


# --- what is printed -----------------------------------------------------------------------------


def _rows(found: Necessity) -> Iterator[tuple[str, str, str, str]]:
    for outcome in order(found.outcomes):
        steps = "" if outcome.steps is None else str(outcome.steps)
        yield f"{outcome.mutator}: {outcome.what}", str(outcome.line), _verdict(outcome), steps


def _verdict(outcome: Outcome) -> str:
    if outcome.verdict == "violated":
        return ", ".join([outcome.told, *outcome.others])
    if outcome.verdict == "holds":
        return REDUNDANT
    if outcome.verdict == SAME:
        return f"the same {outcome.told}"
    return f"{outcome.verdict}: {outcome.told}" if outcome.told else outcome.verdict


def _headline(found: Necessity) -> str:
    violated, ended = found.counts
    label = found.result.label
    given = " ".join(f"{name}={value}" for name, value in label.changed)
    return f"{label.spec}: {violated} of {ended} mutants are violated{'  ' * bool(given)}{given}"


HEADS = ("without", "line", "it is", "steps")


class Indented:
    """A text in a table: what goes on below is indented, so that it is told from the next row."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines, no wider than there is room."""
        del console
        for line in wrap(self.text, options.max_width, subsequent_indent="  "):
            yield Text(line)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return how narrow and how wide it may be."""
        del console, options
        return Measurement(2 + max(map(len, self.text.split())), len(self.text))


def _text(found: Necessity) -> str:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for head in HEADS:
        table.add_column(head, justify="right" if head in ("line", "steps") else "left")
    for what, *rest in _rows(found):
        table.add_row(Indented(what), *rest)
    console = Console(width=100, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    told = "\n".join(line.rstrip() for line in captured.get().splitlines())
    return "\n".join([f"{_headline(found)}\n\n{told}\n", *_unbroken(found)]) + (
        "\n" if found.unbroken else ""
    )


def _unbroken(found: Necessity) -> Iterator[str]:
    """Yield what is said of properties that may say nothing: those of one fate together."""
    for held in sorted({one.held for one in found.unbroken}, reverse=True):
        alike = [one for one in found.unbroken if one.held == held]
        names = ", ".join(one.property for one in alike)
        verified = alike[0].verified
        if held == verified:
            may = "it may say" if len(alike) == 1 else "they may say"
            yield f"no mutant breaks {names}: {may} nothing here"
        else:
            more = verified - held
            others = f"the other {more} of {verified}" if held else f"all {verified}"
            if more == 1:
                others = f"the other one of {verified}" if held else "the only one"
            end = "ends" if more == 1 else "end"
            yield f"no mutant is known to break {names}: {others} {end} at another violation"


def _markdown(found: Necessity) -> str:
    rows = [HEADS, ("---", "---:", "---", "---:")]
    rows += [(f"`{what}`", *rest) for what, *rest in _rows(found)]  # type: ignore[misc]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    unbroken = "".join(f"- {line}\n" for line in _unbroken(found))
    return f"{_headline(found)}\n\n{table}" + (f"\n{unbroken}" if unbroken else "")


def _json(found: Necessity) -> str:
    told = {
        **summary(found),
        "vacuous": list(found.result.vacuous),
        "unmet": [u.property for u in found.result.unmet],
        "mutants": [asdict(outcome) for outcome in found.outcomes],
    }
    return json.dumps(told, indent=2) + "\n"


COMMAND: click.Command = command
