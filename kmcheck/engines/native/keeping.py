"""Keeps a search as a checkpoint, and goes on from one: with the same counts as without."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kmcheck.claims import Claims
from kmcheck.diagnostics import UsageError
from kmcheck.engines.native.checkpoint import Saved, save
from kmcheck.engines.native.context import COUNTED, JUDGED, PLACES
from kmcheck.engines.native.packing import Widths
from kmcheck.engines.native.states import States
from kmcheck.semantics import Machine
from kmcheck.solver import Solver
from kmcheck.verdict import Checkpoints, Claim, Witness

PATIENCE = 20
"""Times as long as writing took that a search goes on before it is kept again."""


class Keeping:
    """Writes checkpoints now and then, as long as that costs little."""

    def __init__(self, wanted: Checkpoints) -> None:
        self.wanted = wanted
        self.next = time.monotonic() + wanted.every
        self.ended = ""
        """Where the whole search has been kept, now that it has ended."""

    def is_due(self) -> bool:
        """Tell whether it is time to write one."""
        return self.wanted.keep is not None and time.monotonic() >= self.next

    def check(self) -> None:
        """Find out now whether a checkpoint can be written later.

        Raises:
            UsageError: it cannot.
        """
        if self.wanted.keep is None:
            return
        folder = Path(self.wanted.keep).absolute().parent
        if not os.access(folder, os.W_OK) or Path(self.wanted.keep).is_dir():
            raise UsageError(f"cannot write {self.wanted.keep}", "name a file in a folder of yours")

    def keep(self, states: States, header: Callable[[], dict[str, Any]]) -> None:
        """Write one, if any are wanted.

        Raises:
            UsageError: it cannot be written.
        """
        if self.wanted.keep is None:
            return
        began = time.monotonic()
        about = {"identity": self.wanted.identity, **header()}
        save(self.wanted.keep, about, states.arrays())
        took = time.monotonic() - began
        self.next = time.monotonic() + max(self.wanted.every, PATIENCE * took)


def described(
    states: States, machine: Machine, claims: Claims, solver: Solver, widths: Widths
) -> dict[str, Any]:
    """Return what a checkpoint says besides the states, as JSON does."""
    return {
        "words": states.words,
        "widths": [[*key, step] for key, step in widths.items()],
        "states": states["states"],
        "next": states["next"],
        "counted": {name: states.total(name) for name in COUNTED},
        "judged": [states.judged(n) for n in range(states.properties)],
        "origins": states.origins,
        "seen": sorted(states.seen),
        "noted": {name: flags.hex() for name, flags in machine.noted.items()},
        "queries": solver.queries,
        "claims": [_told(c) for c in claims.claims.values()],
        "bounds": sorted(claims.bounds),
        "beyond": sorted(claims.beyond),
        "undefined": claims.undefined,
    }


def _told(claim: Claim) -> list[Any]:
    return [claim.violation, claim.witness.initial, claim.witness.steps]


def widths(saved: Saved) -> Widths:
    """Return how wide the cells are in a checkpoint."""
    found: Widths = {}
    for where, owner, name, step in saved.header["widths"]:
        found[where, owner, name] = step
    return found


def restore(
    saved: Saved, states: States, machine: Machine, claims: Claims, solver: Solver
) -> list[tuple[int, ...]]:
    """Put everything back but the tables, and return the events that have not been settled.

    Raises:
        UsageError: the file is damaged.
        MemoryError: there is no room for so many states.
    """
    told = saved.header
    if told["states"] > states.most:
        raise MemoryError
    states["states"], states["next"] = told["states"], told["next"]
    first = states.contexts[0]
    for name in COUNTED:
        first[PLACES[name]] = told["counted"][name]
    for number, times in enumerate(told["judged"]):
        first[JUDGED + number] = times
    states.origins[:] = told["origins"]
    states.forestall(map(tuple, told["seen"]))
    saved.fill(states.arrays())
    for name, text in told["noted"].items():
        machine.noted[name][:] = bytes.fromhex(text)
    solver.queries += told["queries"]
    for violation, initial, steps in told["claims"]:
        run = tuple((process, tuple(choices)) for process, choices in steps)
        claims.claims[violation] = Claim(violation, Witness(initial, run))
    claims.bounds |= set(told["bounds"])
    claims.beyond |= set(told["beyond"])
    claims.undefined.update(told["undefined"])
    return [tuple(event) for event in told["pending"]]
