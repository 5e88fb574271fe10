"""From all states and steps to what is claimed of the runs that never end."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from kmcheck.claims import Claims, Stop
from kmcheck.ir.code import Fairness
from kmcheck.ir.layout import Layout
from kmcheck.liveness.decide import Asked, Source, Words, failing
from kmcheck.liveness.graph import Graph
from kmcheck.semantics import Fault, Machine, State
from kmcheck.semantics.obligations import MOST_BINDINGS, Obligations, TooMany


@dataclass(slots=True)
class Steps:
    """The steps of a search, as they are taken: state after state, in the order of discovery."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    targets: array[int] = field(default_factory=lambda: array("i"))
    actors: array[int] = field(default_factory=lambda: array("h"))

    def expand(self) -> None:
        """Begin with the next state."""
        self.starts.append(len(self.targets))

    def take(self, actor: int, target: int) -> None:
        """Notice a step out of that state."""
        self.targets.append(target)
        self.actors.append(actor)

    def graph(self, beginning: int, fair: tuple[Fairness, ...]) -> Graph:
        """Return the graph of them."""
        return Graph(
            np.array([*self.starts, len(self.targets)], dtype=np.int64),
            np.array(self.targets, dtype=np.int32),
            np.array(self.actors, dtype=np.int16),
            beginning,
            fair,
        )


def fairness(machine: Machine) -> tuple[Fairness, ...]:
    """Return the fairness of each actor."""
    templates = machine.layout.program.templates
    return tuple(templates[name].fair for name, _, _, _ in machine.actors)


def obligations(claims: Claims, layout: Layout) -> Obligations:
    """Return what to ask of states.

    Raises:
        Stop: it is too much.
    """
    try:
        return Obligations(layout, claims.question.wants)
    except TooMany as error:
        why = f"{error} would be asked of more than {MOST_BINDINGS} objects or processes"
        raise Stop(why) from None


def told(obligations: Obligations, states: Iterable[State]) -> dict[str, tuple[Words, Words]]:
    """Return for each name what is owed, and what begins, in each state.

    Raises:
        Failed: a property cannot be evaluated.
    """
    words = {name: (array("Q"), array("Q")) for name in obligations.names}
    for number, state in enumerate(states):
        for name, (owed, begins) in words.items():
            try:
                found = obligations.of(name, state)
            except Fault as fault:
                raise Failed(name, number, fault) from None
            owed.append(found.owed)
            begins.append(found.asked)
    return {
        name: (np.array(owed, dtype=np.uint64), np.array(begins, dtype=np.uint64))
        for name, (owed, begins) in words.items()
    }


class Failed(Exception):  # noqa: N818
    """A property cannot be evaluated in a state: its name, the state's number, what goes wrong."""

    def __init__(self, name: str, number: int, fault: Fault) -> None:
        super().__init__(name)
        self.name = name
        self.number = number
        self.fault = fault


def judge_runs(
    claims: Claims,
    machine: Machine,
    source: Source,
    graph: Callable[[], Graph],
    tell: Callable[[Obligations], Mapping[str, tuple[Words, Words]]],
) -> dict[str, int]:
    """Claim what fails on some run; return how often each property was asked for.

    Of runs that are not followed any further nothing can be said: then nothing is asked.

    Raises:
        Stop: it is too much.
    """
    if claims.bounds or claims.beyond:
        return {}
    layout = machine.layout
    wanted = obligations(claims, layout)
    try:
        words = tell(wanted)
    except Failed as failed:
        prop = wanted.properties[failed.name]
        claims.fail(prop, failed.fault, source.run_to(failed.number))
        claims.settle()
        return {}
    whole = graph()
    asked = {
        name: Asked(
            name,
            wanted.properties[name].when if name in wanted.properties else None,
            owed,
            begins,
            tuple(process for process, _ in wanted.ending),
        )
        for name, (owed, begins) in words.items()
    }
    for name, what in asked.items():
        if claims.claims and not claims.question.every:
            claims.skipped.append(name)
        elif (claim := failing(whole, what, machine, source)) is not None:
            claims.claims[name] = claim
    counted = {name: int(np.bitwise_count(begins).sum()) for name, (_, begins) in words.items()}
    return {name: counted[name] for name in wanted.properties}
