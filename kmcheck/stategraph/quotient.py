"""A smaller graph: states that are alike in what one looks at are one node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kmcheck.stategraph.fields import View, Views
from kmcheck.stategraph.space import Space


@dataclass
class Knot:
    """All states that are alike, or a violation that steps end in (then there are none)."""

    lines: tuple[str, ...]
    """What they have in common."""
    states: int = 0
    depth: int = 0
    """Of the first of them that was found."""
    initial: bool = False
    terminal: int = 0
    """How many of them have no step out of them."""
    cut: int = 0
    """How many of them were not gone on from, since a limit was reached."""
    violations: tuple[str, ...] = ()
    steps: list[int] = field(default_factory=list)
    """The steps of the counterexample after which it is here; 0 is where it begins."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """All steps of one process from one node to another: how many, and which of the way."""

    source: int
    target: int
    process: str
    count: int
    steps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quotient:
    """The merged graph, and what it was merged from.

    `inside` counts, for each node, steps between its own states.
    """

    title: str
    by: str
    knots: tuple[Knot, ...]
    arrows: tuple[Arrow, ...]
    inside: tuple[int, ...]
    states: int
    transitions: int
    depth: int
    stopped: str
    violation: str
    """What the way leads to; empty if there is no way."""

    @property
    def is_whole(self) -> bool:
        """Whether each state is a node of its own."""
        return "state" in (name.strip().lower() for name in self.by.split(","))


def merge(space: Space, views: Views, by: str, title: str) -> Quotient:
    """Merge the states that are alike in `by`: names, separated by commas.

    Raises:
        UsageError: a name is none of the spec's.
    """
    chosen = views.of(by)
    place: dict[object, int] = {}
    knots: list[Knot] = []
    where = [_place(space, chosen, number, place, knots) for number in range(len(space.states))]
    knots += [Knot((f"*** {kind}",), violations=(kind,)) for kind in space.faults]
    ends = range(len(knots) - len(space.faults), len(knots))

    def at(number: int) -> int:
        return where[number] if number >= 0 else ends[-1 - number]

    passed: dict[tuple[int, int, int], list[int]] = {}
    if space.way is not None:
        for step, number in enumerate(space.way.states):
            knots[at(number)].steps.append(step)
        pairs = zip(space.way.states, space.way.states[1:], space.way.actors, strict=False)
        for step, (one, other, actor) in enumerate(pairs, 1):
            passed.setdefault((at(one), at(other), actor), []).append(step)
    counted = Counter(
        (at(source), at(target), actor)
        for source, target, actor in zip(space.sources, space.targets, space.actors, strict=True)
    )
    inside = [0] * len(knots)
    for (source, target, _), count in counted.items():
        inside[source] += count if source == target else 0
    arrows = tuple(
        Arrow(source, target, views.process(actor), count, tuple(passed.get(key, ())))
        for key, count in sorted(counted.items())
        for source, target, actor in (key,)
        if source != target
    )
    return Quotient(
        title, by, tuple(knots), arrows, tuple(inside), len(space.states), len(space.sources),
        max(space.depths, default=0), space.stopped, space.way.violation if space.way else "",
    )  # fmt: skip


def _place(
    space: Space, views: tuple[View, ...], number: int, place: dict[object, int], knots: list[Knot]
) -> int:
    """Put a state into its node, which may be new; return the node's number."""
    state = space.states[number]
    key = tuple(view.key(number, state) for view in views)
    at = place.setdefault(key, len(knots))
    if at == len(knots):
        lines = tuple(view.text(number, state) for view in views)
        knots.append(Knot(lines, depth=space.depths[number]))
    knot = knots[at]
    knot.states += 1
    knot.initial |= number < space.beginning
    knot.terminal += number in space.terminal
    knot.cut += number >= space.expanded
    found = (*knot.violations, *space.failing.get(number, ()))
    knot.violations = tuple(dict.fromkeys(found))
    return at
