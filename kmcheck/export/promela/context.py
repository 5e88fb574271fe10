"""What the translation of code knows: where a process's things are, and where failures go."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.export.promela.memory import Memory, Sequence
from kmcheck.export.promela.writer import Writer
from kmcheck.ir.layout import Layout


@dataclass(slots=True)
class Context:
    """The place where code is translated.

    `template` runs as the instance that the Promela expression `instance` says; both are empty
    in a property. A violation sets its flag, named in `flags`, and jumps to `abort`.
    """

    memory: Memory
    write: Writer
    template: str
    instance: str
    abort: str
    flag: str
    """What the names of flags begin with."""
    flags: dict[str, str] = field(default_factory=dict)
    """The flag of each violation met so far."""
    copy: str = ""
    """`old_` while the state before the step is spoken of."""

    @property
    def layout(self) -> Layout:
        """The map of the state."""
        return self.memory.layout

    def flag_of(self, violation: str) -> str:
        """Return the variable that says whether a violation was found."""
        if violation not in self.flags:
            plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in violation)
            name, taken = f"{self.flag}_{plain}", set(self.flags.values())
            while name in taken:
                name += "_"
            self.flags[violation] = name
        return self.flags[violation]

    def fail_if(self, condition: str, violation: str) -> None:
        """Write that a violation is found if a condition holds."""
        self.fail_by({violation: condition})

    def fail_by(self, conditions: dict[str, str]) -> None:
        """Write that, of some violations, the one is found whose condition holds."""
        self.write("if")
        for violation, condition in conditions.items():
            self.write(f":: {condition} -> {self.flag_of(violation)} = 1; goto {self.abort}")
        self.write(":: else", "fi;")

    def variable(self, name: str) -> str:
        """Return where the running process has a local variable of one number."""
        cells = self.memory.variables[self.template, name]
        return f"{self.copy}{cells.name}({self.instance})"

    def variable_sequence(self, name: str) -> Sequence:
        """Return where the running process has a local list or array."""
        cells = self.memory.variables[self.template, name]
        return Sequence(self.copy + cells.name, f"{self.instance} * {cells.width}", cells.width)

    def field(self, kind: str, name: str, reference: str) -> str:
        """Return where a field of one number is, of the object that a good reference leads to."""
        cells = self.memory.fields[kind, name]
        return f"{self.copy}{cells.name}(({reference} >> 1) - 1)"

    def field_sequence(self, kind: str, name: str, reference: str) -> Sequence:
        """Return where a list or array field is, of the object that a good reference leads to."""
        cells = self.memory.fields[kind, name]
        base = f"(({reference} >> 1) - 1) * {cells.width}"
        return Sequence(self.copy + cells.name, base, cells.width)
