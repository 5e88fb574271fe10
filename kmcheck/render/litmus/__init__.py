"""The racing accesses of a run as a litmus test, so that herd7 can be asked about weak memory.

    cd tools/memory-model && herd7 -conf linux-kernel.cfg run.litmus

The format is that of the kernel's `tools/memory-model/Documentation/litmus-tests.txt`; the
functions are those of its `linux-kernel.def`. What has no counterpart there is left out,
and the file says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from kmcheck.explain import Row, Story, explain, in_kernel, plain, ranges
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.render.litmus.code import LOADS, STORES, Process, Writer
from kmcheck.render.litmus.places import Places, Variable
from kmcheck.render.litmus.touches import HOLDERS, is_linking
from kmcheck.render.litmus.words import safe
from kmcheck.trace import Access, Frame, Trace

NO_OUTCOME = frozenset({"deadlock", "livelock", "starvation", "leak", "sleep-in-atomic"})
"""Violations that no value in memory shows."""
MACHINERY = frozenset(
    {
        "completion", "context", "cpu", "irq", "kthread", "lockdep", "mutex", "preempt", "rcu",
        "rcu_split", "rcu_work", "rwlock", "rwsem", "sched", "slab", "spinlock", "wait",
        "workqueue",
    }
)  # fmt: skip
"""Files of primitives whose fields are their own business: they order, start and wait."""
MACROS = frozenset({*LOADS, *STORES})
READS = frozenset({"use-after-free", "double-free", "null-deref", "data-race"})
"""Violations that what is read shows."""


@dataclass(frozen=True, slots=True)
class Litmus:
    """One function for each process, and the values that it read as the condition."""

    name: str = "litmus"
    suffix: str = ".litmus"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the test down."""
        story = explain(trace, full=options.full)
        places = Places(story)
        _write(story, Writer(story, places, shared(story)))  # to learn which variables there are
        writer = _write(story, Writer(story, places, shared(story)))
        processes = [p for p in writer.processes.values() if p.acts]
        lines = [f"C {_name(trace)}", "", *_preamble(story, places, writer), "", "{"]
        used = [v for v in places.variables.values() if any(v.name in p.used for p in processes)]
        lines += [f"{v.name}={v.initial};" for v in used if v.sort != "lock" and v.initial != "0"]
        lines += ["}"]
        for number, process in enumerate(processes or [Process("nobody does anything")]):
            lines += ["", *_function(number, process)]
        return "\n".join([*lines, "", *_condition(story, places, processes)]) + "\n"


def shared(story: Story) -> frozenset[tuple[str, str]]:
    """Return the story's fields that two processes touch and somebody changes, and the last ones.

    In whatever order other fields are touched, nobody sees it.
    """
    told = {(a.thing, a.field) for row in story.rows for a in _accesses(story, row) if a.field}
    touching: dict[tuple[str, str], set[str]] = {}
    changed: set[tuple[str, str]] = set()
    inner: set[tuple[str, str]] = set()
    for event in story.trace.events:
        inside = _is_machinery([f for f in event.frames if f.function not in MACROS])
        for access in event.accesses:
            key = access.thing, access.field
            touching.setdefault(key, set()).add(event.process)
            if access.what != "load":
                changed.add(key)
                inner |= {key} if inside or access.field in HOLDERS else set()
    last = {(a.thing, a.field) for event in story.trace.events[-1:] for a in event.accesses}
    seen = {key for key, who in touching.items() if len(who) > 1}
    return frozenset((told & changed & (seen | last)) - inner)


def _accesses(story: Story, row: Row) -> tuple[Access, ...]:
    """Return what a row does to the design's objects, and to the links of any list."""
    linking = [event for index in row.events if is_linking(event := story.trace.events[index])]
    return (*story.accesses(row), *(a for event in linking for a in event.accesses))


def _is_machinery(frames: list[Frame]) -> bool:
    """Tell whether the accesses there are those of a primitive that the model has as such."""
    inner = frames[-1] if frames else None
    return inner is not None and in_kernel(inner) and inner.module.rpartition(".")[2] in MACHINERY


def _write(story: Story, writer: Writer) -> Writer:
    """Write all steps: who is started begins behind the step that started it."""
    kept = {index for row in story.rows for index in row.events}
    events = story.trace.events
    for event in events:  # in the order in which they first do something
        writer.process(event.process)
    for index, event in enumerate(events):
        writer.step(index, event, kept=index in kept)
        for name in _started(story, index):
            if name in writer.processes and name != event.process:
                writer.starts(event, name)
    for process in writer.processes.values():
        process.end()
    return writer


def _started(story: Story, index: int) -> list[str]:
    """Return the processes that are there behind a step, and were not there before it."""
    before = story.trace.events[index - 1].after if index else story.trace.initial
    old = {view.name for view in before.processes if view.status != "ended"}
    after = story.trace.events[index].after.processes
    return [view.name for view in after if view.status != "ended" and view.name not in old]


def _function(number: int, process: Process) -> Iterator[str]:
    yield f"// {safe(plain(process.name))}"
    yield f"P{number}({', '.join(v.parameter for v in process.used.values())})"
    yield "{"
    yield from (f"  {line}" for line in process.registers or ["int r0;"] * (not process.lines))
    yield from [""] if process.registers and process.lines else []
    yield from (f"  {line}" for line in process.lines)
    yield "}"


# --- what is asked --------------------------------------------------------------------------------


def _condition(story: Story, places: Places, processes: list[Process]) -> Iterator[str]:
    told = [
        f"{number}:{register}={value}"
        for number, process in enumerate(processes)
        for register, value in process.read
    ]
    used = {name for process in processes for name in process.used}
    told += [f"{name}={value}" for name, value in _final(story, places) if name in used]
    if not told:
        yield "exists (true)"
        return
    yield "exists ("
    yield from (f"  {part} /\\" for part in told[:-1])
    yield f"  {told[-1]})"


def _final(story: Story, places: Places) -> Iterator[tuple[str, str]]:
    """Yield the variables that the violation is about, if it is what is in memory at the end."""
    kind = story.trace.violation.kind
    if kind in NO_OUTCOME | READS or story.fails_inside:
        return
    values = {view.name: dict(view.fields) for view in story.trace.end.objects}
    for (thing, name), variable in places.variables.items():
        value = values.get(thing, {}).get(name)
        if value is not None:
            yield variable.name, places.written(variable, value)


# --- what is said of it ---------------------------------------------------------------------------


def _preamble(story: Story, places: Places, writer: Writer) -> Iterator[str]:
    trace = story.trace
    yield "(*"
    for paragraph in _paragraphs(story, places, writer):
        text = safe(paragraph).replace("(*", "( *").replace("*)", "* )")
        yield from (f" * {line}".rstrip() for line in wrap(plain(text), 76) or [""])
    yield f" * kmcheck, spec sha256 {plain(trace.digest[:16])}".rstrip()
    yield " *)"


def _paragraphs(story: Story, places: Places, writer: Writer) -> Iterator[str]:
    trace = story.trace
    settings = ", ".join(f"{name}={value}" for name, value in trace.chosen)
    yield f"{trace.spec}{f' ({settings})' if settings else ''}"
    yield story.mark
    yield ""
    yield (
        "Each process does what it did in this run; the condition is what it read. The run is "
        "sequentially consistent: expect Sometimes. Add what you think is missing, and ask again: "
        "Never rules out that this happens along these branches. Branches, and the dependency of "
        "an access on the pointer it goes through, are not written down: Sometimes may be for "
        "want of them. What is one step of the spec is atomic."
    )
    if any(variable.sort == "lock" for variable in places.variables.values()):
        stronger = "which order no less: Never may be due to that."
        yield f"Mutexes and the like are written as spinlocks, {stronger}"
    yield from _about(trace)
    told = [v for v in places.variables.values() if v.sort in {"life", "code"} and v.what]
    yield ""
    yield from (_meaning(variable) for variable in told)
    if places.sizes:
        yield ", ".join(f"size({name}) is {size}" for name, size in places.sizes.items())
    if writer.out:
        yield f"Left out, as in the table: {_steps(writer.out)}."
    for process in writer.processes.values():
        if not process.acts:
            own = [event.number for event in trace.events if event.process == process.name]
            yield f"{process.name} does nothing that is shared: {_steps(own)} left out."


def _about(trace: Trace) -> Iterator[str]:
    """Say what the condition has to do with the violation."""
    kind = trace.violation.kind
    if kind == "data-race":
        yield "The two that race are plain accesses: herd7 says Flag data-race."
        return
    yield (
        "Accesses are READ_ONCE() and WRITE_ONCE(), since the search takes each as whole: "
        "ask for order, not for data races."
    )
    if kind in NO_OUTCOME or trace.loop_at is not None:
        yield f"A {kind} is no outcome of a litmus test, which knows values only."
    elif kind not in READS:
        yield f"Whether these values are a {kind} is not in the test."


def _meaning(variable: Variable) -> str:
    if variable.sort == "life":
        return f"{variable.name}: an object; 1 if it is freed"
    codes = ", ".join(f"{i} is {text}" for i, text in enumerate(variable.codes))
    return f"{variable.name}: {variable.what}; {codes}"


def _steps(numbers: list[int]) -> str:
    """Return `steps 1, 3-5`."""
    return f"step{'s' if len(numbers) > 1 else ''} {ranges(sorted(numbers))}"


def _name(trace: Trace) -> str:
    return (
        re.sub(r"[^\w+.-]+", "-", plain(f"{trace.spec} {trace.violation.kind}")).strip("-") or "run"
    )


RENDERER: Renderer = Litmus()
