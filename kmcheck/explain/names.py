"""How things are called in a picture: plain ASCII, one line, kernel style."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from kmcheck.trace import Event, Frame, ObjectView, Place, ProcessView, Trace, Value

KERNEL = "kmcheck.kernel."

TRANSPARENT = frozenset(
    {
        "READ_ONCE",
        "WRITE_ONCE",
        "rcu_access_pointer",
        "rcu_assign_pointer",
        "rcu_dereference",
        "rcu_dereference_protected",
        "smp_load_acquire",
        "smp_store_release",
    }
)
"""Macros that are one load or store: that access itself says more than the call."""


def plain(text: str) -> str:
    """Return `text` as printable ASCII on one line: what every picture and every mail can carry."""
    line = " ".join(text.split())
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in line)


def comment(text: str) -> str:
    """Return `text` as a C comment, or nothing where there is nothing to say."""
    return f"/* {plain(text).replace('*/', '* /')} */" if text.strip() else ""


def wrapped(text: str, width: int, indent: str = "", hang: str = "") -> list[str]:
    """Wrap at spaces, and a word that is too long for a line where C could be broken.

    The end of a comment is never alone.
    """
    width = max(width, len(hang) + 8, len(indent) + 8)
    lines: list[str] = []
    line, gap = indent, ""
    for word in text.replace(" */", "\0*/").split():
        if gap and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, gap = hang, ""
        rest = word
        while len(line) + len(gap) + len(rest) > width:
            at = _break(rest, width - len(line) - len(gap))
            lines.append(line + gap + rest[:at])
            line, gap, rest = hang, "", rest[at:]
        line, gap = line + gap + rest, " "
    return [told.replace("\0", " ") for told in ([*lines, line] if gap else lines)]


BREAKS = (r"(?<=[(,])", r"(?=->|\.)", r"(?<=_)")
"""Where a word of C may be broken, the best first: `f(`, `&child` `->css`, `kmem_` `cache`."""


def _break(word: str, most: int) -> int:
    """Return how many characters of a word stand in a line that has room for `most`."""
    for pattern in BREAKS:
        found = [m.end() for m in re.finditer(pattern, word) if 0 < m.end() <= most]
        if found:
            return found[-1]
    return most


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers, the lowest first, as `1, 3-5`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in found)


def where(place: Place) -> str:
    """Return `reparent_caches.py:61`."""
    return plain(f"{PurePosixPath(place.path).name}:{place.line}")


def call_text(frame: Frame) -> str:
    """Return the call as C: `kmem_cache_free(page#0)`."""
    return plain(f"{frame.function}({', '.join(frame.arguments)})")


def in_kernel(frame: Frame) -> bool:
    """Tell whether the function is a kernel primitive of ours, not the spec's."""
    return frame.module.startswith(KERNEL)


def split(frames: tuple[Frame, ...]) -> tuple[tuple[Frame, ...], Frame | None]:
    """Return the frames that a reader sees, and the primitive that they are inside of.

    The spec's innermost function decides: a callback of the spec's that a primitive calls is seen,
    and so is the way to it.
    """
    last = max((i for i, frame in enumerate(frames) if not in_kernel(frame)), default=0)
    inside = [frame for frame in frames[last + 1 :] if frame.function not in TRANSPARENT]
    return frames[: last + 1], inside[0] if inside else None


def primitive(event: Event) -> Frame | None:
    """Return the kernel primitive that the step belongs to, as called from the spec."""
    return split(event.frames)[1]


def is_own(event: Event) -> bool:
    """Tell whether the step is the design's: no primitive takes it, nor a process of the kernel."""
    return primitive(event) is None and not (event.frames and all(map(in_kernel, event.frames)))


def spec_place(event: Event) -> Place:
    """Return the step's place in the spec: that of the primitive's call, if it is in one."""
    return _called_from(event.frames) or event.place


def failing_place(trace: Trace) -> Place | None:
    """Return the line of the spec at which a run goes wrong, if there is one.

    For a property that is what the last step does, and not where the property is written; for what
    fails in a primitive it is the call.
    """
    at, last = trace.violation.place, trace.events[-1] if trace.events else None
    frames = trace.violation.frames or (last.frames if last else ())
    step = spec_place(last) if last else None
    stated = at is not None and at.text.startswith("def ")
    places = (step, at) if stated else (at, _called_from(frames), step)
    return next((p for p in places if p is not None and not in_library(p)), None)


def in_library(place: Place) -> bool:
    """Tell whether a place is in a primitive of ours, and in no file that the spec's author has."""
    return place.path.startswith("kmcheck/kernel/")


def _called_from(frames: tuple[Frame, ...]) -> Place | None:
    """Return where the spec calls the primitive that these calls are inside of."""
    seen, _ = split(frames)
    inner = frames[len(seen) :]
    return inner[0].place if inner else None


def waits(view: ProcessView) -> str:
    """Return where a process waits, as its spec says it: `CPU2 waits in wait_event(wq) (a.py:46)`.

    What a primitive of the kernel has inside is nobody's business, nor where a daemon of it stands.
    """
    seen, frame = split(view.frames)
    inner = frame or (seen[-1] if seen else None)
    call = call_text(inner) if inner else f"{view.function}()"
    place = frame.place if frame else view.place
    own = place is not None and not (seen and in_kernel(seen[-1]))
    return plain(f"{view.name} waits in {call}{f' ({where(place)})' if place and own else ''}")


def points_to(value: Value | None, things: frozenset[str]) -> bool:
    """Tell whether the value refers to one of `things`."""
    return value is not None and not things.isdisjoint(value.targets)


class Family:
    """Who is embedded in whom: an embedded object lives and dies with the outermost container."""

    def __init__(self, trace: Trace) -> None:
        """Collect every object that the run ever has."""
        snapshots = [trace.initial, *(event.after for event in trace.events)]
        self.views: dict[str, ObjectView] = {}
        for snapshot in snapshots:
            for view in snapshot.objects:
                self.views.setdefault(view.name, view)

    def root(self, name: str) -> str:
        """Return the outermost container of `name`, itself if it is in none."""
        seen = {name}
        while (view := self.views.get(name)) and view.embedded_in and view.embedded_in not in seen:
            name = view.embedded_in
            seen.add(name)
        return name

    def is_global(self, name: str) -> bool:
        """Tell whether the object belongs to no other and is never freed; so is one unknown."""
        view = self.views.get(self.root(name))
        return view is None or view.is_global

    def of(self, names: frozenset[str]) -> frozenset[str]:
        """Return all objects that share a life with one of `names`."""
        roots = {self.root(name) for name in names}
        return names | frozenset(name for name in self.views if self.root(name) in roots)

    def member(self, owner: str, field: str) -> str:
        """Return a field as C names it: `child->parent`, `child->kmem.usage`, `rcu.readers`."""
        view = self.views.get(owner)
        dot = view is not None and (view.is_global or view.embedded_in is not None)
        return plain(f"{owner}{'.' if dot else '->'}{field}")
