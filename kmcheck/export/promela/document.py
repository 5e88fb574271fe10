"""A model as somebody gets it who has not made it: what it is, how to run it, how to read SPIN."""

from __future__ import annotations

from kmcheck.export.promela.model import Model
from kmcheck.ir.program import ENDLESS, Program
from kmcheck.system import TransitionSystem

HEAD = """\
/* {title}: written by kmcheck
 * spec sha256 {digest}
 *
 * spin -a -o1 -o2 -o3 model.pml
 * gcc -O1 -w -DSAFETY -DNOREDUCE -DVECTORSZ=65536 -o pan pan.c
 * ./pan -c0 -m1000000
 *
 * SPIN stores one state for each of kmcheck's, and one more, in which nothing is set up yet.
 * violated_...: a step fails, the last of (d - {first}) / {moves} + 1, where SPIN says depth d.
 * wrong_...: something is wrong with a state, after (d - {first}) / {moves} steps.
 * violated_bound_reached__...: there are too few of something, and so not all states; of plans, if
 * a step has more ways to go than were tried: export again with more --turns.
 * For shortest runs, compile with -DBFS, too.
{left_out} */
"""


def document(system: TransitionSystem, model: Model) -> str:
    """Return a model with a comment above it."""
    program = system.program
    endless = ", ".join(p.name for p in program.properties if p.when in ENDLESS)
    head = HEAD.format(
        title=_title(program),
        digest=program.digest,
        first=model.first,
        moves=model.moves,
        left_out=f" * Left out, as they are about runs that never end: {endless}\n" * bool(endless),
    )
    return head + model.text


def _title(program: Program) -> str:
    words = {True: "yes", False: "no"}
    told = [
        f"{s.name}={words[s.value] if isinstance(s.value, bool) else str(s.value).lower()}"
        for s in program.settings
    ]
    return " ".join([program.name, *told])
