"""The end of a run that never ends: its round, confirmed, and what never comes on it."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.diagnostics import InternalError
from kmcheck.explain.names import waits
from kmcheck.ir.program import LIVENESS, Property
from kmcheck.ir.types import Ref, SetOf
from kmcheck.replay.recorder import place_of
from kmcheck.replay.teller import Teller
from kmcheck.semantics import State
from kmcheck.semantics.obligations import Obligations, Owed
from kmcheck.trace import Place, Violation
from kmcheck.verdict import Claim


@dataclass(slots=True)
class Endless:
    """Judges a run that repeats itself from some step on.

    `states` are all states of it, one more than there are steps.
    """

    teller: Teller
    states: list[State]
    claim: Claim

    def verdict(self) -> Violation:
        """Return the violation that was claimed.

        Raises:
            InternalError: it is not there: the run does not come back, leaves somebody out who has
                to go on, or what is owed comes.
        """
        name, loop = self.claim.violation, self.claim.witness.loop
        assert loop is not None
        if not 0 <= loop < len(self.states) or self.states[loop] != self.states[-1]:
            raise InternalError(f"the witness of {name} does not come back to where it was")
        self._refuse_unfair(loop)
        obligations = Obligations(self.teller.layout, lambda wanted: wanted == name)
        if name not in obligations.names:
            raise InternalError(f"{name} is nothing that a run which never ends violates")
        told = [obligations.of(name, state) for state in self.states]
        for binding in _bits(_always(told[loop:])):
            if self._is_owed(obligations, binding, told, loop):
                return self._violation(obligations, name, binding, loop)
        raise InternalError(f"the witness was to violate {name}, and does not")

    # --- fairness ------------------------------------------------------------------------------

    def _refuse_unfair(self, loop: int) -> None:
        """Make sure that nobody is left out who has to go on."""
        templates = self.teller.layout.program.templates
        for actor, (template, _, _, _) in enumerate(self.teller.machine.actors):
            fair = templates[template].fair
            can = [self._can(actor, state) for state in self.states[loop:]]
            left_out = (fair == "weak" and all(can)) or (fair == "strong" and any(can))
            if left_out and not self._goes(actor, loop):
                raise InternalError(f"the witness leaves out {template}, which can go on")

    def _goes(self, actor: int, loop: int) -> bool:
        return any(taker == actor for taker, _ in self.claim.witness.steps[loop:])

    def _can(self, actor: int, state: State) -> bool:
        return next(iter(self.teller.quiet.steps_of(state, actor)), None) is not None

    # --- what is owed --------------------------------------------------------------------------

    def _is_owed(self, obligations: Obligations, binding: int, told: list[Owed], loop: int) -> bool:
        """Tell whether an obligation begins that is never met."""
        name = self.claim.violation
        if name in LIVENESS:
            process, _ = obligations.ending[binding]
            return self._goes(process, loop) == (name == "livelock")
        prop = self._property(name)
        owed = [bool(there.owed >> binding & 1) for there in told]
        begun = [bool(there.asked >> binding & 1) for there in told]
        first = next((i for i in range(len(owed)) if all(owed[i:])), len(owed))
        if prop.when == "recurring":
            return first <= loop
        if prop.when == "eventually":
            return first <= loop and begun[first] and (first == 0 or not begun[first - 1])
        return first <= loop and any(begun[first:])

    def _property(self, name: str) -> Property:
        return next(p for p in self.teller.layout.program.properties if p.name == name)

    # --- how it is told ------------------------------------------------------------------------

    def _violation(self, obligations: Obligations, name: str, binding: int, loop: int) -> Violation:
        if name in LIVENESS:
            who = self.teller.names.process(obligations.shown(name, binding)[0])
            waits = [text for text in self._waiting(loop) if not text.startswith(f"{who} ")]
            message = {
                "livelock": f"{who} goes round for ever and never ends",
                "starvation": f"{who} waits for ever, while others go on",
            }[name]
            told = f"; {', '.join(waits)}" if waits and name == "livelock" else ""
            return Violation(name, f"{message}{told}", place=self._place(who))
        prop, shown, thing = self._property(name), [], None
        values = obligations.shown(name, binding)
        for (_, _, domain), value in zip(prop.parameters, values, strict=True):
            assert isinstance(domain.type, SetOf)
            element = domain.type.element
            shown.append(self.teller.values.of(element, value).text)
            if isinstance(element, Ref) and thing is None:
                thing = self.teller.names.of(element.kind, (value >> 1) - 1)
        at = f"({', '.join(shown)})" if shown else ""
        never = "never becomes true" if prop.when != "recurring" else "never becomes true again"
        waits = self._waiting(loop)
        because = f": {', '.join(waits)}" if waits else ""
        return Violation(name, f"{name}{at} {never}{because}", thing, place=place_of(prop.span))

    def _waiting(self, loop: int) -> list[str]:
        """Return who waits all the time, and where."""
        return [
            waits(view)
            for view in self.teller.snapshot().processes
            if view.status in ("blocked", "idle") and not self._moves(view.name, loop)
        ]

    def _moves(self, process: str, loop: int) -> bool:
        return any(event.process == process for event in self.teller.events[loop:])

    def _place(self, who: str) -> Place | None:
        views = {view.name: view for view in self.teller.snapshot().processes}
        return views[who].place if who in views else None


def _always(told: list[Owed]) -> int:
    """Return the bindings, as bits, that are owed something in every state of a round."""
    found = -1
    for there in told:
        found &= there.owed
    return found


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
