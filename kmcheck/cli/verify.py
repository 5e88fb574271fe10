"""`kmcheck verify`: explore, check, print verdicts, write counterexamples."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from kmcheck import evidence, expected, machine, shelf
from kmcheck.cli import INCONCLUSIVE, INTERRUPTED, VIOLATED, WRONG_SPEC
from kmcheck.diagnostics import SpecError, UsageError
from kmcheck.driver import Options, verify
from kmcheck.frontend import read
from kmcheck.options import budget, duration, limits, setting
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.terminal import colour_wanted, counted, progress, put
from kmcheck.vacuous import unexercised, vacuous
from kmcheck.verdict import ALL, BY_USER, ENGINE, WITHOUT, Checkpoints, Result


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option(
    "-D",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=setting,
    help="Set a bound or choice.",
)
@click.option(
    "-p",
    "--property",
    "properties",
    multiple=True,
    metavar="NAME",
    help="Check only this; may be repeated.",
)
@click.option("--liveness", is_flag=True,
              help="Look for livelock and starvation, too.")  # fmt: skip
@click.option("--races", is_flag=True, help="Look for data races, too.")
@click.option("--engine", default=ENGINE, metavar="NAME", show_default=True,
              help=f"How to explore: {', '.join(shelf.names('engines'))}.")  # fmt: skip
@click.option(
    "--no-reduce",
    "left_out",
    multiple=True,
    metavar="NAME",
    help=f"Leave a reduction out: {', '.join(shelf.names('reduce'))}, all or none; "
    f"may be repeated [default: {', '.join(sorted(WITHOUT)) or 'none'}].",
)
@click.option(
    "--audit",
    is_flag=True,
    help="Explore with the reference engine, too, and compare all that both say.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Threads of the native engine; with --expected: checks at once.",
)
@limits()
@click.option("--spill", metavar="DIR",
              type=click.Path(exists=True, file_okay=False, writable=True),
              help="Go on in files there when memory ends.")  # fmt: skip
@click.option("--hash-compact", "compact", is_flag=True,
              help="Remember fingerprints of states only: less memory, not exact.")  # fmt: skip
@click.option("--checkpoint", "kept_as", metavar="FILE",
              help="Keep a search that ends early, and now and then before.")  # fmt: skip
@click.option("--checkpoint-every", "kept_every", callback=duration, default="5m", metavar="TIME",
              show_default=True, help="How often it is kept on the way.")  # fmt: skip
@click.option("--resume", metavar="FILE", help="Go on from a checkpoint.")
@click.option(
    "--format",
    "form",
    type=click.Choice(shelf.names("formats")),
    default="text",
    help="What to print.",
)
@click.option("-o", "--output", metavar="FILE", help="Print into a file.")
@click.option(
    "--expected",
    "by_table",
    is_flag=True,
    help="Check the .toml beside each spec; folders are searched.",
)
@click.option(
    "--all", "every", is_flag=True, help="Go on after the first violation: one of each kind."
)
@click.option(
    "--strict", is_flag=True, help="Fail where something is vacuous or was never exercised."
)
@click.option(
    "--counterexamples",
    "kept_in",
    metavar="DIR",
    help="Where counterexamples are written [default: counterexamples; none with --expected].",
)
@click.option("--no-counterexamples", "dry", is_flag=True, help="Write no counterexamples.")
@click.option("-q", "--quiet", is_flag=True, help="Print verdicts only.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Show every step in tables, and the time taken."
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour the verdicts.",
)
@click.option(
    "--progress",
    "shown",
    type=click.Choice(["auto", "never"]),
    default="auto",
    help="Show progress.",
)
def command(**given: object) -> int:
    """Explore specs, check what must be true, write counterexamples.

    Exit code: 0 all holds and all was explored, 1 violated, 2 wrong command, 3 wrong spec,
    4 inconclusive, 5 a bug in kmcheck, 130 interrupted.
    """
    run = Run(given)
    try:
        text, code = run.by_table() if given["by_table"] else run.one_by_one()
    except SpecError as error:
        run.print(run.form.refuse(error.diagnostics))
        raise
    run.print(text)
    return code


class Run:
    """One use of the verb."""

    def __init__(self, given: dict[str, object]) -> None:
        self.given = given
        self.form: Format = shelf.take("formats", str(given["form"]), "FORMAT")
        self.colour = colour_wanted(str(given["color"]), sys.stdout) and given["output"] is None
        self.budget = replace(
            budget(given, 1 if given["by_table"] else int(str(given["jobs"] or 1))),
            checkpoints=self._checkpoints(),
            spill=given["spill"],  # type: ignore[arg-type]
            compact=bool(given["compact"]),
        )

    def _checkpoints(self) -> Checkpoints:
        keep, resume = self.given["kept_as"], self.given["resume"]
        specs: tuple[str, ...] = self.given["specs"]  # type: ignore[assignment]
        if (keep or resume) and (len(specs) > 1 or self.given["by_table"]):
            raise UsageError("a checkpoint is of one search", "name one spec, without --expected")
        return Checkpoints(keep, self.given["kept_every"], resume)  # type: ignore[arg-type]

    def print(self, text: str) -> None:
        """Print to where the user wants it."""
        put(text, self.given["output"], colour=self.colour or None)

    def one_by_one(self) -> tuple[str, int]:
        """Verify each spec; return what to print, and the exit code."""
        told: list[Told] = []
        for spec in self.given["specs"]:  # type: ignore[attr-defined]
            options = Options(
                dict(self.given["settings"]),  # type: ignore[call-overload]
                tuple(self.given["properties"]),  # type: ignore[arg-type]
                str(self.given["engine"]),
                self.budget,
                bool(self.given["every"]),
                self._without(WITHOUT),
                endless=bool(self.given["liveness"]),
                races=bool(self.given["races"]),
                audit=bool(self.given["audit"]),
            )
            with progress(str(self.given["shown"]), spec) as report:
                result = verify(read(spec), options, report)
            told.append(Told(result, self._keep(result)))
            if self.given["verbose"]:
                click.echo(
                    f"{spec}: {result.seconds:.2f} s, {result.peak_bytes / 2**20:.0f} MiB", err=True
                )
        codes = [self._code(t.result) for t in told]
        code = next((c for c in (INTERRUPTED, VIOLATED, INCONCLUSIVE) if c in codes), 0)
        wanted = FormatOptions(bool(self.given["quiet"]), bool(self.given["verbose"]), self.colour)
        return self.form.render(told, wanted), code

    def _without(self, default: frozenset[str]) -> frozenset[str]:
        """Return the reductions to leave out: `none` is the way to say that there is none."""
        named = frozenset(self.given["left_out"])  # type: ignore[call-overload]
        return named - {"none"} if named else default

    def _code(self, result: Result) -> int:
        if result.label.stopped == BY_USER:
            return INTERRUPTED
        never = result.label.statistics.unexercised
        count = len(never) + len(result.vacuous) + len(result.unmet)
        if result.outcome == "violated":
            return VIOLATED
        if self.given["strict"] and count:
            hidden = self.given["quiet"] or self.given["form"] != "text"
            told = filter(None, (vacuous(result), unexercised(result.label)))
            where = "".join(f"\n  {line}" for text in told for line in text.splitlines())
            message = f"--strict: {count} vacuous or never exercised"
            message += f":{where}" if hidden else ", see the label"
            click.echo(f"kmcheck: {result.label.spec}: {message}", err=True)
            return VIOLATED
        return INCONCLUSIVE if result.outcome == "unknown" else 0

    def _keep(self, result: Result) -> dict[str, str]:
        if self.given["dry"]:
            return {}
        try:
            return evidence.keep_all(result, Path(str(self.given["kept_in"] or "counterexamples")))
        except OSError as error:
            click.echo(f"kmcheck: no counterexample written: {error}", err=True)
            return {}

    # --- --expected -----------------------------------------------------------------------------

    def by_table(self) -> tuple[str, int]:
        """Check the tables beside the specs, several checks at once."""
        if self.given["settings"] or self.given["properties"]:
            raise UsageError("-D and -p do not go with --expected", "the tables say what to check")
        if self.given["compact"]:
            raise UsageError("--hash-compact does not go with --expected", "tables are exact")
        for flag, name in (("liveness", "livelock"), ("races", "data-race")):
            if self.given[flag]:
                hint = f'write `property = "{name}"` in a check'
                raise UsageError(f"--{flag} does not go with --expected", hint)
        if self.given["audit"]:
            raise UsageError("--audit does not go with --expected", "audit one spec after another")
        if self.given["form"] != "text":
            hint = "for JUnit: `pytest --kmcheck SPEC... --junit-xml FILE`"
            raise UsageError("--format does not go with --expected", hint)
        specs = expected.tables(list(self.given["specs"]))  # type: ignore[call-overload]
        checks = [check for spec in specs for check in expected.expectations(spec)]
        jobs = int(str(self.given["jobs"] or machine.processors()))
        kept_in = None if self.given["kept_in"] is None else Path(str(self.given["kept_in"]))
        engine, without = str(self.given["engine"]), self._without(ALL)
        with counted(str(self.given["shown"]), "checks") as report:
            outcomes = expected.meet_all(
                checks, engine, self.budget, kept_in, jobs, without, report
            )
        wrong = [o for o in outcomes if o.wrong]
        lines = [_line(o) for o in (wrong if self.given["quiet"] else outcomes)]
        lines.append(f"{len(outcomes) - len(wrong)} of {len(outcomes)} checks are as expected")
        code = WRONG_SPEC if any(o.found == expected.NO_SPEC for o in wrong) else VIOLATED
        return "\n".join(lines) + "\n", code if wrong else 0


def _line(outcome: expected.Outcome) -> str:
    check = outcome.expectation
    given = " ".join(f"{name}={_plain(value)}" for name, value in check.settings.items())
    name = f"{check.spec} {given}".rstrip()
    if outcome.wrong:
        return f"WRONG  {name}: " + "; ".join(outcome.wrong)
    return f"ok     {name}: {outcome.found}"


def _plain(value: int | bool | str) -> str:  # noqa: FBT001 - TOML's values
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


COMMAND: click.Command = command
