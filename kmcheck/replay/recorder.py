"""Listens to one step of the reference semantics, and keeps what it did in the spec's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Alloc, Assign, Free, Store
from kmcheck.ir.expr import Const, Expr, Load, Op, Var, walk
from kmcheck.ir.layout import Layout
from kmcheck.ir.types import PROCESS, ArrayOf, ListOf, Ref, SetOf, Type
from kmcheck.replay.names import Names
from kmcheck.replay.values import Values
from kmcheck.trace import Access, Place, Value


def place_of(span: Span) -> Place:
    """Return a span as a trace keeps it."""
    return Place(span.source.path, span.line, span.column, span.text)


NOBODY = "nothing"
"""What a change puts into a set, or takes out of it, that changes nothing."""
Call = tuple[str, int, int]
"""A process, an instance of it, and the serial of the place of a call in its code."""


@dataclass(slots=True)
class Note:
    """An access, with the text that a row of C shows for it."""

    access: Access
    text: str
    span: Span
    loaded: object = None
    comment: str = ""


@dataclass(slots=True)
class Recorder:
    """What one step did. `notes` are its accesses to objects, in order."""

    layout: Layout
    names: Names
    values: Values
    in_setup: bool = True
    notes: list[Note] = field(default_factory=list)
    came_back: list[tuple[str, Value]] = field(default_factory=list)
    """(function, value) of each call that returned from one of several places."""
    results: dict[Call, Value] = field(default_factory=dict)
    """What calls returned whose value was looked at."""
    kept: dict[Call, str] = field(default_factory=dict)
    """The spec's variables that such values were assigned to."""
    outermost: dict[int, int] = field(init=False)
    """Of each expression that is what calls return, the serial of the outermost."""
    allocations: list[tuple[str, int, str]] = field(default_factory=list)
    frees: list[tuple[str, int]] = field(default_factory=list)
    choices: dict[str, object] = field(default_factory=dict)
    way: list[tuple[str, int, int]] = field(default_factory=list)
    """The blocks that were run: of which process, and which instance of it."""

    def __post_init__(self) -> None:
        """Note where values of calls are assigned."""
        templates = self.layout.program.templates.values()
        self.outermost = {id(expr): serial for t in templates for expr, serial in t.results}

    @property
    def ends(self) -> set[Span]:
        """Where processes end, and what belongs to them is forgotten: nothing to tell."""
        return {template.span for template in self.layout.program.templates.values()}

    def begin(self) -> None:
        """Forget the step before."""
        self.notes = []
        self.came_back = []
        self.results, self.kept = {}, {}
        self.allocations = []
        self.frees = []
        self.choices = {}
        self.way = []

    def entered(self, template: str, instance: int, block: int) -> None:
        """Keep the way that a step goes."""
        self.way.append((template, instance, block))

    def loaded(self, kind: str, index: int, field: str, value: object, span: Span) -> None:
        """Keep a load."""
        info = self.layout.program.kinds[kind].fields[field]
        if self.in_setup or info.private:
            return
        after = self.values.of(info.type, value)
        access = Access(
            "load",
            self.names.of(kind, index),
            kind,
            field,
            None,
            after,
            place_of(span),
            ghost=info.ghost,
        )
        self.notes.append(Note(access, self.names.member(kind, index, field), span, value))

    def assigned(self, template: str, instance: int, instruction: Assign, value: object) -> None:
        """Give the load its variable's name; keep what calls return, and in which variable."""
        if self.in_setup:
            return
        call = self.outermost.get(id(instruction.value))
        if call is not None and not instruction.var.startswith("@"):
            name = instruction.var.split("@")[0].rstrip("'")
            self.kept.setdefault((template, instance, call), name)
        if instruction.var.startswith("@return"):
            kind = self.layout.program.templates[template].variables[instruction.var]
            if not _is_reset(instruction):
                self.came_back.append(
                    (
                        instruction.var.removeprefix("@return").rstrip("'"),
                        self.values.of(kind, value),
                    )
                )
            return
        if instruction.var.startswith("@") or not self.notes:
            return
        last = self.notes[-1]
        if (
            last.access.what == "load"
            and isinstance(instruction.value, Load)
            and instruction.value.span == last.span
        ):
            name = instruction.var.split("@")[0].rstrip("'")
            last.text = f"{name} = {last.text}"

    def stored(self, kind: str, index: int, instruction: Store, old: object, new: object) -> None:
        """Keep a store, as C would write it."""
        info = self.layout.program.kinds[kind].fields[instruction.field]
        if self.in_setup or info.private or instruction.span in self.ends:
            return
        before, after = self.values.of(info.type, old), self.values.of(info.type, new)
        update = _is_update(instruction)
        access = Access(
            "update" if update else "store",
            self.names.of(kind, index),
            kind,
            instruction.field,
            before,
            after,
            place_of(instruction.span),
            ghost=info.ghost,
        )
        place = self.names.member(kind, index, instruction.field)
        in_place = update or any(n.access.what == "load" and n.text == place for n in self.notes)
        change = self._change(place, instruction, info.type, old, new) if in_place else ""
        if update:
            self._forget_load(access)
        text = change or self._element(place, instruction.value, info.type, old, new)
        text = text or f"{place} = {after.text}"
        if update and old == new and isinstance(info.type, (SetOf, ListOf)):
            text = ""  # a member that was in already, or not in: there is nothing to see
        self.notes.append(Note(access, text, instruction.span))

    def _element(self, place: str, value: Expr, kind: Type, old: Any, new: Any) -> str:
        """Return the store of one element of an array as C: `k.a[0] = n#0`."""
        if not isinstance(kind, ArrayOf) or not isinstance(value, Op) or value.name != "array_set":
            return ""
        index = value.args[1]
        known = [index.value] if isinstance(index, Const) and isinstance(index.value, int) else []
        changed = known or [i for i, pair in enumerate(zip(old, new, strict=True)) if _differ(pair)]
        if len(changed) != 1 or not 0 <= changed[0] < len(new):
            return ""
        return f"{place}[{changed[0]}] = {self.values.of(kind.element, new[changed[0]]).text}"

    def _forget_load(self, access: Access) -> None:
        """Drop the load that is part of a read-modify-write."""
        for at in reversed(range(len(self.notes))):
            other = self.notes[at].access
            if (other.what, other.thing, other.field) == ("load", access.thing, access.field):
                del self.notes[at]
                return

    def _change(self, place: str, instruction: Store, kind: Type, old: Any, new: Any) -> str:
        """Return a change in place as C: `x->nr += 1`, `list_add(item, &x->list)`.

        Whom a primitive keeps in a set of processes is no entry of a list, and told in words.
        """
        value = instruction.value
        if not isinstance(value, Op):
            return ""
        own = not instruction.span.source.module
        if isinstance(kind, SetOf) and kind.element == PROCESS and not own and old != new:
            joined, left = self._difference(kind, old, new), self._difference(kind, new, old)
            who, verb = (joined, "joins") if joined != NOBODY else (left, "leaves")
            return f"/* {who} {verb} {place} */"
        match value.name:
            case "with" | "list_append" | "list_push":
                return f"list_add({self._difference(kind, old, new)}, &{place})"
            case "without" | "remove" | "list_remove" | "list_rest":
                return f"list_del({self._difference(kind, new, old)}, &{place})"
            case "union" | "list_concat":
                return f"list_splice({self._difference(kind, old, new)}, &{place})"
            case "form_add" | "form_sub":
                sign = "+=" if value.name == "form_add" else "-="
                delta = tuple(
                    (b - a) if sign == "+=" else (a - b) for a, b in zip(old, new, strict=True)
                )
                return f"{place} {sign} {self.values.form(delta)}"
            case "add" | "sub" if isinstance(old, int) and isinstance(new, int):
                down = new < old or (new == old and value.name == "sub")
                return f"{place} {'-=' if down else '+='} {abs(new - old)}"
        return ""

    def _difference(self, kind: Type, smaller: Any, larger: Any) -> str:
        if isinstance(larger, int):
            return self.values.of(kind, larger & ~smaller).text.strip("{}") or NOBODY
        element = getattr(kind, "element", None)
        fresh = [v for v in larger if v not in smaller]
        return (
            ", ".join(self.values.of(element, v).text for v in fresh)
            if isinstance(element, Ref)
            else "?"
        )

    def allocated(self, kind: str, index: int, instruction: Alloc) -> None:
        """Keep that an object begins to live."""
        self.allocations.append((kind, index, instruction.name))
        if self.in_setup:
            return
        former = self.names.former.get((kind, index))
        name = self.names.number(kind, index)
        access = Access("alloc", name, kind, "", None, None, place_of(instruction.span))
        plain = kind.partition("(")[0].lower()
        function = "kzalloc" if instruction.zeroed else "kmalloc"
        note = Note(access, f"{name} = {function}({plain})", instruction.span)
        note.comment = f"at the address of {former}" if former else ""
        self.notes.append(note)

    def freed(self, kind: str, index: int, instruction: Free) -> None:
        """Keep that an object's life ended."""
        self.frees.append((kind, index))
        if self.in_setup:
            return
        name = self.names.of(kind, index)
        access = Access("free", name, kind, "", None, None, place_of(instruction.span))
        self.notes.append(Note(access, f"kfree({name})", instruction.span))

    def chosen(self, var: str, value: object) -> None:
        """Keep what was chosen: the parameters of an action are."""
        self.choices[var] = value

    def returned(
        self, template: str, instance: int, serial: int, kind: Type, value: object
    ) -> None:
        """Keep what a call returned."""
        self.results.setdefault((template, instance, serial), self.values.of(kind, value))

    def spawned(self, template: str, instance: int) -> None:
        """Name a process that starts."""
        number = self.layout.first_process[template] + instance
        self.names.start(number, in_setup=self.in_setup)


def _differ(pair: tuple[object, object]) -> bool:
    return pair[0] != pair[1]


def _is_update(instruction: Store) -> bool:
    """Tell whether a store depends on what the same field held: a read-modify-write."""
    return any(
        isinstance(e, Load)
        and e.field == instruction.field
        and e.kind == instruction.kind
        and e.ref == instruction.ref
        for e in walk(instruction.value)
    )


def _is_reset(instruction: Assign) -> bool:
    return (
        not isinstance(instruction.value, (Load, Op, Var))
        and instruction.value.span == instruction.span
    )
