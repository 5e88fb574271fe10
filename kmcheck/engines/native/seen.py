"""What a search with machine code saw: its counts, and which code of the spec was run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kmcheck.claims import Claims
from kmcheck.engines.native.compiled import Compiled
from kmcheck.engines.native.states import States
from kmcheck.exercised import unexercised, unmet
from kmcheck.ir.program import ENDLESS
from kmcheck.multiplies import multiplied, sampled
from kmcheck.semantics import Judge, Machine
from kmcheck.system import TransitionSystem
from kmcheck.verdict import Multiplied, Statistics


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts for a search: of its states, and of what machine and claims note meanwhile."""

    system: TransitionSystem
    machine: Machine
    judge: Judge
    states: States
    claims: Claims
    counted: dict[str, int] = field(default_factory=dict)
    """How often properties of runs that never end were asked for."""

    def statistics(self, depth: int, spilled: int, checkpoint: str) -> Statistics:
        """Return what was seen down to a depth, once what was run is marked."""
        states = self.states
        judged = {
            p.name: states.judged(n)
            for n, p in enumerate(self.system.program.properties)
            if p.when not in ENDLESS
        }
        judged |= self.counted
        if "leak" in self.judge.judged:
            judged["leak"] = states.total("asked")
        ran = self.machine.exercised()
        return Statistics(
            states=states["states"],
            transitions=states.total("transitions"),
            depth=depth,
            terminal_states=states.total("terminal"),
            judged=judged,
            unexercised=unexercised(self.system.program, ran),
            bound_reached=tuple(sorted(self.claims.bounds)),
            exercised=ran,
            unmet=unmet(self.system.program, self.judge.looked, judged),
            multiplied=self._multiplied() if self.claims.given_up else Multiplied(),
            spilled=spilled,
            checkpoint=checkpoint,
        )

    def _multiplied(self) -> Multiplied:
        found, gone = self.states["states"], self.states.gone
        sample = (self.states.state(gone + number) for number in sampled(found - gone))
        told = multiplied(self.system.layout, sample, found)
        return replace(told, sample=told.sample or len(sampled(found - gone))) if gone else told

    def take_over(self, looked: dict[str, str]) -> None:
        """Note which parts of properties a search had looked at before it was kept."""
        for name, text in looked.items():
            _mark(self.judge.looked[name], bytes.fromhex(text))

    def mark_exercised(self, compiled: list[Compiled]) -> None:
        """Note what machine code has run, and which parts of properties it has looked at."""
        for name, looked in self.judge.looked.items():
            for code in compiled:
                _mark(looked, code.flags(f"looked.{name}", len(looked)))
        for name, template in self.system.program.templates.items():
            if template.role != "setup":
                size = self.machine.marks[name].size
                for code in compiled:
                    _mark(self.machine.noted[name], code.flags(f"noted.{name}", size))


def _mark(flags: bytearray, more: bytes) -> None:
    for at, flag in enumerate(more):
        flags[at] |= flag
