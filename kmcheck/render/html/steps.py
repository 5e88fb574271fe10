"""What the page says of each step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from kmcheck.differences import Line, contents, differences
from kmcheck.explain import Story, comment, heap, plain, where


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and the state after it: `number` 0 is the initial state.

    `frame` is the frame of the heap that shows that state; `drawn` whether the diagram has a row.
    """

    number: int
    process: str
    text: str
    note: str
    where: str
    lines: tuple[Line, ...]
    frame: int
    drawn: bool


def steps(story: Story) -> tuple[Step, ...]:
    """Return the initial state and all steps, those that the diagram leaves out, too."""
    trace = story.trace
    states = [trace.initial, *(event.after for event in trace.events)]
    told = tuple(Line("+", name, text) for name, text in contents(story, trace.initial, full=False))
    found = [Step(0, "", "at first", "", "", told, 0, drawn=True)]
    shown = _frames(story)
    for index, (event, (before, after)) in enumerate(
        zip(trace.events, pairwise(states), strict=True)
    ):
        calls = " > ".join(frame.function for frame in event.frames) or event.process
        found.append(
            Step(
                index + 1,
                plain(event.process),
                plain(event.text),
                comment(event.note),
                f"in {plain(calls)}, {where(event.place)}",
                differences(story, before, after),
                shown[index + 1],
                drawn=story.row_of(index) is not None,
            )
        )
    return tuple(found)


def _frames(story: Story) -> list[int]:
    """Return for the initial state, and the state after each step, the frame that shows it."""
    ends = [max(shot.row.events, default=-1) if shot.row else -1 for shot in heap(story).shots]
    return [
        max(number for number, end in enumerate(ends) if end < done)
        for done in range(len(story.trace.events) + 1)
    ]
