"""Every step with its number, its place in the spec, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.differences import Line, contents, differences
from kmcheck.explain import Story, comment, explain, plain, where
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Event, Snapshot, Trace


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph a step, none left out. `full` shows zero fields of the first state too."""

    name: str = "text"
    suffix: str = ".steps.txt"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the run down."""
        story = explain(trace, full=True)
        states = [trace.initial, *(event.after for event in trace.events)]
        lines = [*_title(trace), "", "at first"]
        lines += _state(story, trace.initial, full=options.full)
        for index, event in enumerate(trace.events):
            lines += ["", "-- from here on, again and again:"] * (index == trace.loop_at)
            lines += ["", *_step(event), *_diff(story, states[index], states[index + 1])]
        lines += [*_endless(trace), "", f"*** {story.mark}"]
        lines += [_reason(reason.number, reason.text) for reason in story.reasons]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _title(trace: Trace) -> list[str]:
    settings = "  ".join(plain(f"{name}={value}") for name, value in trace.chosen)
    steps = f"{len(trace.events)} step{'' if len(trace.events) == 1 else 's'}"
    return [f"{plain(trace.spec)}: {plain(trace.violation.kind)} ({steps})  {settings}"]


def _endless(trace: Trace) -> list[str]:
    """Return how a run that never ends goes on."""
    at = trace.loop_at
    if at is None:
        return []
    if at >= len(trace.events):
        return ["", "-- here it rests, for ever"]
    return ["", f"-- and so on, for ever: all is as it was before step {trace.events[at].number}"]


def _state(story: Story, state: Snapshot, *, full: bool) -> list[str]:
    shown = contents(story, state, full=full)
    wide = max((len(name) for name, _ in shown), default=0)
    return [f"    {name:<{wide}}  {text}" for name, text in shown]


def _step(event: Event) -> list[str]:
    """The step as C, inside of what, and where."""
    note = comment(event.note)
    calls = " > ".join(frame.function for frame in event.frames)
    head = f"{event.number}  {plain(event.process)}: {plain(event.text)}  {note}".rstrip()
    return [head, f"    in {plain(calls) or plain(event.process)}, {where(event.place)}"]


def _diff(story: Story, before: Snapshot, after: Snapshot) -> list[str]:
    found = differences(story, before, after)
    wide = max((len(line.name) for line in found if line.sign != "!"), default=0)
    return [_line(line, wide) for line in found]


def _line(line: Line, wide: int) -> str:
    if line.sign == "!":
        return f"    ! {line.name} {line.text}"
    return f"    {line.sign} {line.name:<{wide}}  {line.text}"


def _reason(number: int | None, text: str) -> str:
    return f"    {'' if number is None else f'{number}: '}{text}"


RENDERER: Renderer = Text()
