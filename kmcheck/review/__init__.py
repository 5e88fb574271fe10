"""The evidence for a design review: what to verify, and the pages and files that tell of it."""

from kmcheck.review.bundle import build, write
from kmcheck.review.check import current, differences
from kmcheck.review.plan import PLAN, Plan, first, located, read
from kmcheck.review.statement import NAME as STATEMENT
from kmcheck.review.study import Pace

__all__ = [
    "PLAN",
    "STATEMENT",
    "Pace",
    "Plan",
    "build",
    "current",
    "differences",
    "first",
    "located",
    "read",
    "write",
]
