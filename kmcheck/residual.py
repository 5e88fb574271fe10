"""What is left of a formula over sizes when a state is filled in: the solver's question.

A linear form is a tuple of integers: the constant, then the coefficient of each symbol.
"""

from __future__ import annotations

Form = tuple[int, ...]
Residual = bool | tuple[object, ...]
"""True, False, `("le" | "eq" | "ne" | "lt", form)` for `form <op> 0`, `("and" | "or", ...)`."""


def compare(operator: str, left: Form, right: Form) -> Residual:
    """Return `left <operator> right` as a residual; decided at once where no size is left in it."""
    if operator in ("gt", "ge"):
        left, right = right, left
        operator = {"gt": "lt", "ge": "le"}[operator]
    form = tuple(a - b for a, b in zip(left, right, strict=True))
    if any(form[1:]):
        return (operator, form)
    constant = form[0]
    return {"eq": constant == 0, "ne": constant != 0, "le": constant <= 0, "lt": constant < 0}[
        operator
    ]


def conjunction(parts: list[Residual]) -> Residual:
    """Return the residual that holds when all parts do."""
    left = sorted({part for part in parts if part is not True}, key=repr)
    if any(part is False for part in left):
        return False
    return True if not left else left[0] if len(left) == 1 else ("and", *left)


def disjunction(parts: list[Residual]) -> Residual:
    """Return the residual that holds when any part does."""
    left = sorted({part for part in parts if part is not False}, key=repr)
    if any(part is True for part in left):
        return True
    return False if not left else left[0] if len(left) == 1 else ("or", *left)


def negation(part: Residual) -> Residual:
    """Return the residual that holds when `part` does not."""
    match part:
        case bool():
            return not part
        case ("and", *parts):
            return disjunction([negation(p) for p in parts])  # type: ignore[arg-type]
        case ("or", *parts):
            return conjunction([negation(p) for p in parts])  # type: ignore[arg-type]
        case ("eq", form):
            return ("ne", form)
        case ("ne", form):
            return ("eq", form)
        case ("le", form):
            return ("lt", negative(form))  # type: ignore[arg-type]
        case ("lt", form):
            return ("le", negative(form))  # type: ignore[arg-type]
    raise AssertionError(part)


def negative(form: Form) -> Form:
    """Return the form with all signs turned."""
    return tuple(-c for c in form)
