"""What state an object is in, in a few words: live, dying or freed, and the fields that matter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from kmcheck.explain.names import points_to
from kmcheck.explain.story import Story
from kmcheck.trace import ObjectView, Snapshot, Value

State = Literal["absent", "live", "dying", "freed"]

ENDING = re.compile(r"dying|dead|offline|killed", re.IGNORECASE)
LIVING = re.compile(r"online|alive|active", re.IGNORECASE)
MOST = 5
"""Fields of an object that are told."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of an object or of what is embedded in it: `kmem.usage`, and its value."""

    field: str
    value: Value

    @property
    def text(self) -> str:
        """The fact in one line; a pointer to what was freed says so."""
        return f"{self.field} = {self.value.text}{' (freed)' if self.value.stale else ''}"


@dataclass(frozen=True, slots=True)
class Look:
    """An object at one moment."""

    state: State
    facts: tuple[Fact, ...] = ()


def key_fields(story: Story, name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields, as (owner, field), that matter, in the order in which they come up.

    The violation names them, a row changes them, or finds the failing object in them.
    """
    if not story.rows:
        return tuple((name, field) for field, _ in story.family.views[name].fields)
    told = [
        access
        for row in story.rows
        for access in story.accesses(row)
        if access.field and story.family.root(access.thing) == name
    ]
    named = {
        (view.name, field): None
        for view in story.family.views.values()
        for field, _ in view.fields
        if story.family.root(view.name) == name
        and story.family.member(view.name, field) in story.trace.violation.message
    }
    stored = {(a.thing, a.field): None for a in told if a.what != "load"}
    loaded = {(a.thing, a.field): None for a in told if points_to(a.after, story.things)}
    return tuple(dict.fromkeys((*named, *stored, *loaded)))[:MOST]


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
    path = owner.removeprefix(container).replace("->", ".").removeprefix(".")
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
    was_true = before is not None and before.text == "true"
    lost = LIVING.search(field) and value.text == "false" and was_true
    flag = ENDING.search(field) and value.text == "true"
    return bool(lost or flag or ENDING.fullmatch(value.text.rpartition(".")[2]))
