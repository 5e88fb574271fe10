"""The meaning of a program. Everything else is measured against this room."""

from kmcheck.semantics.faults import Blocked, BoundReached, Fault, Undecided
from kmcheck.semantics.machine import Machine, State, Step
from kmcheck.semantics.properties import Failure, Judge

__all__ = [
    "Blocked",
    "BoundReached",
    "Failure",
    "Fault",
    "Judge",
    "Machine",
    "State",
    "Step",
    "Undecided",
]
