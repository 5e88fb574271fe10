"""Sentences about steps, and counts of references in them: what all that is told is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmcheck.explain.names import Family, plain, primitive, spec_place, where
from kmcheck.trace import Access, Event, Value

PUT = re.compile(r"(^|_)put($|_)|dec_and_test|sub_and_test")
REFERENCES = re.compile(r"ref|count", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence, and the number of the step that it is about."""

    number: int | None
    text: str


def said(event: Event, text: str, *, inside: bool = True) -> Reason:
    """Return a sentence about what a process does in a step, and in which primitive, if wanted."""
    frame = primitive(event) if inside else None
    by = f" in {frame.function}()" if frame else ""
    place = where(spec_place(event))
    return Reason(event.number, plain(f"{event.process} {f'{text}{by}'.rstrip(',')} ({place})"))


def told(event: Event, accesses: tuple[Access, ...], family: Family) -> Reason:
    """Return the sentence about what a step changes."""
    return said(event, " and ".join(_verb(event, access, family) for access in accesses))


def _verb(event: Event, access: Access, family: Family) -> str:
    name, after = family.member(access.thing, access.field), text_of(access.after)
    before, now = number(access, after=False), number(access, after=True)
    if drops_last_in(event, access):
        return f"drops the last reference, {name},"
    if before is None or now is None:
        return f"sets {name} to {after}"
    return f"{'raises' if now > before else 'lowers'} {name} to {after}"


# --- counts -----------------------------------------------------------------------------------


def drops_last(event: Event) -> bool:
    """Tell whether the step is a put that brings a reference count from one to zero."""
    return any(drops_last_in(event, access) for access in event.accesses)


def drops_last_in(event: Event, access: Access) -> bool:
    """Tell whether the access is such a put."""
    puts = any(PUT.search(frame.function) for frame in event.frames)
    counts = REFERENCES.search(access.field) and (puts or "ref" in access.kind.lower())
    down = number(access, after=False) == 1 and number(access, after=True) == 0
    return access.what in {"store", "update"} and bool(counts) and down


def is_count(access: Access) -> bool:
    """Tell whether an access is to a number of references."""
    counts = REFERENCES.search(access.field) or "ref" in access.kind.lower()
    return bool(counts) and number(access, after=True) is not None


def rises(access: Access) -> bool:
    """Tell whether an access makes a number larger."""
    before, after = number(access, after=False), number(access, after=True)
    return before is not None and after is not None and after > before


def number(access: Access, *, after: bool) -> int | None:
    """Return the number that an access leaves, or finds; None if it is none."""
    text = text_of(access.after if after else access.before)
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def text_of(value: Value | None) -> str:
    """Return a value as text, nothing where there is none."""
    return value.text if value else ""
