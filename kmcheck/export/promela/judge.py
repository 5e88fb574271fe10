"""What must be true of a state: properties, no deadlock, no leak."""

from __future__ import annotations

from kmcheck.export.promela.code import Code
from kmcheck.export.promela.memory import element_of
from kmcheck.export.promela.quantifiers import first_positions, one_of
from kmcheck.ir.code import Template
from kmcheck.ir.live import live_in
from kmcheck.ir.program import Property
from kmcheck.ir.types import ArrayOf, ListOf, Ref, SetOf, Type, first_code

SETUP = 2
"""What the life of an object is that setup allocated."""


class Judge(Code):
    """Translates what is judged."""

    def properties(self, when: str) -> None:
        """Write the judgement of the properties of one kind. A fault in one ends only this one."""
        for prop in self.layout.program.properties:
            if prop.when == when:
                with self.write.scope():
                    self.abort = self.write.label("judged")
                    self._property(prop, 0)
                    self.write.here(self.abort)

    def _property(self, prop: Property, depth: int) -> None:
        if depth == len(prop.parameters):
            self.fail_if(f"!{self.number(prop.formula)}", prop.name)
            return
        cell, _, domain = prop.parameters[depth]
        element = element_of(domain.type)
        group = self.write.scratch(self.number(domain))
        with (
            self.write.count(self.memory.bits(element)) as at,
            self.write.when(f"({group} >> {at}) & 1"),
        ):
            self.write(f"cell[{cell}] = {at} + {first_code(element)};")
            self._property(prop, depth + 1)

    def state(self) -> None:
        """Write the judgement of a state; `able` says whether any step leads on from it."""
        self.properties("always")
        ended = self.write.scratch(self._all_ended())
        with self.write.when(self._at_rest()):
            self.properties("rest")
        with self.write.when(ended):
            self.properties("finally")
        self.write(f"{self.flag_of('deadlock')} = !able && !{ended};")
        if any(kind.allocated_by_processes for kind in self.layout.program.kinds.values()):
            with self.write.when(ended), self.write.scope():
                self._leak()

    def _all_ended(self) -> str:
        parts = ["true"]
        for name in self.layout.processes:
            if self.layout.program.templates[name].role != "daemon":
                cells = self.memory.positions[name]
                parts += [f"{cells.name}({i}) == 0" for i in range(cells.count)]
        return "(" + " && ".join(parts) + ")"

    def _at_rest(self) -> str:
        parts = ["true"]
        for name in self.layout.processes:
            cells, template = self.memory.positions[name], self.layout.program.templates[name]
            resting = {0, *first_positions(template.blocks, template.entry)}
            parts += [f"({one_of(f'{cells.name}({i})', resting)})" for i in range(cells.count)]
        return "(" + " && ".join(parts) + ")"

    # --- leaks ----------------------------------------------------------------------------------

    def _leak(self) -> None:
        """Write the search for an object that a process allocated and that nothing leads to."""
        reached = {}
        for kind in self.layout.program.kinds:
            self.memory.bits(Ref(kind))
            reached[kind] = self.write.scratch("0")
            for index in range(self.layout.pool(kind)):
                slot = self.layout.life_slot(kind, index)
                if slot is None:
                    self.write(f"{reached[kind]} = {reached[kind]} | {1 << index};")
                elif index >= self.layout.dynamic(kind).base:
                    with self.write.when(f"{self._life(slot)} == {SETUP}"):
                        self.write(f"{reached[kind]} = {reached[kind]} | {1 << index};")
        for name, template in self.layout.program.templates.items():
            if template.role == "daemon":
                self._held_by(name, template, reached)
        going = self.write.scratch("1")
        with self.write.loop(f"{going} != 0"):
            sums = self.write.scratch(" + ".join(reached.values()))
            for kind in self.layout.program.kinds:
                self._spread(kind, reached)
            self.write(f"{going} = {sums} != {' + '.join(reached.values())};")
        for kind, info in self.layout.program.kinds.items():
            group = self.layout.dynamic(kind)
            if info.allocated_by_processes:
                for i in range(group.count):
                    lost = f"(({reached[kind]} >> {group.base + i}) & 1) == 0"
                    with self.write.when(f"{self.memory.lives[kind].name}({i}) == 1 && {lost}"):
                        self.write(f"{self.flag_of('leak')} = 1;")

    def _held_by(self, name: str, template: Template, reached: dict[str, str]) -> None:
        """Write that what a daemon will still read from its variables is reached."""
        live, places = (
            live_in(template.blocks, set(template.variables)),
            self.memory.positions[name],
        )
        for variable, declared in template.variables.items():
            read_at = {number + 1 for number, names in enumerate(live) if variable in names}
            cells = self.memory.variables[name, variable]
            for instance in range(cells.count if read_at else 0):
                with self.write.when(one_of(f"{places.name}({instance})", read_at)):
                    self._follow(declared, cells.name, str(instance), reached)

    def _spread(self, kind: str, reached: dict[str, str]) -> None:
        """Write that what a reached object leads to, and what it is part of, is reached."""
        program = self.layout.program
        with (
            self.write.scope(),
            self.write.count(self.layout.pool(kind)) as at,
            self.write.when(f"({reached[kind]} >> {at}) & 1"),
        ):
            for field in program.kinds[kind].embedded:
                inner, group = self.layout.embedded(kind, field)
                self.write(f"{reached[inner]} = {reached[inner]} | (1 << ({at} + {group.base}));")
            for group in self.layout.groups[kind]:
                if group.role == "embedded" and group.count:
                    owner = reached[group.container]
                    last = group.base + group.count
                    with self.write.when(f"{at} >= {group.base} && {at} < {last}"):
                        self.write(f"{owner} = {owner} | (1 << ({at} - {group.base}));")
            real = {n: i for n, i in program.kinds[kind].fields.items() if not i.ghost}
            for name, info in real.items():
                self._follow(info.type, self.memory.fields[kind, name].name, at, reached)

    def _follow(self, kind: Type, array: str, at: str, reached: dict[str, str]) -> None:
        match kind:
            case Ref(kind=name):
                self._mark(f"{array}({at})", reached[name])
            case SetOf(element=Ref(kind=name)):
                with self.write.count(self.layout.pool(name)) as member:
                    fresh = f"{array}({at}) > 0 && ({array}({at}) >> (2 * {member})) & 1"
                    with self.write.when(fresh):
                        self.write(f"{reached[name]} = {reached[name]} | (1 << {member});")
            case ListOf(element=Ref(kind=name)) | ArrayOf(element=Ref(kind=name)):
                width = self.memory.width(kind)
                with self.write.count(width) as member:
                    self._mark(f"{array}({at} * {width} + {member})", reached[name])

    def _mark(self, reference: str, reached: str) -> None:
        with self.write.when(f"{reference} > 0 && ({reference} & 1) == 0"):
            self.write(f"{reached} = {reached} | (1 << (({reference} >> 1) - 1));")
