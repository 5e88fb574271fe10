"""What state an object is in, in a few words: live, dying or freed, and the fields that matter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from kmcheck.explain.story import Story
from kmcheck.trace import ObjectView, Snapshot, Value

State = Literal["absent", "live", "dying", "freed"]

ENDING = re.compile(r"dying|dead|offline|killed", re.IGNORECASE)
LIVING = re.compile(r"online|alive|active", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of an object or of what is embedded in it: `kmem.usage`, and its value."""

    field: str
    value: Value

    @property
    def text(self) -> str:
        """The fact in one line."""
        return f"{self.field} = {self.value.text}"


@dataclass(frozen=True, slots=True)
class Look:
    """An object at one moment."""

    state: State
    facts: tuple[Fact, ...] = ()


def key_fields(story: Story, name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields, as (owner, field), that a row changes or finds another object in."""
    if not story.rows:
        return tuple((name, field) for field, _ in story.family.views[name].fields)
    found = {
        (access.thing, access.field): None
        for row in story.rows
        for index in row.events
        for access in story.trace.events[index].accesses
        if not access.ghost
        and access.field
        and story.family.root(access.thing) == name
        and (access.what != "load" or _leads(story, access.after))
        and story.concerns(row)
    }
    return tuple(found)


def _leads(story: Story, value: Value | None) -> bool:
    targets = value.targets if value else ()
    return any(story.family.root(target) in story.cast for target in targets)


def look(story: Story, name: str, fields: tuple[tuple[str, str], ...], state: Snapshot) -> Look:
    """Return the state of an object, and the values of `fields`."""
    views = {view.name: view for view in state.objects}
    view = views.get(name)
    if view is None:
        return Look("absent")
    if view.life == "freed":
        return Look("freed")
    facts = tuple(
        fact
        for owner, field in fields
        if owner in views and not ENDING.search(field)
        for fact in _fact(views[owner], name, field)
    )
    parts = [v for v in views.values() if story.family.root(v.name) == name]
    return Look("dying" if _is_dying(story, parts) else "live", facts)


def _fact(view: ObjectView, name: str, field: str) -> tuple[Fact, ...]:
    value = dict(view.fields).get(field)
    return (Fact(inner(view.name, name, field), value),) if value else ()


def inner(owner: str, container: str, field: str) -> str:
    """Return a field as seen from the container: `kmem.usage` of `child->kmem` in `child`."""
    path = owner.removeprefix(container).removeprefix("->").replace("->", ".")
    return f"{path}.{field}" if path else field


def _is_dying(story: Story, parts: list[ObjectView]) -> bool:
    """Tell whether a flag has changed that says so: `dying`, `DEAD`, `online`."""
    first = {view.name: dict(view.fields) for view in story.trace.initial.objects}
    return any(
        _ends(field, value, first.get(view.name, {}).get(field))
        for view in parts
        for field, value in view.fields
    )


def _ends(field: str, value: Value, before: Value | None) -> bool:
    if before is not None and before.text == value.text:
        return False
    lost = LIVING.search(field) and value.text in {"false", "0"} and before is not None
    flag = ENDING.search(field) and value.text in {"true", "1"}
    return bool(lost or flag or ENDING.fullmatch(value.text.rpartition(".")[2]))
