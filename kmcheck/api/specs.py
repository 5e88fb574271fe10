"""A spec to be asked: what it says of itself, and whether what must be true is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from os import PathLike, fspath

from kmcheck import driver, machine
from kmcheck.api.results import Result
from kmcheck.diagnostics import Diagnostic, Source
from kmcheck.frontend import compile_spec, read
from kmcheck.frontend.settings import spell
from kmcheck.frontend.source import from_text
from kmcheck.ir.program import Program
from kmcheck.linting import lint
from kmcheck.protocols import Progress
from kmcheck.verdict import ENGINE, WITHOUT, Budget

Setting = int | bool | str
"""What a bound or a choice can be set to: 3, True, "no"."""


def load(
    path: str | PathLike[str],
    /,
    *,
    settings: Mapping[str, Setting] | None = None,
    **named: Setting,
) -> Spec:
    """Read and compile a spec; bounds and choices that are not given have their defaults.

    They are given by name, `load(path, FREERS=3, READ_LOCK=False)`, or as a mapping, or both.

    Raises:
        SpecError: the spec is wrong. All that is wrong with it is among the `diagnostics`.
        UsageError: there is no such file, or it has no such setting.
    """
    return _spec(read(fspath(path)), {**(settings or {}), **named})


def loads(
    text: str,
    /,
    path: str = "spec.py",
    *,
    settings: Mapping[str, Setting] | None = None,
    **named: Setting,
) -> Spec:
    """Compile a spec that is no file, such as a cell of a notebook; `path` is what it is called.

    Raises:
        SpecError: the spec is wrong.
        UsageError: it has no such setting, or is very long.
    """
    return _spec(from_text(path, text), {**(settings or {}), **named})


def _spec(source: Source, wanted: Mapping[str, Setting]) -> Spec:
    return Spec(source, dict(wanted), compile_spec(source, wanted))


@dataclass(frozen=True, slots=True, repr=False)
class Spec:
    """A compiled spec, with bounds and choices. `load` makes one."""

    _source: Source
    _wanted: Mapping[str, Setting]
    _program: Program

    @property
    def name(self) -> str:
        """What it is called: `kmemcg/reparent_caches`."""
        return self._program.name

    @property
    def path(self) -> str:
        """Its file, as it was named."""
        return self._source.path

    @property
    def text(self) -> str:
        """The text of it, with no carriage returns."""
        return self._source.text

    @property
    def doc(self) -> str:
        """What it says of itself."""
        return self._program.doc

    @property
    def digest(self) -> str:
        """The SHA-256 of the spec and of all that it imports, in hexadecimal digits."""
        return self._program.digest

    @property
    def settings(self) -> dict[str, str]:
        """All bounds and choices with their values, as the command line takes them."""
        return {s.name: spell(s) for s in self._program.settings}

    @property
    def properties(self) -> tuple[str, ...]:
        """The names of all that can be asked: the spec's own properties, then the built-in ones."""
        return driver.violations(self._program)

    def but(self, **named: Setting) -> Spec:
        """Return the same spec with other bounds or choices.

        Raises:
            SpecError: it is wrong with these.
            UsageError: it has no such setting.
        """
        return _spec(self._source, {**self._wanted, **named})

    def lint(self) -> tuple[Diagnostic, ...]:
        """Return the warnings of `kmcheck lint`, and what goes wrong in setup."""
        return lint(self._source, self._wanted)

    def verify(  # noqa: PLR0913 - each is a flag of `kmcheck verify`, under its name
        self,
        properties: str | Collection[str] = (),
        *,
        engine: str = ENGINE,
        threads: int = 1,
        timeout: float | None = None,
        memory: int | None = None,
        max_states: int | None = None,
        max_depth: int | None = None,
        every: bool = False,
        no_reduce: Collection[str] = WITHOUT,
        liveness: bool = False,
        races: bool = False,
        audit: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Result:
        """Explore the spec, and decide its properties, or those that are named.

        `timeout` is in seconds and `memory` in bytes; without it, all that is free may be used.
        `every` is `--all`: the search goes on behind the first violation. What the others do, the
        flags of `kmcheck verify` do. A limit that is hit gives an outcome, and no exception.

        Raises:
            UsageError: a property, the engine or a reduction is not there.
            InternalError: kmcheck is wrong: engines disagree, or a run does not replay.
        """
        named = (properties,) if isinstance(properties, str) else tuple(properties)
        options = driver.Options(
            settings=self._wanted,
            properties=named,
            engine=engine,
            budget=Budget(
                max_states,
                max_depth,
                timeout,
                memory or machine.memory(),
                max(1, threads),
                wanted_bytes=memory,
            ),
            every=every,
            without=frozenset(no_reduce),
            endless=liveness,
            races=races,
            audit=audit,
        )
        report = progress or (lambda _: None)
        return Result(driver.verify(self._source, options, report))

    def __repr__(self) -> str:
        """Return its name, and the settings that differ from their defaults."""
        changed = "".join(
            f" {s.name}={spell(s)}" for s in self._program.settings if s.value != s.default
        )
        return f"<Spec {self.name}{changed}>"
