"""A trace to be looked at: its steps as data, and every picture on the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from kmcheck import driver, shelf, store
from kmcheck.api.notebook import picture_of, trace_page
from kmcheck.diagnostics import UsageError
from kmcheck.files import write
from kmcheck.frontend import read
from kmcheck.frontend.hints import did_you_mean
from kmcheck.protocols import Renderer, RenderOptions
from kmcheck.trace import Event, Snapshot, Violation
from kmcheck.trace import Trace as Run


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """A confirmed run of a spec that ends in a violation. `data` is all of it."""

    data: Run

    @property
    def spec(self) -> str:
        """The spec's name, `kmemcg/reparent_caches`."""
        return self.data.spec

    @property
    def path(self) -> str:
        """The spec's file, as it was named."""
        return self.data.path

    @property
    def settings(self) -> dict[str, str]:
        """The bounds and choices, as the command line takes them."""
        return dict(self.data.settings)

    @property
    def steps(self) -> tuple[Event, ...]:
        """The steps in their order. Each has a number, its process, its row and what it did."""
        return self.data.events

    @property
    def initial(self) -> Snapshot:
        """The state before the first step; `after` of a step is the one behind it."""
        return self.data.initial

    @property
    def violation(self) -> Violation:
        """What goes wrong at the end: its kind, the message, the object, and the step to blame."""
        return self.data.violation

    @property
    def loop_at(self) -> int | None:
        """How many steps come before the round of a run that never ends; None if it ends."""
        return self.data.loop_at

    def table(self, *, full: bool = False) -> str:
        """Return the CPU0/CPU1 table, at most 75 columns wide, and why.

        `full` keeps the steps that do not matter, too.
        """
        return str(self.render("columns", full=full))

    def render(self, picture: str, *, full: bool = False) -> str | bytes:
        """Draw the trace as `kmcheck show --as PICTURE` does: `sequence` is SVG, `html` a page.

        Raises:
            UsageError: there is no such picture.
        """
        return _renderer(picture).render(self.data, RenderOptions(full=full))

    def save(self, path: str | PathLike[str], picture: str = "json", *, full: bool = False) -> Path:
        """Write the trace, so that `load_trace` reads it again, or a picture of it.

        Raises:
            UsageError: there is no such picture, or the file cannot be written.
        """
        drawn = self.render(picture, full=full)
        into = Path(path)
        write(into, drawn)
        return into

    def replay(self, spec: str | PathLike[str] | None = None) -> Trace:
        """Step the run through the reference semantics again; return it as it is told now.

        `spec` is the spec's file, if it is no longer where the trace says.

        Raises:
            InternalError: it does not reproduce.
            SpecError: the spec is wrong.
            UsageError: the spec is not there.
        """
        return Trace(driver.again(read(self.path if spec is None else fspath(spec)), self.data))

    def __repr__(self) -> str:
        """Return what goes wrong, and how many steps that takes."""
        steps = len(self.steps)
        told = f"{self.spec}: {self.violation.kind}, {steps} step{'' if steps == 1 else 's'}"
        return f"<Trace {told}>"

    def __str__(self) -> str:
        """Return the table."""
        return self.table()

    def _repr_svg_(self) -> str:
        """Draw the sequence diagram, for notebooks."""
        return picture_of(self.data)

    def _repr_html_(self) -> str:
        """Draw the sequence diagram, and the table to be opened below it, for notebooks."""
        return trace_page(self.data)


def load_trace(path: str | PathLike[str]) -> Trace:
    """Read a trace that `Trace.save` or `kmcheck verify` wrote.

    Raises:
        UsageError: it cannot be read, or is no trace.
    """
    return Trace(store.load(fspath(path)))


def _renderer(picture: str) -> Renderer:
    known = shelf.names("render")
    if picture not in known:
        raise UsageError(f"there is no picture `{picture}`", did_you_mean(picture, known))
    found: Renderer = shelf.take("render", picture, "RENDERER")
    return found
