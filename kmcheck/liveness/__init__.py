"""Runs that never end: is there a fair one on which something owed never comes?

Decided on the graph of all states. Who takes which step is on its edges; what is owed to whom is
told by each state (`semantics.obligations`).
"""

from kmcheck.liveness.decide import Source
from kmcheck.liveness.graph import Graph
from kmcheck.liveness.judge import Failed, Steps, fairness, judge_runs, obligations, told

__all__ = [
    "Failed",
    "Graph",
    "Source",
    "Steps",
    "fairness",
    "judge_runs",
    "obligations",
    "told",
]
