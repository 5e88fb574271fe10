"""What machine code asks of Python: does a formula over sizes hold, does a state leak?"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from kmcheck.engines.native.context import PLACES
from kmcheck.engines.native.crew import Crew
from kmcheck.engines.native.packing import Packing
from kmcheck.engines.native.questions import Site
from kmcheck.ir.code import Check
from kmcheck.ir.program import Property
from kmcheck.semantics import Judge, State
from kmcheck.semantics.evaluate import Evaluator
from kmcheck.solver import Solver

NO_ANSWER = 2
"""What machine code is told when there is none; `error` then says why."""


class Answers:
    """Answers with the reference semantics. Threads come one at a time."""

    def __init__(self, crew: Crew, packing: Packing, judge: Judge, solver: Solver) -> None:
        self.crew = crew
        self.packing = packing
        self.judge = judge
        self.solver = solver
        self.evaluators: dict[str, Evaluator] = {}
        self.error: BaseException | None = None
        self.lock = threading.Lock()

    def function(self, context: Any) -> Any:
        """Return the function that the code of one thread calls."""
        number, words = ctypes.c_int64, ctypes.POINTER(ctypes.c_uint64)

        def asked(site: int, state: Any, instance: int) -> int:
            try:
                with self.lock:
                    return int(self._answer(context, site, state, instance))
            except BaseException as error:  # noqa: BLE001 - it is raised behind the machine code
                self.error = self.error or error
                return NO_ANSWER

        return ctypes.CFUNCTYPE(number, number, words, number)(asked)

    def _answer(self, context: Any, number: int, words: Any, instance: int) -> bool:
        site = self.crew.compiled.questions.sites[number]
        state = self._state(words)
        match site.what:
            case Check():
                return self._checked(site, site.what, state, instance)
            case Property(when="step") as prop:
                return self.judge.test(prop, state, self._before(context)) is None
            case Property() as prop:
                return self.judge.test(prop, state, None) is None
            case _:
                return self.judge.leaked(state) is not None

    def _checked(self, site: Site, check: Check, state: State, instance: int) -> bool:
        if site.template not in self.evaluators:
            self.evaluators[site.template] = Evaluator(self.packing.layout, site.template)
        formula = self.evaluators[site.template].formula(check.condition)
        return self.solver.holds(formula(list(state), instance))

    def _state(self, words: Any) -> State:
        return self.packing.unpack([words[i] for i in range(self.packing.words)])

    def _before(self, context: Any) -> State:
        """Return the state before the step that is being judged."""
        kind = ctypes.c_uint64 * self.packing.words
        return self._state(kind.from_address(context[PLACES["previous"]]))


Function = Callable[[int, Any, int], int]
