"""The object graph over time: who points to whom, and which pointer dangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kmcheck.explain.names import Family, plain
from kmcheck.explain.rows import Row
from kmcheck.explain.states import Look, inner, key_fields, look
from kmcheck.explain.story import Story
from kmcheck.trace import Snapshot, Value

Tone = Literal["plain", "changed", "stale", "dangling"]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A pointer: `owner` is an object (its container) or a process, `field` as seen from there."""

    owner: str
    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Shot:
    """The graph after one row; `row` is None for the initial state. What is absent is left out."""

    row: Row | None
    looks: dict[str, Look]
    arrows: dict[Arrow, Tone]


@dataclass(frozen=True, slots=True)
class Heap:
    """All that is ever in the graph, and what is there in each shot."""

    objects: tuple[str, ...]
    processes: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    shots: tuple[Shot, ...]


def heap(story: Story) -> Heap:
    """Return the graph of the objects that the rows are about, after each row that changes it."""
    objects = _objects(story)
    fields = {name: key_fields(story, name) for name in objects}
    changing = frozenset(pair for pairs in fields.values() for pair in pairs)
    shots: list[Shot] = []
    for row, before, after in _states(story):
        looks = {name: look(story, name, fields[name], after) for name in objects}
        looks = {name: seen for name, seen in looks.items() if seen.state != "absent"}
        shown = frozenset(looks)
        old, now = (_arrows(story, state, shown, changing) for state in (before, after))
        tones = {a: _tone(story, a, looks, stale) for a, stale in now.items()}
        tones |= {a: "changed" for a in now if a not in old and tones[a] == "plain"}
        shots.append(Shot(row, looks, _followed(story, row, looks, tones)))
    every = tuple(dict.fromkeys(arrow for shot in shots for arrow in shot.arrows))
    processes = tuple(c.process for c in story.columns if any(a.owner == c.process for a in every))
    return Heap(objects, processes, every, _worth(shots))


def _objects(story: Story) -> tuple[str, ...]:
    """The story's objects, and those that the failing process holds on to."""
    held = [
        story.family.root(target)
        for event in story.trace.events
        for view in event.after.processes
        if view.name == story.trace.failing
        for _, value in view.variables
        for target in value.targets
    ]
    names = dict.fromkeys((*story.cast, *held))
    return tuple(name for name in story.family.views if name in names)


def _states(story: Story) -> list[tuple[Row | None, Snapshot, Snapshot]]:
    """Of each row the state before and after; a step that fails changes nothing."""
    states = [story.trace.initial, *(event.after for event in story.trace.events)]
    if story.fails_inside:
        states[-1] = states[-2]
    found: list[tuple[Row | None, Snapshot, Snapshot]] = [(None, states[0], states[0])]
    rows = [row for row in story.rows if row.events and (row.bad or not row.is_ordering)]
    return found + [(row, states[row.events[0]], states[row.events[-1] + 1]) for row in rows]


def _arrows(
    story: Story, state: Snapshot, shown: frozenset[str], changing: frozenset[tuple[str, str]]
) -> dict[Arrow, bool]:
    """All pointers from and to what is shown, and whether each is stale. The dead hold none.

    A pointer into the middle of an object counts only if it is one of those that change: the others
    repeat, level by level, the pointers between the containers.
    """
    found: dict[Arrow, bool] = {}
    for view in state.objects:
        root = story.family.root(view.name)
        if root in shown and view.life == "live":
            for field, value in view.fields:
                deep = story.family if (view.name, field) in changing else None
                _add(found, (root, inner(view.name, root, field)), value, shown, deep)
    actors = {column.process for column in story.columns}
    for process in state.processes:
        if process.name in actors and process.status != "ended":
            about = shown & _about(story, process.name)
            for name, value in process.variables:
                _add(found, (process.name, name), value, about, None)
    return found


def _about(story: Story, process: str) -> frozenset[str]:
    """What a process's locals may point to: of another than the failing one, the failing object."""
    thing = story.trace.violation.thing
    if story.full or thing is None or process == story.trace.failing:
        return frozenset(story.family.views)
    return frozenset({story.family.root(thing)})


def _add(
    found: dict[Arrow, bool],
    source: tuple[str, str],
    value: Value,
    shown: frozenset[str],
    deep: Family | None,
) -> None:
    owner, field = source
    for name in value.targets:
        target = deep.root(name) if deep else name
        if target in shown and target != owner:
            found[Arrow(owner, plain(field), target)] = name in value.stale


def _tone(story: Story, arrow: Arrow, looks: dict[str, Look], stale: bool) -> Tone:  # noqa: FBT001
    """One pointer is red: the one that the failing process follows into what was freed."""
    if not stale and looks[arrow.target].state != "freed":
        return "plain"
    followed = arrow.target == story.trace.violation.thing and _is_followed(story, arrow)
    return "dangling" if followed else "stale"


def _is_followed(story: Story, arrow: Arrow) -> bool:
    """Tell whether the failing process goes through this pointer: its own, or the one it loads."""
    held = {
        name
        for view in story.trace.end.processes
        if view.name == story.trace.failing
        for name, value in view.variables
        if arrow.target in value.targets
    }
    if held:
        return arrow.owner == story.trace.failing and arrow.field in held
    return any(
        story.family.root(access.thing) == arrow.owner
        for event in story.trace.events
        if event.number == story.trace.violation.source
        for access in event.accesses
    )


def _followed(
    story: Story, row: Row | None, looks: dict[str, Look], tones: dict[Arrow, Tone]
) -> dict[Arrow, Tone]:
    """Show the step into freed memory even where no variable is left that holds the pointer."""
    thing = story.trace.violation.thing
    if row is None or not row.bad or not story.fails_inside or thing is None:
        return tones
    root = story.family.root(thing)
    if "dangling" in tones.values() or looks.get(root, Look("live")).state != "freed":
        return tones
    return tones | {Arrow(row.process, "pointer", root): "dangling"}


def _worth(shots: list[Shot]) -> tuple[Shot, ...]:
    """Leave out a shot that shows the same as the one before, but never the last."""
    kept = shots[:1]
    for shot in shots[1:]:
        same = shot.looks == kept[-1].looks and shot.arrows.keys() == kept[-1].arrows.keys()
        if not same or shot is shots[-1]:
            kept.append(shot)
    return tuple(kept)
