"""What a run means to its reader: which steps matter, in what words, and why it went wrong."""

from kmcheck.explain.changes import Change, changes
from kmcheck.explain.names import comment, plain, where
from kmcheck.explain.order import Span
from kmcheck.explain.rows import Row
from kmcheck.explain.story import Column, Story, explain
from kmcheck.explain.why import Missing, Reason

__all__ = [
    "Change",
    "Column",
    "Missing",
    "Reason",
    "Row",
    "Span",
    "Story",
    "changes",
    "comment",
    "explain",
    "plain",
    "where",
]
