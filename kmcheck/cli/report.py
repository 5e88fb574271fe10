"""`kmcheck report`: the evidence for a design review, as a page and as files for machines."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import click

from kmcheck import machine, review
from kmcheck.cli import VIOLATED
from kmcheck.diagnostics import UsageError
from kmcheck.many import to_go_on
from kmcheck.options import amount
from kmcheck.terminal import counted


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.argument("specs", nargs=-1, metavar="[SPEC]...")
@click.option("--check", "checked", is_flag=True,
              help="Say whether the files are of these specs, and come out so again.")  # fmt: skip
@click.option("--quick", is_flag=True,
              help="With --check: digests, sources and traces; verify nothing again.")  # fmt: skip
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N",
              help="Verifications at once [default: one a processor].")  # fmt: skip
@click.option("--memory", callback=amount, metavar="SIZE",
              help="Use at the most 512M, 8G [default: what is free].")  # fmt: skip
@click.option("--resume", "known", metavar="FILE", type=click.Path(dir_okay=False),
              help="Keep outcomes of mutants there, and go on from those that are.")  # fmt: skip
@click.option("--progress", "shown", type=click.Choice(["auto", "never"]), default="auto",
              help="Show progress.")  # fmt: skip
def command(  # noqa: PLR0913 - as many as it has flags
    folder: str,
    specs: tuple[str, ...],
    *,
    checked: bool,
    quick: bool,
    jobs: int | None,
    memory: int | None,
    known: str | None,
    shown: str,
) -> int:
    """Make the evidence for a design review in DIR, as DIR/report.toml asks for it.

    One page for people, as HTML and as Markdown, and beside it verdicts, traces, sources and
    digests for machines. With SPECs a first report.toml is written, to be gone on with.

    Exit code: 0 written, or with --check all as it was; 1 something differs; 2 wrong command;
    3 wrong spec; 130 interrupted. What is violated is what a review may be about.
    """
    into = Path(folder).resolve()
    if quick and not checked:
        raise UsageError("--quick goes with --check", "a review is made as a whole")
    if specs:
        _begin(into, specs, checked=checked)
    resumed = None if known is None else Path(known).resolve()
    with counted(shown, "verifications", to_go_on(resumed, "mutants")) as report:
        jobs, memory = jobs or machine.processors(), memory or machine.memory()
        pace = review.Pace(jobs, memory, resumed, report)
        if checked:
            return _check(into, pace, folder, quick=quick)
        plan = review.read(into)
        with chdir(review.located(into, plan)):
            files = review.build(into, plan, pace)
    others = review.write(into, files)
    for name in others:
        click.echo(f"kmcheck: {folder}/{name} is no file of the bundle", err=True)
    click.echo(f"{folder}: {len(files)} files: begin with {folder}/index.html")
    return 0


def _begin(into: Path, specs: tuple[str, ...], *, checked: bool) -> None:
    """Write a plan to begin with.

    Raises:
        UsageError: there is one, or it cannot be written.
    """
    plan = into / review.PLAN
    if checked:
        raise UsageError("--check takes no specs", f"{review.PLAN} names them")
    if plan.exists():
        raise UsageError(f"there is a {review.PLAN} already", "it names the specs: leave them out")
    here = Path.cwd()
    for spec in specs:
        if not Path(spec).is_file():
            raise UsageError(f"there is no {spec}", "name specs, Python files")
        if not Path(spec).resolve().is_relative_to(here):
            raise UsageError(f"{spec} is not below this folder", "go to the project's folder")
    named = [Path(spec).resolve().relative_to(here).as_posix() for spec in specs]
    try:
        into.mkdir(parents=True, exist_ok=True)
        plan.write_text(review.first(named), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {plan}: {error.strerror}") from None


def _check(into: Path, pace: review.Pace, folder: str, *, quick: bool) -> int:
    if not any((into / name).exists() for name in (review.PLAN, review.STATEMENT)):
        raise UsageError(f"there is no review in {folder}", "make one: kmcheck report DIR SPEC...")
    found = list(review.differences(into, pace, quick=quick))
    for line in found:
        click.echo(line)
    if found:
        count = f"{len(found)} difference{'s' * (len(found) != 1)}"
        click.echo(f"{folder}: {count}")
        return VIOLATED
    same = "all comes out the same"
    if quick:
        named = f"every file is as {review.STATEMENT} says, and the traces reproduce"
        same = f"{named}; nothing was verified again"
    click.echo(f"{folder}: {same}")
    return 0


COMMAND: click.Command = command
