"""What went wrong as KASAN reports it: whose access, where the object was freed, where made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.explain import call_text, explain, plain, queued_by, where, wrapped
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Event, Frame, Place, ProcessView, Trace

KINDS = {"load": "Read", "store": "Write", "update": "Write", "alloc": "Allocation", "free": "Free"}


@dataclass(frozen=True, slots=True)
class Kasan:
    """The violation, and the calls that led to it, as in a report of KASAN or of a hung task."""

    name: str = "kasan"
    suffix: str = ".kasan.txt"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the report."""
        width = options.columns
        rule = "=" * (width - 9)
        lines = [rule, *_headline(trace, width), "", *_traces(trace, width), rule]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _headline(trace: Trace, width: int) -> Iterator[str]:
    violation = trace.violation
    inside = violation.frames or (trace.events[-1].frames if trace.events else ())
    ends = trace.loop_at is None and violation.kind != "deadlock"
    at = f" in {inside[-1].function}()" if inside and ends else ""
    yield from _text(f"BUG: kmcheck: {violation.kind}{at}", width)
    mark = explain(trace).mark.removeprefix(f"{violation.kind}: ")
    yield from _text(_access(trace) or mark, width)
    given = "".join(f" {name}={value}" for name, value in trace.chosen)
    yield from _text(f"Spec: {trace.spec}{given}", width)


def _access(trace: Trace) -> str:
    """Return whose access of what it is, if the violation is an access of an object."""
    thing = trace.violation.thing
    if thing is None or not trace.events or trace.loop_at is not None:
        return ""
    last = trace.events[-1]
    view = next((view for view in trace.end.objects if view.name == thing), None)
    found = [a for a in last.accesses if a.thing == thing]
    if view is None or not found:
        return ""
    field = f"->{found[-1].field}" if found[-1].field else ""
    what = f"{KINDS[found[-1].what]} of {thing}{field}"
    return f"{what}, a {view.kind} that is {view.life}, by {last.process} in step {last.number}"


def _traces(trace: Trace, width: int) -> Iterator[str]:
    if trace.violation.kind == "deadlock" or trace.loop_at is not None:
        for view in trace.end.processes:
            if view.status == "blocked":
                yield from _blocked(view, width)
        return
    events = {event.number: event for event in trace.events}
    if trace.events:
        last = trace.events[-1]
        frames = trace.violation.frames or last.frames
        at = trace.violation.place or last.place
        yield from _calls(f"Call trace of {last.process}:", frames, at, width)
    source, cause = events.get(trace.violation.source or 0), events.get(trace.violation.cause or 0)
    if source is not None:
        yield from _event(
            f"Pointer got by {source.process} in step {source.number}:", source, width
        )
    made = next((event for event in trace.events if _makes(event, trace.violation.thing)), None)
    if made is not None:
        yield from _event(f"Allocated by {made.process} in step {made.number}:", made, width)
    elif trace.violation.thing is not None:
        yield from ("Allocated before the first step.", "")
    if cause is not None:
        frees = any(access.what == "free" for access in cause.accesses)
        what = "Freed" if frees else "Broken"
        yield from _event(f"{what} by {cause.process} in step {cause.number}:", cause, width)
        queued = queued_by(trace, cause)
        if queued is not None:
            title = f"Last potentially related work creation, by {queued.process}"
            title += f" in step {queued.number}:"
            yield from _calls(title, queued.frames, queued.place, width)


def _makes(event: Event, thing: str | None) -> bool:
    return any(a.what == "alloc" and a.thing == thing for a in event.accesses)


def _event(title: str, event: Event, width: int) -> Iterator[str]:
    return _calls(title, event.frames, event.place, width, event.text)


def _blocked(view: ProcessView, width: int) -> Iterator[str]:
    title = f"INFO: task {view.name} is blocked for ever. Call trace:"
    place = view.place or (view.frames[-1].place if view.frames else None)
    if place is not None:
        yield from _calls(title, view.frames, place, width)


def _calls(
    title: str, frames: tuple[Frame, ...], at: Place, width: int, last: str = ""
) -> Iterator[str]:
    """Yield a call trace, the innermost call first: where each is, in the spec or a primitive.

    `last` is the step itself, as C, unless it is a call that is there already.
    """
    yield plain(title)
    calls = [call_text(frame) for frame in frames]
    if (last and plain(last) not in calls) or not calls:
        yield from _line(last or at.text, at, width)
    for call, within in zip(reversed(calls), [None, *reversed(frames)], strict=False):
        yield from _line(call, at if within is None else within.place, width)
    yield ""


def _line(text: str, place: Place, width: int) -> Iterator[str]:
    yield from wrapped(plain(f"{text} ({where(place)})"), width, " ", "     ")


def _text(text: str, width: int) -> list[str]:
    return wrapped(plain(text), width, "", "  ")


RENDERER: Renderer = Kasan()
