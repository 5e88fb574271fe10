"""`kmcheck prevent`: with which choices would it not have happened?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

import click

from kmcheck.cli import INCONCLUSIVE, VIOLATED
from kmcheck.frontend import read
from kmcheck.many import asked, flags
from kmcheck.options import setting
from kmcheck.prevention import Change, Prevention, Tried, prevention
from kmcheck.terminal import counted


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@flags("a change", "changes")
@click.option("--most", type=click.IntRange(1), default=2, show_default=True, metavar="N",
              help="Change so many choices together at the most.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              help="What to print.")  # fmt: skip
def command(**given: object) -> int:
    """Find the smallest sets of choices with which a spec that is violated holds.

    Each choice is changed alone, then two together, and so on, until one change is enough. Enough
    it is if all that is checked holds then, not only what was violated.

    Exit code: 0 a change is enough, or nothing is violated; 1 none is; 2 wrong command, 3 wrong
    spec, 4 none is and some are unknown, 130 interrupted.
    """
    options, jobs = asked(given)
    options = replace(options, settings=dict(given["settings"]))  # type: ignore[call-overload]
    source = read(str(given["spec"]))
    with counted(str(given["shown"]), "changes") as report:
        found = prevention(source, options, jobs, int(str(given["most"])), report)
    click.echo(_json(found) if given["form"] == "json" else _text(found), nl=False)
    return _code(found)


def _code(found: Prevention) -> int:
    if found.first.verdict != "violated":
        return 0 if found.first.verdict == "holds" else INCONCLUSIVE
    if found.enough:
        return 0
    return INCONCLUSIVE if any(t.verdict == "unknown" for _, t in found.tried) else VIOLATED


def _text(found: Prevention) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Prevention) -> Iterator[str]:
    given = "".join(f" {name}={value}" for name, value in found.asked)
    yield f"{found.spec}{given}: {_outcome(found.first)}"
    if found.first.verdict != "violated":
        return
    if not found.tried:
        yield "\nthe spec has no choices that could prevent it"
        return
    yield "\nprevented by" if found.enough else "\nprevented by nothing that was tried"
    yield from (f"  {_change(change)}" for change in found.enough)
    others = [(change, tried) for change, tried in found.tried if tried.verdict != "holds"]
    if others:
        yield "\nnot by"
        width = max(len(_change(change)) for change, _ in others)
        yield from (f"  {_change(change):<{width}}  {_outcome(t)}" for change, t in others)


def _change(change: Change) -> str:
    return " ".join(f"{name}={value}" for name, value in change)


def _outcome(tried: Tried) -> str:
    if tried.verdict == "violated":
        return f"{tried.what} in {tried.steps} step{'s' * (tried.steps != 1)}"
    return f"{tried.verdict}: {tried.what}" if tried.what else tried.verdict


def _json(found: Prevention) -> str:
    tried = [{"change": dict(change), **asdict(told)} for change, told in found.tried]
    document = {
        "spec": found.spec,
        "settings": dict(found.asked),
        "first": asdict(found.first),
        "enough": [dict(change) for change in found.enough],
        "tried": tried,
    }
    return json.dumps(document, indent=1) + "\n"


COMMAND: click.Command = command
