"""The state graph: all states and steps, and what is left of them when like states are merged."""

from kmcheck.stategraph.fields import Views
from kmcheck.stategraph.form import MOST, Form, summary
from kmcheck.stategraph.quotient import Arrow, Knot, Quotient, merge
from kmcheck.stategraph.space import Space, Way, explore, follow

__all__ = [
    "MOST",
    "Arrow",
    "Form",
    "Knot",
    "Quotient",
    "Space",
    "Views",
    "Way",
    "explore",
    "follow",
    "merge",
    "summary",
]
