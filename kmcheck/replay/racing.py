"""The end of a run to a data race: both accesses could come next, and nothing orders them."""

from __future__ import annotations

from kmcheck.diagnostics import InternalError
from kmcheck.ir.program import DATA_RACE
from kmcheck.replay.teller import Teller
from kmcheck.semantics import State
from kmcheck.semantics.accesses import Accesses, Next
from kmcheck.solver import Solver
from kmcheck.trace import Violation


def racing(teller: Teller, states: list[State], actors: list[int], solver: Solver) -> Violation:
    """Return the violation that the last two steps of a run are.

    Raises:
        InternalError: they do not race.
    """
    if len(actors) < 2 or actors[-1] == actors[-2]:  # noqa: PLR2004 - it takes two
        raise InternalError("the witness of a data race does not end in two accesses")
    accesses = Accesses(teller.layout, solver.holds)
    state, (first, second) = states[-3], actors[-2:]
    one, other = (
        accesses.next(state, actor, plain=accesses.is_plain(state, actor))
        for actor in (first, second)
    )
    thing = one.races_with(other)
    if thing is None:
        raise InternalError("the witness was to end in a data race, and does not")
    kind, index, field = thing
    name = teller.names.of(kind, index)
    place = teller.names.member(kind, index, field)
    told = ", ".join(_told(teller, access, thing) for access in (one, other))
    message = f"{place}: {told}, and nothing orders them"
    return Violation(DATA_RACE, message, name, cause=len(actors) - 1)


def _told(teller: Teller, access: Next, thing: tuple[str, int, str]) -> str:
    what = "stores" if thing in access.written else "loads"
    how = "plainly" if access.plain else "marked"
    return f"{teller.names.process(access.actor)} {what} {how}"
