"""Random walks through a system: what they meet is there, and nothing is said of the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

from kmcheck.semantics import Fault, Machine, State, Step
from kmcheck.semantics.faults import Undecided
from kmcheck.solver import Undecided as SolverUndecided
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Claim, Witness


def failing_steps(
    system: TransitionSystem, machine: Machine, *, walks: int, depth: int, seed: int = 0
) -> Iterator[tuple[Fault, Claim]]:
    """Yield the steps in which random walks could have failed, each with the run up to there.

    A walk goes on by another step, if there is one, until it has taken `depth` of them. Who takes
    a step is drawn first, and then which, so that those with few choices are not left behind. The
    same seed gives the same walks.
    """
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    everybody = range(len(machine.actors))
    for _ in range(walks):
        number = draw.randrange(len(system.initial))
        state: State | None = system.initial[number][1]
        run: list[tuple[int, tuple[int, ...]]] = []
        while state is not None and len(run) < depth:
            before, state = state, None
            for actor in draw.sample(everybody, len(everybody)):
                possible = _steps(machine, before, actor)
                for step in possible:
                    if step.fault is not None:
                        witness = Witness(number, (*run, (actor, step.choices)))
                        yield step.fault, Claim(step.fault.kind, witness)
                ways = [(step.choices, step.state) for step in possible if step.fault is None]
                if ways:
                    choices, state = draw.choice(ways)
                    run.append((actor, choices))
                    break


def _steps(machine: Machine, state: State, actor: int) -> list[Step]:
    """Return the steps that can be taken: what cannot be, a search will meet, and tell."""
    with suppress(Undecided, SolverUndecided):
        return machine.possible(state, actor)
    return []
