"""Runs written by hand, as the compiler would tell them: what the pictures are tested on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from kmcheck.trace import (
    Access,
    AccessKind,
    Event,
    Frame,
    ObjectView,
    Place,
    ProcessView,
    Snapshot,
    Trace,
    Value,
    Violation,
)


@dataclass
class Thing:
    kind: str
    fields: dict[str, str]
    embedded_in: str | None = None
    is_global: bool = False
    freed: bool = False


@dataclass
class Actor:
    function: str
    status: str = "ready"
    frames: list[Frame] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


class Script:
    """Keeps the state while a run is written down step by step."""

    def __init__(self, spec: str, **settings: str) -> None:
        self.spec, self.path = spec, f"specs/{spec}.py"
        self.settings = tuple(settings.items())
        self.things: dict[str, Thing] = {}
        self.actors: dict[str, Actor] = {}
        self.events: list[Event] = []
        self.start: Snapshot | None = None
        self.serial = 0

    def thing(self, name: str, kind: str, **fields: str) -> None:
        container, arrow, _ = name.rpartition("->")
        self.things[name] = Thing(kind, fields, container if arrow else None)

    def globe(self, name: str, kind: str, **fields: str) -> None:
        self.things[name] = Thing(kind, fields, is_global=True)

    def process(self, name: str, function: str, *arguments: str, line: int = 1) -> None:
        frame = self.frame(function, arguments, "", line)
        self.actors[name] = Actor(function, frames=[frame])

    def frame(self, function: str, arguments: tuple[str, ...], module: str, line: int) -> Frame:
        self.serial += 1
        kernel = f"kmcheck.kernel.{module}" if module else ""
        place = Place(self.path, line, 5, f"{function}({', '.join(arguments)})")
        return Frame(function, arguments, kernel, self.serial, place)

    def _value(self, text: str) -> Value:
        bare = re.sub(r"size\([^)]*\)", "", text)
        found = [
            name
            for name in sorted(self.things)
            if re.search(rf"(?<![\w>]){re.escape(name)}(?![\w#-])", bare)
        ]
        return Value(text, tuple(found), tuple(n for n in found if self.things[n].freed))

    def _snapshot(self) -> Snapshot:
        objects = [
            ObjectView(
                name,
                thing.kind,
                "freed" if thing.freed else "live",
                tuple((f, self._value(v)) for f, v in thing.fields.items()),
                thing.embedded_in,
                thing.is_global,
            )
            for name, thing in self.things.items()
        ]
        processes = [
            ProcessView(
                name,
                actor.function,
                actor.status,
                actor.frames[-1].place if actor.frames else None,
                tuple((v, self._value(t)) for v, t in actor.variables.items()),
                tuple(actor.frames) if actor.status != "ended" else (),
            )
            for name, actor in self.actors.items()
        ]
        return Snapshot(tuple(objects), tuple(processes))

    def begin(self) -> None:
        self.start = self._snapshot()

    def enter(
        self, process: str, function: str, *arguments: str, module: str = "", line: int = 1
    ) -> Frame:
        frame = self.frame(function, arguments, module, line)
        self.actors[process].frames.append(frame)
        return frame

    @contextmanager
    def call(
        self, process: str, function: str, *arguments: str, module: str = "", line: int = 1
    ) -> Iterator[None]:
        frame = self.enter(process, function, *arguments, module=module, line=line)
        yield
        self.actors[process].frames.remove(frame)

    def step(
        self,
        process: str,
        text: str,
        *accesses: tuple[AccessKind, *tuple[str, ...]],
        note: str = "",
        line: int = 1,
        ends: bool = False,
        returned: str = "",
        **variables: str,
    ) -> None:
        """Take a step. An access is (what, thing, field, new value); a load sees what is there."""
        actor = self.actors.get(process) or Actor(process)  # an action is no process
        actor.status = "ended" if ends else "running"
        frames = tuple(actor.frames)
        place = Place(self.path, line, 9, text)
        told = tuple(self._access(place, *access) for access in accesses)
        actor.variables |= variables
        if ends:
            actor.variables.clear()
        back = ((frames[-1].serial, returned),) if returned else ()
        self.events.append(
            Event(
                len(self.events) + 1,
                process,
                frames,
                text,
                note,
                place,
                told,
                self._snapshot(),
                back,
            )
        )

    def _access(
        self, place: Place, what: AccessKind, name: str, key: str = "", new: str = ""
    ) -> Access:
        thing = self.things.get(name)
        if thing is None:
            thing = self.things[name] = Thing(key or "Object", {})
        if what == "free":
            for other, view in self.things.items():
                view.freed |= name in {other, view.embedded_in}
        if what in {"alloc", "free"}:
            return Access(what, name, thing.kind, "", None, None, place)
        before = self._value(thing.fields.get(key, "0"))
        if what == "load":
            return Access(what, name, thing.kind, key, None, before, place)
        thing.fields[key] = new
        return Access(what, name, thing.kind, key, before, self._value(new), place)

    def block(self, process: str) -> None:
        """The process is found blocked at the end, inside the calls that it is inside of now."""
        self.actors[process].status = "blocked"

    def end(self, kind: str, message: str = "", **more: object) -> Trace:
        if self.events:
            self.events[-1] = replace(self.events[-1], after=self._snapshot())
        assert self.start is not None
        witness = (0, tuple((0, ()) for _ in self.events))
        violation = Violation(kind, message, **more)  # type: ignore[arg-type]
        digest = "5f1c0b7e" * 8
        return Trace(
            self.spec,
            digest,
            self.path,
            self.settings,
            self.start,
            tuple(self.events),
            violation,
            witness,
        )
