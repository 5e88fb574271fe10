"""What a person reads of a result: the verdict, the table, the label."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context
from shlex import quote
from textwrap import wrap

import click

from kmcheck import shelf
from kmcheck.again import again
from kmcheck.diagnostics import STDIN, Diagnostic, Span
from kmcheck.protocols import Format, FormatOptions, Renderer, RenderOptions, Told
from kmcheck.trace import Trace
from kmcheck.vacuous import unexercised, vacuous
from kmcheck.verdict import Label, Result, Unknown, Violated
from kmcheck.violations import sentence

WIDE = 75
GUTTER = 13
TIED = "\u00a0"
"""A space at which no line is broken."""


def settings(changed: tuple[tuple[str, str], ...]) -> str:
    """Return settings as the command line takes them, without -D: `READ_LOCK=no FREERS=3`."""
    return " ".join(f"{name}={value}" for name, value in changed)


def command(label: Label) -> str:
    """Return the command that gives this result again, continued as a shell continues a line."""
    first, *flags = again(label)
    lines = [first]
    for given in flags:
        if len(lines[-1]) + len(given) > WIDE - GUTTER - 5:
            lines[-1] += " \\"
            lines.append(given)
        else:
            lines[-1] += f" {given}"
    return "\n".join(lines)


def headline(result: Result) -> str:
    """Return the verdict in one line."""
    label = result.label
    changed = f"  {settings(label.changed)}" if label.changed else ""
    violated = [v for v in result.verdicts if isinstance(v, Violated)]
    match result.outcome:
        case "holds":
            return f"{label.spec}: HOLDS{_if_seen(label)}{changed}"
        case "unknown":
            return f"{label.spec}: UNKNOWN  {label.stopped or 'not all was explored'}{changed}"
    first = violated[0].trace
    steps = len(first.events)
    more = f"  and {len(violated) - 1} more" if len(violated) > 1 else ""
    counted = f"({_counted(steps, 'step')}{', shortest' if violated[0].shortest else ''})"
    return f"{label.spec}: VIOLATED  {violated[0].property}  {counted}{changed}{more}"


def _if_seen(label: Label) -> str:
    """Return under what condition all holds: none, or that no state was missed."""
    return f" up to hash omission (p <= {_at_most(label.omission)})" if label.omission else ""


def _at_most(number: float) -> str:
    """Return a number of two digits that is no less."""
    return f"{Context(2, ROUND_CEILING).create_decimal_from_float(number):.1e}"


def violation(trace: Trace, file: str | None, *, full: bool) -> list[str]:
    """Return what a violation is, the CPU0/CPU1 table of it, and how to replay it."""
    renderer: Renderer = shelf.take("render", "columns", "RENDERER")
    table = str(renderer.render(trace, RenderOptions(full=full))).rstrip("\n")
    lines = ["", *wrap(sentence(trace.violation), WIDE, subsequent_indent="  "), "", table]
    spec = "--spec - " if trace.path == STDIN else ""
    return [*lines, "", f"  replay:  kmcheck replay {spec}{quote(file)}"] if file else lines


def label_lines(result: Result) -> list[str]:
    """Return the label: the truth about the verdict."""
    label, seen = result.label, result.label.statistics
    unknown = [v for v in result.verdicts if isinstance(v, Unknown)]
    rows = [
        ("checked", _checked(result)),
        ("bounds", settings(label.bounds) or "none"),
        ("choices", settings(label.choices) or "none"),
        ("memory", label.memory_model),
        ("fairness", label.fairness),
        ("engine", f"{label.engine}, {'exact' if label.exact else 'not exact'}"),
        ("reductions", _reductions(label)),
        ("audit", label.audit),
        ("omission", _omission(label)),
        ("explored", _explored(label)),
        ("multiplied", _multiplied(label) if unknown else ""),
        ("on disk", f"{_counted(seen.spilled, 'state')}" if seen.spilled else ""),
        ("kept", f"go on with --resume {quote(seen.checkpoint)}" if seen.checkpoint else ""),
        ("sizes", _sizes(label)),
        ("endless", _endless(result)),
        ("vacuous", vacuous(result)),
        ("unexercised", unexercised(label)),
        ("bound", "\n".join(_reached(what, at) for what, at in label.limits)),
        ("spec", f"sha256 {label.digest}"),
        ("again", command(label).replace(" ", TIED)),
    ]
    return [line for name, text in rows if text for line in _wrapped(name, text)]


def _reductions(label: Label) -> str:
    done = ", ".join(label.reductions) or "none"
    if label.races and "all" not in label.left_out:
        return "none (each may take away an access that is in a data race)"
    if not label.fairness or "all" in label.left_out:
        return done
    shelved = {n: shelf.take("reduce", n, "REDUCTION") for n in shelf.names("reduce")}
    cannot = [n for n, r in shelved.items() if not r.endless and n not in label.left_out]
    why = f"{', '.join(cannot)}: not where runs that never end are asked for"
    return f"{done} ({why})" if cannot else done


def _endless(result: Result) -> str:
    """Say what a verdict is silent about where no run ends."""
    told = result.label.fairness or result.outcome != "holds"
    if told or result.label.statistics.terminal_states:
        return ""
    return "no run ends: --liveness asks who goes round for ever"


def _checked(result: Result) -> str:
    told = [v.property for v in result.verdicts]
    own = [name for name in result.label.properties if name in told]
    others = [name for name in told if name not in own]
    if result.label.wanted:
        return f"{', '.join([*own, *others])}, and nothing else"
    built_in = _counted(len(others), "built-in property", "built-in properties")
    return f"{', '.join(own)}; {built_in}" if own else built_in


def _omission(label: Label) -> str:
    match label.omission:
        case None:
            return ""
        case 0:
            return "none: the fingerprints of 64 bits are the states, scrambled"
    return f"p <= {_at_most(label.omission)} that a state was missed (64-bit fingerprints)"


def _explored(label: Label) -> str:
    seen = label.statistics
    end = f"not all: {label.ended}" if label.ended else "the space is closed"
    size = f"{_counted(seen.states, 'state')}, {_counted(seen.transitions, 'transition')}"
    return f"{size}, depth {seen.depth}, {_counted(seen.terminal_states, 'terminal state')}; {end}"


def _counted(number: int, what: str, many: str = "") -> str:
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def _multiplied(label: Label) -> str:
    found = label.statistics.multiplied
    if not found.by:
        return ""
    by = ", then ".join(f"{m.name} (x{TIED}{m.factor:.1f})" for m in found.by)
    of = f"; in a sample of {found.sample:,} states" if found.sample else ""
    return f"the state space is multiplied most by {by}{of}"


def _sizes(label: Label) -> str:
    if not label.solver_stood_for:
        return ""
    return f"all: {label.solver_queries:,} z3 queries stood for {label.solver_stood_for:,} states"


def _reached(what: str, limit: Span | None) -> str:
    """Return what ran out, and which number to raise."""
    return f"{what} reached" + (f": raise `limit={limit.text}`, {limit.where}" if limit else "")


def _wrapped(name: str, text: str) -> list[str]:
    lines: list[str] = []
    for part in text.split("\n"):
        line = ""
        for word in part.split(" "):
            if line and len(line) + 1 + len(word) > WIDE - GUTTER - 2:
                lines.append(line)
                line = "  " + word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    heads = [name] + [""] * (len(lines) - 1)
    rows = zip(heads, lines, strict=True)
    return [f"  {head:<{GUTTER}}{line}".rstrip().replace(TIED, " ") for head, line in rows]


def coloured(line: str) -> str:
    """Return a verdict's line with its word coloured."""
    for word, shade in (("HOLDS", "green"), ("VIOLATED", "red"), ("UNKNOWN", "yellow")):
        if f": {word}" in line:
            return line.replace(word, click.style(word, fg=shade, bold=True), 1)
    return line


class Text:
    """The format on the shelf."""

    name = "text"

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return the verdicts, each with its table and its label."""
        return "\n".join(self._one(t, options) for t in told)

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return nothing: stderr has it in words."""
        del diagnostics
        return ""

    def _one(self, told: Told, options: FormatOptions) -> str:
        line = headline(told.result)
        lines = [coloured(line) if options.colour else line]
        if options.quiet:
            return lines[0] + "\n"
        for verdict in told.result.verdicts:
            if isinstance(verdict, Violated):
                file = told.files.get(verdict.property)
                lines += violation(verdict.trace, file, full=options.full)
        return "\n".join([*lines, "", *label_lines(told.result)]) + "\n"


FORMAT: Format = Text()
