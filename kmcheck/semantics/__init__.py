"""The meaning of a program. Everything else is measured against this room."""

from kmcheck.semantics.execute import Machine, Oracle, State, Step
from kmcheck.semantics.faults import Blocked, BoundReached, Fault, Undecided
from kmcheck.semantics.properties import Failure, Judge

__all__ = [
    "Blocked",
    "BoundReached",
    "Failure",
    "Fault",
    "Judge",
    "Machine",
    "Oracle",
    "State",
    "Step",
    "Undecided",
]
