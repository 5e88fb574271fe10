"""Bounds and choices, as the statements of a spec declare them."""

from __future__ import annotations

import ast

from kmcheck.frontend.constants import Constants
from kmcheck.frontend.report import Reporter
from kmcheck.frontend.settings import LARGEST_BOUND, Settings
from kmcheck.frontend.source import span_of
from kmcheck.frontend.symbols import ConstantSymbol, EnumSymbol, Module
from kmcheck.ir.types import BOOL, EnumType, Int


class Bounds(Constants):
    """Reads what bounds and choices are, and gives them the values that are asked for."""

    def __init__(self, reporter: Reporter, settings: Settings) -> None:
        super().__init__(reporter)
        self.settings = settings

    def setting(
        self, module: Module, name: str, word: str, call: ast.Call, annotation: ast.expr | None
    ) -> ConstantSymbol:
        """Return the setting that a statement declares.

        Raises:
            Refused: it is none.
        """
        doc = call.args[1] if len(call.args) == 2 else None  # noqa: PLR2004
        if not isinstance(doc, ast.Constant) or not isinstance(doc.value, str) or call.keywords:
            hint = f'write `{name} = {word}(default, "what it is")`'
            raise self.refuse(
                module, "K022", f"{word} takes a default and what it is for", call, "", hint
            )
        span = span_of(module.source, call)
        default = self.constant(module, call.args[0])
        if isinstance(default.type, Int) and word == "bound":
            numbers = self._numbers(module, annotation, LARGEST_BOUND)
            number = int(str(default.value))
            if number not in numbers:
                title = f"a bound is a number from {numbers[0]} to {numbers[-1]}"
                hint = "what is large is modelled small: the smallest that shows the bug"
                raise self.refuse(module, "K022", title, call.args[0], "", hint)
            return ConstantSymbol(self.settings.bound(name, number, numbers, doc.value, span))
        if default.type == BOOL and word == "choice":
            return ConstantSymbol(
                self.settings.choice(name, bool(default.value), None, doc.value, span)
            )
        if isinstance(default.type, EnumType) and word == "choice":
            enum = EnumSymbol(default.type.name, default.type.members)
            member = enum.members[int(default.value)]  # type: ignore[arg-type]
            return ConstantSymbol(self.settings.choice(name, member, enum, doc.value, span))
        wanted = "a whole number" if word == "bound" else "True, False or a member of an Enum"
        hint = "a number is a `bound`; what is decided is a `choice`"
        raise self.refuse(
            module, "K022", f"the default of a {word} is {wanted}", call.args[0], "", hint
        )

    def _numbers(self, module: Module, annotation: ast.expr | None, largest: int) -> range:
        """Return the numbers that a bound may be, as its annotation says."""
        match annotation:
            case None | ast.Name(id="int"):
                return range(largest + 1)
            case ast.Subscript(
                slice=ast.Tuple(
                    elts=[ast.Name(id="int"), ast.Call(func=ast.Name(id="range"), args=[*ends])]
                )
            ) if len(ends) in (1, 2):
                given = range(*(self.whole(module, end) for end in ends))
                if given and given[0] >= 0 and given[-1] <= largest:
                    return given
        title = f"a bound is a number from 0 to {largest}"
        hint = "write `NAME: Annotated[int, range(1, 9)] = bound(...)` where not all of them do"
        raise self.refuse(module, "K022", title, annotation, "", hint)
