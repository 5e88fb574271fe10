"""A table over bounds and choices: what comes of a spec with each of their combinations."""

from kmcheck.sweep.axes import Axis, along, axes
from kmcheck.sweep.plot import chart
from kmcheck.sweep.run import sweep
from kmcheck.sweep.table import SKIPPED, WRONG, Cell, Fit, Line, Measured, Sweep

__all__ = [
    "SKIPPED",
    "WRONG",
    "Axis",
    "Cell",
    "Fit",
    "Line",
    "Measured",
    "Sweep",
    "along",
    "axes",
    "chart",
    "sweep",
]
