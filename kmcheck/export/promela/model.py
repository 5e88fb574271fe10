"""A whole model: declarations, initial states, and the turns of the one process that runs all."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.export.promela.judge import Judge
from kmcheck.export.promela.memory import Memory
from kmcheck.export.promela.writer import Writer
from kmcheck.system import TransitionSystem

OVERFLOW = "bound reached: plans"
"""The violation that says that a step had more ways to go than were tried."""


FIRST = 2
"""Moves before the first turn: an initial state is taken."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model's text, and how to read what SPIN says about it.

    `by_step` and `of_state` name, for each violation that a step or a state may have, the
    variable that SPIN then says is not zero. A step is `moves` of SPIN's, the first of which has
    the number `first`.
    """

    text: str
    by_step: dict[str, str]
    of_state: dict[str, str]
    first: int
    moves: int


def export(system: TransitionSystem, turns: int = 2) -> Model:
    """Say a system in Promela.

    A loop with a choice in it comes round `turns` times in one step, or as often as a set has
    members. If that is not enough, SPIN finds the violation `OVERFLOW`.

    Raises:
        UsageError: Promela cannot say it, since it speaks of sizes or is too large.
    """
    return _Exporter(system, turns).model()


class _Exporter:
    def __init__(self, system: TransitionSystem, turns: int) -> None:
        self.system = system
        self.layout = system.layout
        self.memory = Memory(system.layout)
        self.write = Writer()
        roles = {n: t.role for n, t in system.program.templates.items()}
        self.actors = [n for n in self.layout.processes if self.layout.instances(n)]
        self.actors += [n for n, role in roles.items() if role == "action"]
        self.first: dict[str, int] = {}
        number = 1
        for name in self.actors:
            self.first[name] = number
            number += self.layout.instances(name)
        self.judging = number
        self.flags: dict[str, str] = {}
        self.steppers = {
            n: Judge(self.memory, self.write, n, "p", "", "violated", self.flags)
            for n in self.actors
        }
        for code in self.steppers.values():
            code.turns = turns
        self.ways = {n: max([1, *s.plans().values()]) for n, s in self.steppers.items()}
        self.turns = [(n, cuts) for n in self.actors for cuts in self.steppers[n].groups()]
        self.judge = Judge(self.memory, self.write, "", "", "", "wrong")

    def model(self) -> Model:
        """Return the whole model."""
        with self.write.indented():
            self._begin()
            self.write("do", ":: atomic {")
            with self.write.indented():
                self._pick()
                for name, cuts in self.turns:
                    self._turn(name, cuts)
                self._judge()
            self.write("}", "od")
        text = "\n".join([*self._head(), *self.write.lines, "}", ""])
        return Model(text, self.flags, self.judge.flags, FIRST, len(self.turns) + 4)

    def _head(self) -> list[str]:
        program = self.system.program
        both = sorted({*self.flags.values(), *self.judge.flags.values()})
        return [
            *self.memory.declarations(),
            "",
            f"#define NUMBERS {self.write.most_numbers}",
            f"#define ELEMENTS {self.write.most_elements}",
            f"#define CELLS {max(1, program.cells)}",
            "int t[NUMBERS], q[ELEMENTS], cell[CELLS];",
            "#define element(i) q[i]",
            "int actor, plan, digits, plans, tries, p, fuel;",
            "byte blocked, able;",
            *(f"byte {flag};" for flag in both),
            "",
            "active proctype kmcheck()",
            "{",
        ]

    def _begin(self) -> None:
        self.write("atomic {", "  if")
        for _, state in self.system.initial:
            self.write("  :: d_step { skip;", *self.memory.initial(state), "  }")
        self.write("  fi", "}", "end:")

    def _pick(self) -> None:
        """Write the choice of an actor, and of a plan for the choices in its step."""
        self.write("if", f":: true -> actor = {self.judging}; plan = 0")
        for name in self.actors:
            ways = self.steppers[name].plans()
            for i in range(self.layout.instances(name)):
                position = f"{self.memory.positions[name].name}({i})"
                for plan in range(self.ways[name]):
                    where = [f"{position} == {at}" for at, most in ways.items() if most > plan]
                    there = f"({' || '.join(where)})" if plan else f"({position} != 0)"
                    self.write(f":: {there} -> actor = {self.first[name] + i}; plan = {plan}")
        self.write("fi;")

    # --- a template's turn ----------------------------------------------------------------------

    def _turn(self, name: str, cuts: list[int]) -> None:
        """Write a step of the actor from one of some cuts, or all such steps for the judge."""
        code, count, first = self.steppers[name], self.layout.instances(name), self.first[name]
        stems = ("again", "undo", "next", "over", "done")
        again, undo, following, over, done = (self.write.label(stem) for stem in stems)
        code.abort = undo
        self.write(f"d_step {{ /* {name} */")
        with self.write.indented():
            self.write("p = 0;", "if", f":: actor == {self.judging} -> skip")
            self.write(f":: actor >= {first} && actor < {first + count} -> p = actor - {first}")
            self.write(f":: else -> goto {over}", "fi;")
            self.write.here(again)
            self._copy("old", "state")
            self.write("blocked = 0; fuel = 0; plans = 1;", "digits = plan + tries;")
            code.run(cuts, done, following)
            self.write.here(done)
            self._settle(name, undo, over)
            self.write.here(undo)
            self._copy("state", "old")
            self.write.goto_if(f"actor != {self.judging}", over)
            self._note(code)
            self.write.here(following)
            self._next(name, again)
            self.write.here(over)
            self._report(code)
            self._tidy()
        self.write("};")

    def _settle(self, name: str, undo: str, over: str) -> None:
        """Write the end of a step: a plan with more in it than choices is no step."""
        code = self.steppers[name]
        self.write(f"{code.flag_of(OVERFLOW)} = plans > {self.ways[name]};")
        self.write("blocked = digits != 0;")
        self.write.goto_if(f"blocked || actor == {self.judging}", undo)
        self.write("actor = 0;")
        code.properties("step")
        self.write(f"goto {over};")

    def _note(self, code: Judge) -> None:
        """Write that the judge has seen whether a step is enabled, whatever it may lead to."""
        with self.write.when("!blocked"):
            self.write("able = 1;")
        for flag in code.flags.values():
            self.write(f"{flag} = 0;")

    def _next(self, name: str, again: str) -> None:
        """Write how the judge goes on to the next plan, then to the next instance."""
        with self.write.when(f"actor == {self.judging}"):
            self.write("tries = tries + 1;")
            self.write.goto_if(f"tries < {self.ways[name]}", again)
            self.write("tries = 0; p = p + 1;")
            self.write.goto_if(f"p < {self.layout.instances(name)}", again)

    def _copy(self, to: str, source: str) -> None:
        """Write a copy of one state to another."""
        with self.write.scope(), self.write.count("STATE") as at:
            self.write(f"{to}[{at}] = {source}[{at}];")

    def _report(self, code: Judge) -> None:
        for flag in code.flags.values():
            self.write(f"assert({flag} == 0); {flag} = 0;")

    def _tidy(self) -> None:
        """Write that what is no state is zero again."""
        self.write("p = 0; digits = 0; plans = 0; tries = 0; fuel = 0; blocked = 0;")
        arrays = {"t": "NUMBERS", "q": "ELEMENTS", "cell": "CELLS", "old": "STATE"}
        for name, size in arrays.items():
            with self.write.loop(f"p < {size}"):
                self.write(f"{name}[p] = 0; p = p + 1;")
            self.write("p = 0;")

    # --- the judge's turn -----------------------------------------------------------------------

    def _judge(self) -> None:
        over = self.write.label("over")
        self.write("d_step { /* judge */")
        with self.write.indented():
            self.write.goto_if(f"actor != {self.judging}", over)
            self.judge.state()
            self.write.here(over)
            self._report(self.judge)
            self._tidy()
            self.write("able = 0; actor = 0; plan = 0;")
        self.write("}")
