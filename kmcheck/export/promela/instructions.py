"""Instructions: what each does to the model's memory."""

from __future__ import annotations

from collections.abc import Iterable

from kmcheck.export.promela.expressions import Expressions, nowhere
from kmcheck.export.promela.memory import UNINITIALISED, Cells, Sequence, element_of
from kmcheck.ir.code import (
    Alloc,
    Assign,
    Assume,
    Check,
    Choose,
    Free,
    Instruction,
    Spawn,
    Store,
)
from kmcheck.ir.expr import Expr
from kmcheck.ir.layout import holds_references
from kmcheck.ir.types import SetOf, Type, first_code


class Instructions(Expressions):
    """Translates instructions. A violation ends the step; so does one that blocks it."""

    def instruction(self, instruction: Instruction) -> None:
        """Write what an instruction does."""
        with self.write.scope():
            match instruction:
                case Assign(var, value):
                    self._assign(var, value)
                case Store():
                    self._store(instruction)
                case Choose():
                    self._choose(instruction)
                case Assume(condition):
                    self.block_if(f"!{self.number(condition)}")
                case Check(condition=condition, violation=violation):
                    self.fail_if(f"!{self.number(condition)}", violation)
                case Alloc():
                    self._alloc(instruction)
                case Free():
                    self._free(instruction)
                case Spawn():
                    self._spawn(instruction)

    def begin(self, template: str, instance: str) -> None:
        """Write what a process does before its first step, in the step that starts it."""
        raise NotImplementedError

    def block_if(self, condition: str) -> None:
        """Write that the step is disabled if a condition holds."""
        self.write("if", f":: {condition} -> blocked = 1; goto {self.abort}", ":: else", "fi;")

    def _too_few(self, condition: str, what: str) -> None:
        """Write that there are too few of something if a condition holds: no step, but no rest."""
        self.fail_if(condition, f"bound reached: {what}")

    # --- values ---------------------------------------------------------------------------------

    def _assign(self, var: str, value: Expr) -> None:
        kind = self.layout.program.templates[self.template].variables[var]
        if self.is_sequence(kind):
            self.assign(self.variable_sequence(var), self.sequence(value))
        else:
            self.write(f"{self.variable(var)} = {self.ranged(value, kind)};")

    def _store(self, store: Store) -> None:
        address = self.reference(store.ref)
        kind = self.layout.program.kinds[store.kind].fields[store.field].type
        if self.is_sequence(kind):
            place = self.field_sequence(store.kind, store.field, address)
            self.assign(place, self.sequence(store.value))
        else:
            value = self.ranged(store.value, kind)
            self.write(f"{self.field(store.kind, store.field, address)} = {value};")

    def _choose(self, choose: Choose) -> None:
        element = element_of(choose.options.type)
        options = self.kept(choose.options)
        self.block_if(f"{options} == 0")
        picked = self._pick(options, self.memory.bits(element), first_code(element))
        self.write(f"{self.variable(choose.var)} = {picked};")

    def _pick(self, options: str, bits: int, first: int = 0) -> str:
        """Take the option that the next digit of `digits` says, in base of their number."""
        width = self.population(options, bits)
        digit = self.write.scratch(f"digits % {width}")
        self.write(f"digits = digits / {width};", f"plans = plans * {width};")
        return self.nth(options, bits, digit, first)

    # --- lives ----------------------------------------------------------------------------------

    def _alloc(self, alloc: Alloc) -> None:
        """Take any free slot that a dangling address names, or the first of the others."""
        group, life = self.layout.dynamic(alloc.kind), self.memory.lives[alloc.kind]
        options, others = self.write.scratch("0"), self.write.scratch("0")
        with self.write.count(group.count) as at, self.write.when(f"{life.name}({at}) == 0"):
            named = self._is_named(alloc.kind, f"({at} + {group.base})")
            self.write(
                f"{options} = ({named} || !{others} -> {options} | (1 << {at}) : {options});"
            )
            self.write(f"{others} = {others} || !{named};")
        self._too_few(f"{options} == 0", alloc.kind)
        taken = self._pick(options, group.count)
        self.write(f"{life.name}({taken}) = 1;")
        self._blank(alloc.kind, f"({taken} + {group.base})", zeroed=alloc.zeroed)
        self.write(f"{self.variable(alloc.var)} = 2 * ({taken} + {group.base + 1});")

    def _is_named(self, kind: str, index: str) -> str:
        """Return whether a stale address of an object, or of what is embedded in it, is left."""
        named = self.write.scratch("0")
        fields = self.layout.program.kinds
        ghosts = [
            self.memory.fields[k, f] for k in fields for f, i in fields[k].fields.items() if i.ghost
        ]
        for part, shift in self._parts(kind):
            stale = self.write.scratch(f"2 * ({index} + {shift + 1}) + 1")
            for cells in self.memory.arrays:
                if cells.count and cells not in ghosts and holds_references(cells.type, part):
                    with self.write.scope(), self.write.count(cells.length) as at:
                        value = f"{cells.name}({at})"
                        there = f"{value} == {stale}"
                        if isinstance(cells.type, SetOf):
                            there = f"({value} & (1 << ({stale} - 2))) != 0"
                        self.write(f"{named} = {named} || {there};")
        return named

    def _blank(self, kind: str, index: str, *, zeroed: bool) -> None:
        """Write that an object and all embedded in it hold nothing."""
        for part, shift in self._parts(kind):
            for name, info in self.layout.program.kinds[part].fields.items():
                cells = self.memory.fields[part, name]
                numbers = self.memory.zeros(info.type)
                if not zeroed and not info.ghost and part == kind:
                    numbers = [UNINITIALISED, *[0] * (len(numbers) - 1)]
                for at, number in enumerate(numbers):
                    place = f"({index} + {shift}) * {cells.width} + {at}"
                    self.write(f"{cells.name}({place}) = {number};")

    def _parts(self, kind: str) -> list[tuple[str, int]]:
        """Return an object's kind and all embedded in it, each with what to add to its index."""
        found = [(kind, 0)]
        for owner, shift in found:
            for field in self.layout.program.kinds[owner].embedded:
                inner, group = self.layout.embedded(owner, field)
                found.append((inner, shift + group.base))
        return found

    def _free(self, free: Free) -> None:
        group, life = self.layout.dynamic(free.kind), self.memory.lives[free.kind]
        address = self.kept(free.ref)
        low, high = 2 * (group.base + 1), 2 * (group.base + group.count)
        outside = (
            f"{address} > 0 && ({address} & 1) == 0 && ({address} < {low} || {address} > {high})"
        )
        stale = f"{address} > 0 && ({address} & 1)"
        self.fail_by(nowhere(address) | {"double-free": stale, "bad-free": outside})
        index = self.write.scratch(f"({address} >> 1) - 1")
        for part, shift in self._parts(free.kind):
            stale = self.write.scratch(f"{address} + {2 * shift}")
            for cells in self.memory.arrays:
                if cells.count and holds_references(cells.type, part):
                    self._make_stale(cells, stale)
        self._blank(free.kind, index, zeroed=True)
        self.write(f"{life.name}({index} - {group.base}) = 0;")

    def _make_stale(self, cells: Cells, address: str) -> None:
        """Write that every copy of an address in an array becomes a stale one."""
        with self.write.scope(), self.write.count(cells.length) as at:
            place = f"{cells.name}({at})"
            if isinstance(cells.type, SetOf):
                bit = f"(1 << ({address} - 2))"
                stale = f"({place} & ~{bit}) | ({bit} << 1)"
                self.write(f"{place} = ({place} & {bit} -> {stale} : {place});")
            else:
                self.write(f"{place} = ({place} == {address} -> {address} + 1 : {place});")

    # --- processes ------------------------------------------------------------------------------

    def _spawn(self, spawn: Spawn) -> None:
        target = self.layout.program.templates[spawn.process]
        positions = self.memory.positions[spawn.process]
        kinds = [target.variables[name] for name in target.parameters]
        values = self._arguments(spawn.args, kinds)
        at = self.write.scratch("0")
        with self.write.loop(f"{at} < {positions.count} && {positions.name}({at}) != 0"):
            self.write(f"{at} = {at} + 1;")
        self._too_few(f"{at} >= {positions.count}", spawn.process)
        for name, value in zip(target.parameters, values, strict=True):
            cells = self.memory.variables[spawn.process, name]
            if isinstance(value, Sequence):
                self.assign(Sequence(cells.name, f"{at} * {cells.width}", cells.width), value)
            else:
                self.write(f"{cells.name}({at}) = {value};")
        if (spawn.process, "@cpu") in self.memory.variables:
            cpu = "0" if spawn.cpu is None else self.number(spawn.cpu)
            self.write(f"{self.memory.variables[spawn.process, '@cpu'].name}({at}) = {cpu};")
        if spawn.var is not None:
            first = self.layout.first_process[spawn.process]
            self.write(f"{self.variable(spawn.var)} = {at} + {first + 1};")
        self.write(f"{positions.name}({at}) = {target.entry + 1};")
        if not target.blocks[target.entry].cut:
            self.begin(spawn.process, at)

    def _arguments(self, args: Iterable[Expr], kinds: Iterable[Type]) -> list[str | Sequence]:
        return [
            self.copied(self.sequence(a))
            if self.is_sequence(kind)
            else self.write.scratch(self.ranged(a, kind))
            for a, kind in zip(args, kinds, strict=True)
        ]
