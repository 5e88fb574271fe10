"""The one file that knows z3: does a formula hold for all sizes? If not, for which not?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcheck.residual import Form, Residual

if TYPE_CHECKING:  # it is only loaded when it is asked something: many a spec has no sizes
    import z3

TIMEOUT = 10_000
"""Milliseconds for one query: none so far took two."""


class Undecided(Exception):  # noqa: N818
    """The solver gave up on a query: neither does the formula hold, nor does it not."""


class Solver:
    """Decides residuals, each distinct one once.

    A size is a positive integer. `queries` counts what z3 was asked, `stood_for` how often the
    exploration wanted to know.
    """

    def __init__(self) -> None:
        self.known: dict[Residual, bool] = {}
        self.queries = 0
        self.stood_for = 0
        self.solver: z3.Solver | None = None

    def holds(self, residual: Residual) -> bool:
        """Tell whether a residual holds for all sizes.

        Raises:
            Undecided: z3 does not know.
        """
        if isinstance(residual, bool):
            return residual
        self.stood_for += 1
        answer = self.known.get(residual)
        if answer is None:
            answer = self._refute(residual) is None
            self.known[residual] = answer
        return answer

    def counterexample(self, residual: Residual) -> dict[int, int]:
        """Return sizes, by symbol, for which a residual does not hold: as small as can be.

        Raises:
            Undecided: z3 does not know.
        """
        if isinstance(residual, bool):
            return {}
        for largest in (2, 4, 64, None):
            found = self._refute(residual, largest)
            if found is not None:
                return found
        return {}

    def _refute(self, residual: Residual, largest: int | None = None) -> dict[int, int] | None:
        import z3  # noqa: PLC0415

        self.solver = self.solver or z3.SolverFor("QF_LIA")
        self.solver.set("timeout", TIMEOUT)
        self.queries += 1
        symbols = {i: z3.Int(f"size{i}") for i in sorted(_symbols(residual))}
        self.solver.push()
        try:
            for symbol in symbols.values():
                self.solver.add(symbol >= 1)
                if largest is not None:
                    self.solver.add(symbol <= largest)
            self.solver.add(z3.Not(_formula(residual, symbols)))
            answer = self.solver.check()
            if answer == z3.unknown:
                raise Undecided(self.solver.reason_unknown())
            if answer == z3.unsat:
                return None
            model = self.solver.model()
            return {i: model.eval(s, model_completion=True).as_long() for i, s in symbols.items()}
        finally:
            self.solver.pop()


def _symbols(residual: Residual) -> set[int]:
    match residual:
        case bool():
            return set()
        case ("and" | "or", *parts):
            return set().union(*(_symbols(p) for p in parts))  # type: ignore[arg-type]
        case (_, tuple() as form):
            return {i for i, c in enumerate(form) if i and c}
    raise AssertionError(residual)


def _formula(residual: Residual, symbols: dict[int, z3.ArithRef]) -> z3.BoolRef:
    import z3  # noqa: PLC0415

    match residual:
        case bool():
            return z3.BoolVal(residual)
        case ("and", *parts):
            return z3.And(*(_formula(p, symbols) for p in parts))  # type: ignore[arg-type]
        case ("or", *parts):
            return z3.Or(*(_formula(p, symbols) for p in parts))  # type: ignore[arg-type]
        case (str() as operator, tuple() as form):
            value = _sum(form, symbols)
            table = {"eq": value == 0, "ne": value != 0, "le": value <= 0, "lt": value < 0}
            return table[operator]
    raise AssertionError(residual)


def _sum(form: Form, symbols: dict[int, z3.ArithRef]) -> z3.ArithRef:
    import z3  # noqa: PLC0415

    constant, *coefficients = form
    terms = [c * symbols[i] for i, c in enumerate(coefficients, start=1) if c]
    return z3.Sum([z3.IntVal(constant), *terms])
