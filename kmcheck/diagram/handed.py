"""The spec's own global objects that primitives change: a wait queue, a workqueue.

What a primitive keeps for itself is no part of the design, and so has no bar. But a global that the
spec hands to it (`wait_event(memcg_wq, ...)`) is the design's, and a bug may be about nothing else.
A lock is drawn on the lanes that hold it.
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.explain import Row, Story
from kmcheck.trace import Access

HOLDERS = frozenset({"owner", "writer", "readers"})
"""The fields of a lock that say who holds it."""


def widened(story: Story) -> Story:
    """Return the story with such objects in its cast, behind what is there already."""
    return replace(story, cast=tuple(dict.fromkeys((*story.cast, *_changed(story)))))


def accesses(story: Story, row: Row) -> tuple[Access, ...]:
    """Return what the row does to such an object."""
    found = _of(story, row)
    names = _changed(story) if found else {}
    return tuple(access for access in found if story.family.root(access.thing) in names)


def fields(story: Story, name: str) -> tuple[tuple[str, str], ...]:
    """Return the fields of such an object that change, as (owner, field); none of another."""
    return tuple(_changed(story).get(name, {}))


def _changed(story: Story) -> dict[str, dict[tuple[str, str], None]]:
    """Return the objects, each with its fields that change, and those of what is embedded in it."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for access in (a for row in story.rows for a in _of(story, row) if a.what != "load"):
        root = story.family.root(access.thing)
        found.setdefault(root, {})[access.thing, access.field] = None
    return found


def _of(story: Story, row: Row) -> tuple[Access, ...]:
    """Return what the row does to global objects inside of calls that were given them."""
    locks = {span.what for span in story.spans}
    return tuple(
        access
        for event in (story.trace.events[index] for index in row.events)
        for access in event.accesses
        if not access.ghost
        and access.thing not in locks
        and access.field not in HOLDERS
        and access.thing in {a.lstrip("&") for frame in event.frames for a in frame.arguments}
        and access.thing in story.family.views
        and story.family.is_global(access.thing)
    )
