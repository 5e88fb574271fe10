"""`kmcheck prevent`: with which choices would it not have happened?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import click

from kmcheck.additions import Addition
from kmcheck.cli import INCONCLUSIVE, VIOLATED
from kmcheck.frontend import read
from kmcheck.many import asked, flags
from kmcheck.options import setting
from kmcheck.prevention import Change, Prevention, Tried, document, prevention
from kmcheck.terminal import counted


@click.command()
@click.argument("spec", metavar="SPEC")
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", callback=setting,
              help="Set a bound or choice.")  # fmt: skip
@flags("a change", "changes")
@click.option("--most", type=click.IntRange(1), default=2, show_default=True, metavar="N",
              help="Change so many things together at the most.")  # fmt: skip
@click.option("--no-primitives", is_flag=True, help="Change choices only.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              help="What to print.")  # fmt: skip
def command(**given: object) -> int:
    """Find the smallest sets of choices and primitives with which a spec that is violated holds.

    What is tried: the other options of choices; and, where the run has been, an RCU read section, a
    lock that the spec has or a new mutex, a grace period or a flush before what is freed, a tryget
    in place of a get, an atomic update. Each is tried alone, then two together, and so on, until a
    change is enough. Enough it is if all that is checked holds then, not only what was violated.

    Exit code: 0 a change is enough, or nothing is violated; 1 none is; 2 wrong command, 3 wrong
    spec, 4 none is and some are unknown, 130 interrupted.
    """
    options, jobs = asked(given)
    options = replace(options, settings=dict(given["settings"]))  # type: ignore[call-overload]
    source = read(str(given["spec"]))
    most, primitives = int(str(given["most"])), not given["no_primitives"]
    with counted(str(given["shown"]), "changes") as report:
        found = prevention(source, options, jobs, most, primitives=primitives, report=report)
    as_json = given["form"] == "json"
    click.echo(json.dumps(document(found), indent=1) if as_json else "\n".join(_lines(found)))
    return _code(found)


def _code(found: Prevention) -> int:
    if found.first.verdict != "violated":
        return 0 if found.first.verdict == "holds" else INCONCLUSIVE
    if found.enough:
        return 0
    return INCONCLUSIVE if any(t.verdict == "unknown" for _, t in found.tried) else VIOLATED


def _lines(found: Prevention) -> Iterator[str]:
    given = "".join(f" {name}={value}" for name, value in found.asked)
    yield f"{found.spec}{given}: {_outcome(found.first)}"
    if found.first.verdict != "violated":
        return
    if not found.tried:
        yield "\nthere is nothing to try"
        return
    yield "\nprevented by" if found.enough else "\nprevented by nothing that was tried"
    yield from (f"  {_change(change)}" for change in found.enough)
    others = list(_others(found))
    if others:
        yield "\nnot by"
        width = max(len(change) for change, _ in others)
        yield from (f"  {change:<{width}}  {outcome}" for change, outcome in others)


def _change(change: Change) -> str:
    return "; ".join(map(str, change))


def _others(found: Prevention) -> Iterator[tuple[str, str]]:
    """Yield what was not enough, and what it leads to; what differs only in its place as one."""
    alike: dict[str, list[tuple[Change, Tried]]] = {}
    for change, tried in found.tried:
        if tried.verdict != "holds":
            alike.setdefault(_kind(change), []).append((change, tried))
    for kind, several in alike.items():
        if len(several) == 1:
            yield _change(several[0][0]), _outcome(several[0][1])
        else:
            outcomes = dict.fromkeys(t.what or t.verdict for _, t in several)
            counted = "ways" if len(several[0][0]) > 1 else "places"
            yield f"{kind}, {len(several)} {counted}", ", ".join(outcomes)


def _kind(change: Change) -> str:
    """Return under what a change is told: those of several primitives all as one."""
    added = [part for part in change if isinstance(part, Addition)]
    if not added:
        return _change(change)
    if len(change) > 1:
        return f"{len(change)} of them together"
    return f"{added[0].what} in {added[0].function}()"


def _outcome(tried: Tried) -> str:
    if tried.verdict == "violated":
        return f"{tried.what} in {tried.steps} step{'s' * (tried.steps != 1)}"
    return f"{tried.verdict}: {tried.what}" if tried.what else tried.verdict


COMMAND: click.Command = command
