"""A spec, verified in a test: what came of it, and what is said where that is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from kmcheck import machine, shelf
from kmcheck.diagnostics import Source, SpecError, show
from kmcheck.driver import Options, verify
from kmcheck.explain import failing_place
from kmcheck.frontend import read
from kmcheck.protocols import Format, FormatOptions, Renderer, RenderOptions, Told
from kmcheck.trace import Trace
from kmcheck.verdict import ENGINE, WITHOUT, Budget, Result, Unknown, Violated
from kmcheck.violations import sentence


class Unmet(AssertionError):  # noqa: N818 - pytest says that it is an error
    """A check is not as expected; the message is for who reads the test's report."""


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """What came of verifying a spec in a test."""

    result: Result

    @property
    def holds(self) -> bool:
        """Whether everything holds, and the whole bounded space was explored."""
        return self.result.outcome == "holds"

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of what is violated: properties, and violations such as `use-after-free`."""
        return tuple(self.traces)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of what was not decided."""
        return tuple(v.property for v in self.result.verdicts if isinstance(v, Unknown))

    @property
    def traces(self) -> dict[str, Trace]:
        """A confirmed run to each violation that was found."""
        return {v.property: v.trace for v in self.result.verdicts if isinstance(v, Violated)}

    @property
    def trace(self) -> Trace | None:
        """The run to the first violation, if there is one."""
        return next(iter(self.traces.values()), None)

    def assert_holds(self) -> None:
        """Fail unless everything holds, with the table of the run that shows it.

        Raises:
            Unmet: something is violated, or was not decided.
        """
        __tracebackhide__ = True
        if not self.holds:
            raise Unmet(f"expected holds\n{told(self.result)}")

    def assert_violated(self, name: str) -> Trace:
        """Fail unless this is violated; return the run to it.

        Raises:
            Unmet: it is not.
        """
        __tracebackhide__ = True
        if name not in self.traces:
            raise Unmet(f"expected a violation of {name}\n{told(self.result)}")
        return self.traces[name]

    def __repr__(self) -> str:
        """Return the verdict in a line, which `assert checked.holds` shows."""
        return f"<{_headline(self.result)}>"


class Kmcheck:
    """The fixture: specs are verified as `kmcheck verify` does."""

    def verify(  # noqa: PLR0913 - as many as there are flags
        self,
        spec: str | Path,
        D: Mapping[str, int | bool | str] | None = None,  # noqa: N803 - the flag's name
        *,
        properties: Iterable[str] = (),
        liveness: bool = False,
        races: bool = False,
        every: bool = False,
        engine: str = ENGINE,
        no_reduce: Iterable[str] = WITHOUT,
        max_states: int | None = None,
        timeout: float | None = None,
    ) -> Checked:
        """Verify a spec: a file's name, or the text of one if it has more than one line.

        `D` sets bounds and choices, `every` goes on after the first violation, `timeout` is in
        seconds. The rest is named as on the command line.

        Raises:
            Unmet: the spec is wrong.
            UsageError: there is no such file, setting, property, engine or reduction.
        """
        __tracebackhide__ = True
        options = Options(
            dict(D or {}),
            tuple(properties),
            engine,
            Budget(states=max_states, seconds=timeout, bytes=machine.memory()),
            every,
            frozenset(no_reduce),
            endless=liveness,
            races=races,
        )
        named = isinstance(spec, Path) or "\n" not in spec
        try:
            source = read(str(spec)) if named else Source("spec.py", dedent(str(spec)))
            return Checked(explored(source, options))
        except SpecError as error:
            wrong = "\n\n".join(show(d) for d in error.diagnostics)
        raise Unmet(f"the spec is wrong\n\n{wrong}")


def explored(source: Source, options: Options) -> Result:
    """Verify a spec; an interrupt ends the tests, and is no verdict of one of them.

    Raises:
        SpecError, UsageError: as `verify` does.
        KeyboardInterrupt: somebody wants no more of this.
    """
    return verify(source, options).uninterrupted()


def told(result: Result) -> str:
    """Return a result as a failing test shows it: the verdict, and where, what, the table."""
    renderer: Renderer = shelf.take("render", "columns", "RENDERER")
    lines = [_headline(result)]
    for verdict in result.verdicts:
        if isinstance(verdict, Violated):
            at = failing_place(verdict.trace)
            where = f"{at.path}:{at.line}: " if at else ""
            table = str(renderer.render(verdict.trace, RenderOptions())).rstrip("\n")
            lines += ["", f"{where}{sentence(verdict.trace.violation)}", "", table]
    return "\n".join(lines)


def _headline(result: Result) -> str:
    text: Format = shelf.take("formats", "text", "FORMAT")
    return text.render([Told(result, {})], FormatOptions(quiet=True)).rstrip("\n")
