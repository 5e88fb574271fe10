"""The end of a run to a data race: both accesses could come next, and nothing orders them."""

from __future__ import annotations

from kmcheck.diagnostics import InternalError
from kmcheck.ir.program import DATA_RACE
from kmcheck.replay.teller import Teller
from kmcheck.semantics import State
from kmcheck.semantics.accesses import Accesses, Next, Thing
from kmcheck.solver import Solver
from kmcheck.trace import Violation


def racing(teller: Teller, states: list[State], actors: list[int], solver: Solver) -> Violation:
    """Return the violation that the last two steps of a run are, or the last one and who waits.

    Raises:
        InternalError: they do not race.
    """
    accesses = Accesses(teller.layout, solver.holds)
    found = _two(accesses, states, actors) or _waited_for(accesses, states, actors)
    if found is None:
        raise InternalError("the witness was to end in a data race, and does not")
    one, other, thing = found
    kind, index, field = thing
    name = teller.names.of(kind, index)
    place = teller.names.member(kind, index, field)
    told = ", ".join(_told(teller, access, thing) for access in (one, other))
    message = f"{place}: {told}, and nothing orders them"
    return Violation(DATA_RACE, message, name, cause=len(actors) - 1)


Race = tuple[Next, Next, Thing]
"""Two accesses, and the field that they race for."""


def _two(accesses: Accesses, states: list[State], actors: list[int]) -> Race | None:
    """Return the race of the last two steps, if they are one."""
    if len(actors) < 2 or actors[-1] == actors[-2]:  # noqa: PLR2004 - it takes two
        return None
    one, other = (
        accesses.next(states[-3], actor, plain=accesses.is_plain(states[-3], actor))
        for actor in actors[-2:]
    )
    thing = one.races_with(other)
    return None if thing is None else (one, other, thing)


def _waited_for(accesses: Accesses, states: list[State], actors: list[int]) -> Race | None:
    """Return the race of the last step with somebody who looks, if there is one."""
    if not actors:
        return None
    state = states[-2]
    one = accesses.next(state, actors[-1], plain=accesses.is_plain(state, actors[-1]))
    for other in accesses.waiting(state):
        if (thing := one.races_with(other)) is not None:
            return one, other, thing
    return None


def _told(teller: Teller, access: Next, thing: tuple[str, int, str]) -> str:
    what = "stores" if thing in access.written else "loads"
    how = "plainly" if access.plain else "marked"
    return f"{teller.names.process(access.actor)} {what} {how}"
