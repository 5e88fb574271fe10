"""What a run means to its reader: which steps matter, in what words, and why it went wrong."""

from kmcheck.explain.changes import Change, changes
from kmcheck.explain.heap import Arrow, Heap, Shot, heap
from kmcheck.explain.history import Reason
from kmcheck.explain.names import (
    call_text,
    comment,
    failing_place,
    in_kernel,
    in_library,
    plain,
    ranges,
    spec_place,
    where,
    wrapped,
)
from kmcheck.explain.order import Span
from kmcheck.explain.queued import queued_by
from kmcheck.explain.rows import Row, joined
from kmcheck.explain.states import Fact, Look, State, inner, key_fields, look
from kmcheck.explain.story import Column, Story, explain
from kmcheck.explain.why import Missing, evaluate

__all__ = [
    "Arrow",
    "Change",
    "Column",
    "Fact",
    "Heap",
    "Look",
    "Missing",
    "Reason",
    "Row",
    "Shot",
    "Span",
    "State",
    "Story",
    "call_text",
    "changes",
    "comment",
    "evaluate",
    "explain",
    "failing_place",
    "heap",
    "in_kernel",
    "in_library",
    "inner",
    "joined",
    "key_fields",
    "look",
    "plain",
    "queued_by",
    "ranges",
    "spec_place",
    "where",
    "wrapped",
]
