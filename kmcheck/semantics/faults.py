"""The ways in which a step does not simply lead to a state."""

from __future__ import annotations

from kmcheck.diagnostics import Span
from kmcheck.ir.code import Call
from kmcheck.residual import Residual


class Fault(Exception):  # noqa: N818 - a violation found, not an error of the program
    """The step violates a built-in property.

    `thing` is the object concerned as (kind, index); `residual`, where the violation depends on
    sizes, is the condition that does not hold for all of them.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        span: Span,
        thing: tuple[str, int] | None = None,
        *,
        residual: Residual = False,
        field: str = "",
        calls: tuple[Call, ...] = (),
    ) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message
        self.span = span
        self.thing = thing
        self.residual = residual
        self.field = field
        """The field that was to be accessed, where one was."""
        self.calls = calls
        """What a check that failed is inside of."""
        self.starting = ""
        """The process that failed while it was being started, before its first step."""
        self.state: tuple[object, ...] | None = None
        """What the step had made of the state when it failed."""


class Blocked(Exception):  # noqa: N818
    """The step is disabled in this state."""


class BoundReached(Exception):  # noqa: N818
    """The step needs more objects, processes or sizes than there are; it is not explored."""

    def __init__(self, what: str, span: Span) -> None:
        super().__init__(what)
        self.what = what
        self.span = span


class Undecided(Exception):  # noqa: N818
    """The step branches on a comparison whose outcome depends on the sizes."""

    def __init__(self, span: Span) -> None:
        super().__init__(span.where)
        self.span = span
