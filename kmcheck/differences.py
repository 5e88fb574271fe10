"""What a step changes in the state, in words: for every picture that tells it step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kmcheck.explain import Change, Story, changes, plain
from kmcheck.trace import Snapshot, Value

WORDS = {
    "alloc": "is allocated",
    "free": "is freed",
    "gone": "is gone",
    "start": "starts",
    "end": "ends",
}
ZERO = frozenset({"NULL", "0", "false", "{}", "[]"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference: `-` what `name` was, `+` what it is, `!` what becomes of it."""

    sign: Literal["-", "+", "!"]
    name: str
    text: str


def differences(story: Story, before: Snapshot, after: Snapshot) -> tuple[Line, ...]:
    """Return what is different, objects first, in the order of the spec's declarations."""
    return tuple(line for change in changes(before, after) for line in _change(story, change))


def contents(story: Story, state: Snapshot, *, full: bool) -> tuple[tuple[str, str], ...]:
    """Return all fields and variables with their values; those that are zero only if `full`."""
    fields = [
        (story.family.member(view.name, name), value.text)
        for view in state.objects
        for name, value in view.fields
    ]
    fields += [
        (f"{view.name}: {name}", value.text)
        for view in state.processes
        for name, value in view.variables
    ]
    return tuple((plain(name), plain(text)) for name, text in fields if full or text not in ZERO)


def _change(story: Story, change: Change) -> tuple[Line, ...]:
    if change.sort not in {"field", "variable"}:
        return (Line("!", plain(change.owner), WORDS[change.sort]),)
    name = _name(story, change)
    old, new = _value(change.before), _value(change.after)
    lines = (Line("-", name, old), Line("+", name, new))
    return tuple(line for line in lines if line.text)


def _name(story: Story, change: Change) -> str:
    if change.sort == "variable":
        return plain(f"{change.owner}: {change.field}")
    return story.family.member(change.owner, change.field)


def _value(value: Value | None) -> str:
    return plain(value.text) if value else ""
