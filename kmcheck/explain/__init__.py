"""What a run means to its reader: which steps matter, in what words, and why it went wrong."""

from kmcheck.explain.changes import Change, changes
from kmcheck.explain.heap import Arrow, Heap, Shot, heap
from kmcheck.explain.history import Reason
from kmcheck.explain.names import comment, in_kernel, plain, ranges, where, wrapped
from kmcheck.explain.order import Span
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
    "changes",
    "comment",
    "evaluate",
    "explain",
    "heap",
    "in_kernel",
    "inner",
    "joined",
    "key_fields",
    "look",
    "plain",
    "ranges",
    "where",
    "wrapped",
]
