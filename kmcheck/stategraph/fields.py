"""What states are told apart by: fields, variables, where processes are, and the depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kmcheck.diagnostics import InternalError, UsageError
from kmcheck.explain import plain
from kmcheck.frontend.hints import ASKED, did_you_mean
from kmcheck.ir.code import Block
from kmcheck.replay.teller import Teller
from kmcheck.semantics import State
from kmcheck.solver import Solver
from kmcheck.stategraph.space import Space

DEPTH, PLACES, STATE = "depth", "processes", "state"
FEW = 4
"""Processes whose places are written into each state's node."""
LONGEST = 60
"""Characters of a value that are shown."""

Key = Callable[[int, State], object]
"""From a state's number and the state to what tells it from others."""


@dataclass(frozen=True, slots=True)
class View:
    """One thing that states are told apart by: its name, its value, and that as text."""

    name: str
    key: Key
    text: Callable[[int, State], str]


class Views:
    """All that states of one space can be told apart by, under the names of the spec."""

    def __init__(self, space: Space, solver: Solver, initial: int, acting: list[int]) -> None:
        """Name objects and processes as a run does that begins in an initial state."""
        self.space, self.layout = space, space.system.layout
        self.teller = Teller(space.system, solver)
        self.teller.start(initial, acting or list(range(self.layout.process_count)))
        self.names = self.teller.names
        for number in range(self.layout.process_count):
            if number not in self.names.processes:
                self.names.start(number, in_setup=False)
        for kind in self.layout.program.kinds:
            group = self.layout.dynamic(kind)
            for index in range(group.base, group.base + group.count):
                if (kind, index) not in self.names.current:
                    self.names.number(kind, index)
        self.known: dict[str, dict[str, View]] = {}
        """Under each name that may be asked for, the views that it means, by their own names."""
        for name, view in self._all():
            self.known.setdefault(name, {}).setdefault(view.name, view)

    def of(self, wanted: str) -> tuple[View, ...]:
        """Return what the names stand for, separated by commas.

        Raises:
            UsageError: there is nothing of such a name.
        """
        found: dict[str, View] = {}
        for name in (part.strip() for part in wanted.split(",")):
            views = self.known.get(name.lower().replace("->", "."))
            if views is None:
                hint = did_you_mean(name, self.known, ASKED) or self._whole()
                raise UsageError(f"--by: there is no `{name}`", hint)
            found |= views
        return tuple(found.values())

    def _whole(self) -> str:
        """Return a hint that names objects and processes, where fields are too many to be named."""
        whole = sorted(known for known in self.known if not set(".#[") & set(known))
        inside = (known for known in self.known if "." in known and known.split(".")[0] in whole)
        return f"there is: {', '.join(whole)}; and what is in these, such as {next(inside, STATE)}"

    def process(self, actor: int) -> str:
        """Return the name of a process or action."""
        if actor < self.layout.process_count:
            return plain(self.names.process(actor))
        return plain(self.teller.machine.actors[actor][0].rpartition(".")[2])

    # --- what there is ----------------------------------------------------------------------------

    def _all(self) -> Iterator[tuple[str, View]]:
        depths = self.space.depths
        yield DEPTH, View(DEPTH, lambda n, _: depths[n], lambda n, _: f"depth {depths[n]}")
        yield STATE, View(STATE, lambda n, _: n, lambda n, _: f"state {n}")
        for number in range(self.layout.process_count):
            view = self._place(number)
            yield PLACES, view
            if self.layout.process_count <= FEW:
                yield STATE, view  # so that the picture says more than a number
            yield view.name.lower(), view
            yield from self._variables(number, view.name)
        for kind in self.layout.program.kinds:
            for index in range(self.layout.pool(kind)):
                yield from self._object(kind, index)

    def _place(self, number: int) -> View:
        """Where a process is."""
        name, instance = self.layout.process_of(number)
        slot, template = self.layout.pc[name] + instance, self.layout.program.templates[name]
        title, places = self.process(number), _places(template.blocks, template.entry)

        def text(_: int, state: State) -> str:
            return f"{title}: {places[state[slot] - 1] if state[slot] else 'ended'}"

        return View(title, lambda _, state: state[slot], text)

    def _variables(self, number: int, title: str) -> Iterator[tuple[str, View]]:
        template, instance = self.layout.process_of(number)
        for variable, kind in self.layout.program.templates[template].variables.items():
            short = variable.partition("@")[0].rstrip("'")
            if not short:
                continue
            slot = self.layout.variables[template, variable] + instance
            view = self._value(f"{title}.{short}", kind, slot, self.layout.pc[template] + instance)
            yield f"{title}.{short}".lower(), view
            yield f"{template.rpartition('.')[2]}.{short}".lower(), view

    def _object(self, kind: str, index: int) -> Iterator[tuple[str, View]]:
        name = plain(self.names.of(kind, index))
        short = kind.partition("(")[0].lower()
        life = self.layout.life_slot(kind, index)
        if life is not None and self.layout.whole(kind, index) == (kind, index):
            view = View(
                name,
                lambda _, state: bool(state[life]),
                lambda _, state: f"{name} is {'there' if state[life] else 'not there'}",
            )
            yield name.lower(), view
            yield short, view
        for field, info in self.layout.program.kinds[kind].fields.items():
            slot = self.layout.fields[kind, field] + index
            view = self._value(f"{name}.{field}", info.type, slot, life)
            yield f"{name}.{field}".lower().replace("->", "."), view
            yield f"{short}.{field}".lower(), view

    def _value(self, title: str, kind: object, slot: int, life: int | None) -> View:
        """A value that is there as long as its owner is."""

        def key(_: int, state: State) -> object:
            return state[slot] if life is None or state[life] else None

        def text(_: int, state: State) -> str:
            if life is not None and not state[life]:
                return f"{title}: -"
            value = self.teller.values.of(kind, state[slot])  # type: ignore[arg-type]
            told = plain(value.text)
            shown = told if len(told) <= LONGEST else f"{told[:LONGEST]} ..."
            which = "" if value.stale == (value.text,) else f"{plain(', '.join(value.stale))} "
            return f"{title} = {shown}{f' ({which}freed)' if value.stale else ''}"

        return View(title, key, text)


def _places(blocks: tuple[Block, ...], entry: int) -> dict[int, str]:
    """Return where a process is that stands at a block, in other words for each of them.

    Where several are on a line the calls that lead there tell them apart, or else their order.
    """
    lines = {n: _lines(block) for n, block in enumerate(blocks) if block.cut or n == entry}
    told = {}
    for number, (line, *calls) in lines.items():
        alike = [other for other, there in lines.items() if there[0] == line]
        same = [other for other in alike if lines[other] == lines[number]]
        told[number] = f"line {line}"
        if len(same) < len(alike) and calls:
            told[number] += f", called in {', '.join(map(str, calls))}"
        if len(same) > 1:
            told[number] += f", step {same.index(number) + 1} of {len(same)}"
    return told


def _lines(block: Block) -> list[int]:
    """Return the line of the spec at which a process is, and those of the calls that it is in.

    The inmost call is first.
    """
    if block.span is None:
        raise InternalError("a block has no place")
    calls = [call.span.line for call in block.calls[:0:-1] if not call.span.source.module]
    return calls if calls and block.span.source.module else [block.span.line, *calls]
