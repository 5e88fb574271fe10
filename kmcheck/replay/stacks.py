"""The calls that each process is inside of, with their arguments as they were at the call."""

from __future__ import annotations

from itertools import count

from kmcheck.ir.code import Block, Call, Template, targets
from kmcheck.ir.expr import Expr, Load
from kmcheck.ir.layout import Layout
from kmcheck.ir.types import EnumType, SetOf, Type
from kmcheck.replay.recorder import place_of
from kmcheck.replay.values import Values
from kmcheck.semantics import Fault, State
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.trace import Frame


class Stacks:
    """Keeps the frames of all processes and actions while a run is told.

    The program numbers the places of calls, a trace the calls: one in a loop is another each time.
    """

    def __init__(self, layout: Layout, values: Values, actors: list[tuple[str, int]]) -> None:
        self.layout = layout
        self.values = values
        self.actors = actors
        self.evaluators = {name: Evaluator(layout, name) for name in layout.program.templates}
        self.known: dict[int, dict[int, Frame]] = {}
        """Of each process, its frames by the number of the call's place."""
        self.serials = count()

    def block(self, state: State, actor: int) -> Block | None:
        """Return the block at which a process is, None if it does not run."""
        name, instance = self.actors[actor]
        at = state[self.layout.pc[name] + instance]
        return self.layout.program.templates[name].blocks[at - 1] if at else None

    def follow(self, actor: int, way: list[tuple[str, int, int]], end: State | None) -> None:
        """Forget the calls that a step has left on its way, though it may have come back.

        `end` is the state after the step, None if it failed.
        """
        name, instance = self.actors[actor]
        template, known = self.layout.program.templates[name], self.known.get(actor, {})
        mine = [at for of, number, at in way if (of, number) == (name, instance)]
        if end is not None and end[self.layout.pc[name] + instance]:
            mine.append(end[self.layout.pc[name] + instance] - 1)
        for taken, at in enumerate(mine):
            inside = {call.serial for call in template.blocks[at].calls}
            known = {
                serial: frame
                for serial, frame in known.items()
                if serial in inside and not (taken and _begins_again(template, serial, at))
            }
        self.known[actor] = known

    def enter(self, state: State) -> None:
        """Note the calls that each process is inside of now; those it left are forgotten."""
        for actor in range(len(self.actors)):
            block = self.block(state, actor)
            known = self.known.get(actor, {})
            calls = block.calls if block is not None else ()
            self.known[actor] = {
                c.serial: known.get(c.serial) or self._frame(state, actor, c) for c in calls
            }

    def of(self, actor: int, block: Block) -> tuple[Frame, ...]:
        """Return the frames of a process at a block, its own function first."""
        return tuple(self.known[actor][call.serial] for call in block.calls)

    def at(self, state: State, actor: int, calls: tuple[Call, ...]) -> tuple[Frame, ...]:
        """Return the frames of a place inside of a step, as a check that fails there has them."""
        known = self.known[actor]
        return tuple(known.get(c.serial) or self._frame(state, actor, c) for c in calls)

    def chosen(self, actor: int, block: Block, choices: dict[str, object]) -> tuple[Frame, ...]:
        """Return the frames of an action, which has its arguments from what was chosen."""
        (call,) = block.calls
        template = self.layout.program.templates[self.actors[actor][0]]
        texts = [
            self.values.of(template.variables[name], choices[name]).text
            for name in template.parameters
            if name in choices
        ]
        place = place_of(call.span)
        return (Frame(call.name, tuple(texts), call.module, next(self.serials), place),)

    def _frame(self, state: State, actor: int, call: Call) -> Frame:
        texts = [
            argument if isinstance(argument, str) else self._argument(state, actor, argument)
            for argument in call.arguments
        ]
        place = place_of(call.span)
        return Frame(call.name, tuple(texts), call.module, next(self.serials), place)

    def _argument(self, state: State, actor: int, argument: Expr) -> str:
        """Return an argument as C: a macro that is given a set is given its address."""
        name, instance = self.actors[actor]
        evaluator, cells = self.evaluators[name], list(state)
        try:
            if isinstance(argument, Load) and isinstance(argument.type, SetOf):
                owner = evaluator.of(argument.ref)(cells, instance)
                if owner <= 0:
                    return "..."
                of = argument.kind, (owner >> 1) - 1, argument.field
                return f"&{self.values.names.member(*of, stale=bool(owner & 1))}"
            text = self.values.of(argument.type, evaluator.of(argument)(cells, instance))
        except Fault:
            return "..."
        embedded = bool(text.targets) and ("->" in text.text or "." in text.text)
        return f"{'&' if embedded else _prefix(argument.type)}{text.text}"


def _prefix(kind: Type) -> str:
    """Return what C writes before a constant: `GFP_KERNEL`."""
    return "GFP_" if isinstance(kind, EnumType) and kind.name.rpartition(".")[2] == "Gfp" else ""


def _begins_again(template: Template, serial: int, at: int) -> bool:
    """Tell whether a block is the first of a call that is all that an endless loop is made of."""
    blocks = template.blocks
    own = [n for n, block in enumerate(blocks) if any(c.serial == serial for c in block.calls)]
    return at == own[0] and {t for n in own for t in targets(blocks[n])} <= set(own)
