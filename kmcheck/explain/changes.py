"""What one step changed in the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kmcheck.trace import ObjectView, ProcessView, Snapshot, Value

Sort = Literal["field", "variable", "alloc", "free", "gone", "start", "end"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of `owner` (an object or a process) the `field`, before and after.

    What is embedded comes and goes with its container, and a process's variables with the process.
    """

    sort: Sort
    owner: str
    field: str = ""
    before: Value | None = None
    after: Value | None = None


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Return what is different, objects first, in the order of the spec's declarations."""
    return (*_of_objects(before, after), *_of_processes(before, after))


def _of_objects(before: Snapshot, after: Snapshot) -> list[Change]:
    old = {view.name: view for view in before.objects}
    found = [change for view in after.objects for change in _of_object(old.get(view.name), view)]
    names = {view.name for view in after.objects}
    gone = [n for n, view in old.items() if n not in names and view.embedded_in is None]
    return [*found, *(Change("gone", name) for name in gone)]


def _of_object(old: ObjectView | None, new: ObjectView) -> list[Change]:
    whole = new.embedded_in is None
    if old is None:
        first = [Change("alloc", new.name)] if whole else []
        return first + [Change("field", new.name, f, None, v) for f, v in new.fields if _says(v)]
    freed = whole and new.life == "freed" and old.life == "live"
    first = [Change("free", new.name)] if freed else []
    return first + _of_fields("field", new.name, old.fields, new.fields)


def _of_processes(before: Snapshot, after: Snapshot) -> list[Change]:
    old = {view.name: view for view in before.processes}
    found = [change for view in after.processes for change in _of_process(old.get(view.name), view)]
    names = {view.name for view in after.processes}
    return [*found, *(Change("end", n) for n, v in old.items() if n not in names and _runs(v))]


def _of_process(old: ProcessView | None, new: ProcessView) -> list[Change]:
    if _runs(old) and not _runs(new):
        return [Change("end", new.name)]
    first = [] if _runs(old) else [Change("start", new.name)]
    variables = old.variables if old else ()
    found = _of_fields("variable", new.name, variables, new.variables)
    return [*first, *found] if _runs(new) else found


def _runs(view: ProcessView | None) -> bool:
    return view is not None and view.status != "ended"


def _of_fields(
    sort: Literal["field", "variable"],
    owner: str,
    old: tuple[tuple[str, Value], ...],
    new: tuple[tuple[str, Value], ...],
) -> list[Change]:
    """A value has changed when its text has; that it went stale is told by the free."""
    values, now = dict(old), dict(new)
    names = [*now, *(name for name in values if name not in now)]
    pairs = [(name, values.get(name), now.get(name)) for name in names]
    return [Change(sort, owner, n, a, b) for n, a, b in pairs if _text(a) != _text(b)]


def _text(value: Value | None) -> str | None:
    return None if value is None else value.text


def _says(value: Value) -> bool:
    return value.text not in {"NULL", "0", "false", "{}", "[]", ""}
