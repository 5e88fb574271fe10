"""Locks that one process holds at once stand side by side: which place each of them has."""

from __future__ import annotations

from kmcheck.explain import Span, Story

LOCK = 5.0
GAP = 1.0
MOST = 40.0
"""What they may have to the left of the lifeline; if they are many, they stand closer."""


def is_drawn(story: Story, span: Span) -> bool:
    """Tell whether a lock, or what is like one, spans more than one row."""
    first = story.row_of(span.first)
    if span.sort in {"read", "grace"} or first is None:
        return False
    if span.last is None:
        return True
    last = story.row_of(span.last)
    return last is not None and (span.sort == "irq" or first < last)


def places(story: Story) -> dict[Span, int]:
    """Return for each lock the place, 0 on the lifeline, that none has who is held with it."""
    found: dict[Span, int] = {}
    for span in (span for span in story.spans if is_drawn(story, span)):
        taken = {
            place
            for other, place in found.items()
            if other.process == span.process and (other.last is None or other.last > span.first)
        }
        found[span] = next(n for n in range(len(taken) + 1) if n not in taken)
    return found


def pitch(most: int) -> float:
    """Return how far apart they stand, if so many are held at once."""
    return min(LOCK + GAP, MOST / max(1, most - 1))


def deepest(story: Story, process: str) -> int:
    """Return how many a process has beside each other."""
    return max((n + 1 for span, n in places(story).items() if span.process == process), default=0)
