"""Encoded values as text in C's spelling, and a whole state as a snapshot."""

from __future__ import annotations

from typing import Any

from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.types import (
    ArrayOf,
    Bool,
    Counter,
    EnumType,
    Function,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
    first_code,
)
from kmcheck.replay.names import Names
from kmcheck.semantics import State
from kmcheck.semantics.operations import members
from kmcheck.trace import ObjectView, Value


class Values:
    """Writes values with the names that things have now."""

    def __init__(self, layout: Layout, names: Names) -> None:
        self.layout = layout
        self.names = names

    def of(self, kind: Type, value: Any) -> Value:
        """Return a value as text, with the objects that it points to."""
        if isinstance(value, int) and value == UNINITIALISED:
            return Value("<uninitialised>")
        match kind:
            case Ref(kind=name):
                return self._reference(name, value)
            case Bool():
                return Value("true" if value else "false")
            case EnumType(members=options):
                return Value(options[value])
            case ProcessId():
                return Value(self.names.process(value - 1) if value else "NULL")
            case Function(key=key):
                known = self.layout.program.functions.get(key, ())
                return Value(known[value - 1].rpartition(".")[2] if value else "NULL")
            case SetOf(element=element):
                parts = [self.of(element, v) for v in members(value, first_code(element))]
                return _group("{", parts, "}")
            case ListOf(element=element) | ArrayOf(element=element):
                return _group("[", [self.of(element, v) for v in value], "]")
            case Size():
                return Value(f"size({self.names.symbol(value)})" if value else "0")
            case Counter():
                return Value(self.form(value))
            case _:
                return Value(str(value))

    def _reference(self, kind: str, value: int) -> Value:
        if not value:
            return Value("NULL")
        stale = bool(value & 1)
        name = self.names.of(kind, (value >> 1) - 1, stale=stale)
        return Value(name, (name,), (name,) if stale else ())

    def form(self, form: tuple[int, ...]) -> str:
        """Return a linear form: `size(page#0) + 2*size(page#1) - 3`."""
        if isinstance(form, int):
            return str(form)
        text = ""
        terms = [(c, f"size({self.names.symbol(i)})") for i, c in enumerate(form) if i and c]
        for coefficient, symbol in terms:
            amount = symbol if abs(coefficient) == 1 else f"{abs(coefficient)}*{symbol}"
            sign = (
                ("-" if coefficient < 0 else "")
                if not text
                else (" - " if coefficient < 0 else " + ")
            )
            text += f"{sign}{amount}"
        if form[0] or not text:
            sign = "" if not text else (" - " if form[0] < 0 else " + ")
            text += f"{sign}{abs(form[0]) if text else form[0]}"
        return text


def _group(left: str, parts: list[Value], right: str) -> Value:
    text = left + ", ".join(p.text for p in parts) + right
    targets = tuple(dict.fromkeys(t for p in parts for t in p.targets))
    stale = tuple(dict.fromkeys(t for p in parts for t in p.stale))
    return Value(text, targets, stale)


class Camera:
    """Takes snapshots of states."""

    def __init__(self, layout: Layout, values: Values) -> None:
        self.layout = layout
        self.values = values
        self.gone: dict[str, ObjectView] = {}
        """Freed objects, as they are shown from then on."""

    def objects(self, state: State) -> tuple[ObjectView, ...]:
        """Return every object that lives, and those that did."""
        views: dict[str, ObjectView] = {}
        for kind in self.layout.program.kinds:
            for group in self.layout.groups[kind]:
                if group.role == "process":
                    continue
                for index in range(group.base, group.base + group.count):
                    life = self.layout.life_slot(kind, index)
                    if life is None or state[life]:
                        view = self._object(
                            kind, index, group.role, group.container, group.base, state
                        )
                        views[view.name] = view
        for name, view in self.gone.items():
            views.setdefault(name, view)
        return tuple(views.values())

    def _object(
        self, kind: str, index: int, role: str, container: str, base: int, state: State
    ) -> ObjectView:
        names = self.values.names
        fields = tuple(
            (name, self.values.of(info.type, state[self.layout.fields[kind, name] + index]))
            for name, info in self.layout.program.kinds[kind].fields.items()
        )
        outer = names.of(container, index - base) if role == "embedded" else None
        plain = kind.partition("(")[0]
        return ObjectView(
            names.of(kind, index), plain, "live", fields, outer, role in ("global", "cpu")
        )

    def bury(self, state: State, parts: list[tuple[str, int]]) -> None:
        """Keep freed objects in the picture, as they were when they were freed."""
        for view in self.objects(state):
            if view.name in {self.values.names.of(*part) for part in parts}:
                freed = ObjectView(
                    view.name, view.kind, "freed", view.fields, view.embedded_in, view.is_global
                )
                self.gone[view.name] = freed
