"""Where a run may go round for ever without leaving anyone out.

Weak fairness: who can always go on does. A strongly connected component has such a run if each
weakly fair actor takes a step in it, or cannot in one of its states: the run through all of it.
Strong fairness: who can again and again does. Where somebody never takes a step in a component, the
states in which he can are left out, and what is left is looked through again.

Source: O. Lichtenstein, A. Pnueli, "Checking that finite state concurrent programs satisfy their
linear specification" (POPL 1985); E. A. Emerson, C. L. Lei, "Modalities for model checking" (1987).
"""

from __future__ import annotations

import numpy as np

from kmcheck.liveness.graph import Bools, Graph, Part


def fair(
    graph: Graph, within: Bools, *, of: int | None = None, without: int | None = None
) -> Bools:
    """Return the states in which a fair run within some states may stay for ever.

    With `of` it takes steps of this actor again and again, with `without` none of this one. All
    states that are returned and strongly connected to each other lie on one such run.
    """
    found = np.zeros(graph.states, dtype=np.bool_)
    ahead = [within & graph.circular]
    while ahead:
        which = ahead.pop()
        if not which.any():
            continue
        part = Part(graph, which, without)
        good = part.going_round.copy()
        if of is not None:
            good &= part.taken(of)
        for actor, fairness in enumerate(graph.fair):
            if fairness == "weak":
                good &= part.taken(actor) | (part.enabled(actor) < part.sizes)
        found |= part.spread(good & ~_split(part, good, ahead))
    return found


def _split(part: Part, good: Bools, ahead: list[Bools]) -> Bools:
    """Return the components in which somebody strongly fair is left out; take apart the good."""
    left_out = np.zeros(part.count, dtype=np.bool_)
    again = part.spread(good)
    for actor, fairness in enumerate(part.graph.fair):
        if fairness == "strong":
            bad = good & (part.enabled(actor) > 0) & ~part.taken(actor)
            left_out |= bad
            again &= ~(part.spread(bad) & part.graph.enabled(actor))
    if left_out.any():
        ahead.append(again & part.spread(left_out))
    return left_out
