"""Bounds and choices: what a spec declares, what the user asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kmcheck.diagnostics import Span, UsageError
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.symbols import EnumSymbol
from kmcheck.ir.expr import Const
from kmcheck.ir.program import Setting
from kmcheck.ir.types import BOOL, EnumType, Int

LARGEST_BOUND = 64

YES = {"yes", "true", "on", "1"}
NO = {"no", "false", "off", "0"}

Wanted = Mapping[str, int | bool | str]
"""What the user asked for: `{"FREERS": 3, "READ_LOCK": "no"}`."""


@dataclass(slots=True)
class Settings:
    """The settings of a spec and of all it imports, in the order in which they are met."""

    wanted: Wanted
    found: dict[str, Setting] = field(default_factory=dict)

    def bound(self, name: str, default: int, numbers: range, doc: str, span: Span) -> Const:
        """Declare a bound, which is one of the numbers; return its value."""
        value = default
        if name in self.wanted:
            value = self._number(name, self.wanted[name], numbers)
        self.found[name] = Setting(name, "bound", value, default, (), doc, span)
        return Const(value, Int(value, value), span)

    def choice(
        self,
        name: str,
        default: bool | str,  # noqa: FBT001 - what the spec says
        enum: EnumSymbol | None,
        doc: str,
        span: Span,
    ) -> Const:
        """Declare a choice among yes and no, or among the members of an enumeration."""
        value = default
        if name in self.wanted:
            value = (
                self._member(name, self.wanted[name], enum)
                if enum
                else self._flag(name, self.wanted[name])
            )
        options = enum.members if enum else ("yes", "no")
        self.found[name] = Setting(name, "choice", value, default, options, doc, span)
        if enum:
            return Const(enum.members.index(str(value)), EnumType(enum.name, enum.members), span)
        return Const(int(bool(value)), BOOL, span)

    def finish(self) -> tuple[Setting, ...]:
        """Return all settings.

        Raises:
            UsageError: a name was asked for that the spec does not declare.
        """
        for name in self.wanted:
            if name not in self.found:
                hint = did_you_mean(name, self.found) or "this spec has no bounds and no choices"
                raise UsageError(f"the spec has no bound or choice `{name}`", hint)
        return tuple(self.found.values())

    def _number(self, name: str, value: int | bool | str, numbers: range) -> int:  # noqa: FBT001
        known = f"{numbers[0]} to {numbers[-1]}"
        try:
            number = int(str(value))
        except ValueError:
            message = f"{name} is a bound: `{value}` is no whole number"
            raise UsageError(message, f"it is a number from {known}") from None
        if number not in numbers:
            raise UsageError(f"{name} cannot be {number}", f"it is a number from {known}")
        return number

    def _flag(self, name: str, value: int | bool | str) -> bool:  # noqa: FBT001
        word = str(value).lower()
        if word not in YES | NO:
            raise UsageError(
                f"{name} is a choice: `{value}` is neither yes nor no", "it is yes or no"
            )
        return word in YES

    def _member(self, name: str, value: int | bool | str, enum: EnumSymbol) -> str:  # noqa: FBT001
        for member in enum.members:
            if member.lower() == str(value).lower():
                return member
        options = ", ".join(member.lower() for member in enum.members)
        raise UsageError(f"{name} cannot be `{value}`", f"it is one of: {options}")


def spell(setting: Setting) -> str:
    """Return a setting's value as the command line takes it."""
    if isinstance(setting.value, bool):
        return "yes" if setting.value else "no"
    return str(setting.value).lower()
