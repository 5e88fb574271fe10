"""Replays a witness step by step in the reference semantics: it must end as was claimed."""

from __future__ import annotations

from dataclasses import replace

from kmcheck.diagnostics import InternalError
from kmcheck.ir.program import DATA_RACE
from kmcheck.replay.ending import Ending
from kmcheck.replay.endless import Endless
from kmcheck.replay.lost import lost_at
from kmcheck.replay.racing import racing
from kmcheck.replay.teller import Teller
from kmcheck.semantics import Fault
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from kmcheck.trace import Trace
from kmcheck.verdict import Claim


def replay(
    system: TransitionSystem,
    claim: Claim,
    settings: tuple[tuple[str, str], ...],
    solver: Solver,
    *,
    readable: bool = True,
) -> Trace:
    """Return the trace that a claim stands for; if it is to be read, with where all was lost.

    Raises:
        InternalError: the run is not one of the system's, or does not end in the violation.
    """
    teller = Teller(system, solver)
    actors = [number for number, _ in claim.witness.steps]
    teller.start(claim.witness.initial, actors)
    fault: Fault | None = None
    ending = Ending(teller, solver)
    states = [teller.state]
    for at, (number, choices) in enumerate(claim.witness.steps):
        if fault is not None:
            raise InternalError(f"the witness goes on after a {fault.kind}")
        if ending.has_come(claim.violation):
            raise InternalError(f"the witness goes on where {claim.violation} is violated already")
        fault = teller.step(at + 1, number, choices)
        states.append(teller.state)
    if claim.violation == DATA_RACE and fault is None:
        violation = racing(teller, states, actors, solver)
    elif claim.witness.loop is None:
        violation = ending.verdict(claim.violation, fault)
        looked = readable and fault is None
        lost = lost_at(system, states, claim.violation, solver) if looked else None
        violation = replace(violation, lost=None if lost == len(actors) else lost)
    else:
        violation = Endless(teller, states, claim).verdict()
    program = system.program
    return Trace(
        program.name,
        program.digest,
        program.source.path,
        settings,
        teller.initial,
        tuple(teller.events),
        violation,
        (claim.witness.initial, claim.witness.steps),
        claim.witness.loop,
    )
