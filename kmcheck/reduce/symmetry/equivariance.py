"""What breaks a symmetry: code and properties that tell interchangeable things apart.

The steps of a system have to commute with permutations: what a state may do, its image may do, and
with images of the same results. An expression commutes if its operations do, and nearly all do:
they copy addresses, compare them, follow them. This file finds those that do not.

- Constants that name something; order and arithmetic on names; names as indices of arrays.
- `lowest`, but in loops whose order is no matter.
- Quantifiers over a set that stop at the first member that decides, where another member ends in a
  violation: which comes first is then a matter of numbering. So do properties of objects.
- A process that is started takes the first instance that is free, and an instance that has ended
  may still be named by somebody: no instances of what is started after setup are interchangeable.
- A new object takes the lowest slot that no dangling address names. The free slots that nothing
  names are blank and can be swapped, so that any of them does as well; but where ghosts may name a
  slot, which do not count there, kinds that are freed are left out.
- Properties of steps speak of two states at once.

Source: C. N. Ip, D. L. Dill, "Better verification through symmetry" (1996), for scalarsets, which
are what is left when all this is refused; E. M. Clarke, R. Enders, T. Filkorn, S. Jha,
"Exploiting symmetry in temporal logic model checking" (1996).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kmcheck.ir.code import (
    Assign,
    Block,
    Branch,
    Check,
    Choose,
    Instruction,
    Spawn,
    Store,
    Template,
    values,
)
from kmcheck.ir.expr import Cond, Const, Element, Expr, Op, Quantifier, children
from kmcheck.ir.layout import Layout, holds_references
from kmcheck.ir.program import Property
from kmcheck.ir.types import ArrayOf, Counter, ListOf, ProcessId, Ref, SetOf, Size, Type
from kmcheck.reduce.symmetry.changes import Changes
from kmcheck.reduce.symmetry.faults import COMPARISONS, Faults, Known
from kmcheck.reduce.symmetry.loops import Loops
from kmcheck.semantics.renaming import names_things


class Category(NamedTuple):
    """Things of one sort: processes of a template, objects of a kind, symbols."""

    what: str
    name: str


SYMBOLS = Category("symbol", "")

ALIKE = {"eq", "ne", "same", "differ", "union", "intersect", "minus", "unseen", "subset"}
"""Operations on two values of one type."""

MEMBER = {"has", "with", "without", "remove", "list_has", "list_append", "list_push"}
MEMBERS = MEMBER | {"list_remove", "list_after"}
"""Operations on a collection and a member."""

ALONE = {"size", "only", "linked", "list_first", "list_rest", "list_concat", "list_len"}
ANY = ALONE | COMPARISONS | {"is_alive", "form_size", "form_add", "form_sub", "form_is_zero"}
"""Operations whose types cannot be but right."""


@dataclass(slots=True)
class Equivariance:
    """Looks through a program for what breaks the symmetry of which things."""

    layout: Layout
    changes: Changes
    broken: set[Category] = field(default_factory=set)
    unordered: set[int] = field(default_factory=set)
    """The `lowest` operations that are no matter, by their Python identities."""
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        """Say what may dangle."""
        self.faults = Faults(self.layout, self.changes.dangling)

    def look(self) -> None:
        """Look through all code and all properties."""
        self.broken |= {Category("process", name) for name in self.changes.spawned}
        self._look_for_ghosts()
        for template in self.layout.program.templates.values():
            if template.role != "setup":
                self._look_at(template)
        for prop in self.layout.program.properties:
            self._judge(prop)

    def touched(self, kind: Type | None) -> Iterator[Category]:
        """Yield the categories of what values of a type may name."""
        match kind:
            case Ref(kind=name):
                yield from self._objects(name)
            case ProcessId():
                yield from (Category("process", name) for name in self.layout.processes)
            case Size() | Counter():
                yield SYMBOLS
            case SetOf(element=element) | ListOf(element=element) | ArrayOf(element=element):
                yield from self.touched(element)

    def _objects(self, kind: str) -> Iterator[Category]:
        for group in self.layout.groups[kind]:
            if group.role == "dynamic":
                yield Category("object", kind)
            elif group.role == "embedded":
                yield from self._objects(group.container)
            elif group.role == "process":
                yield from self.touched(ProcessId())

    def _break(self, kind: Type | None) -> None:
        self.broken.update(self.touched(kind))

    def _look_for_ghosts(self) -> None:
        """Look for ghosts that may name a freed slot which a new object may get."""
        program = self.layout.program
        for name in self.changes.allocated & self.changes.dangling:
            parts = {kind for kind, _ in self.layout.parts(name, self.layout.dynamic(name).base)}
            if any(
                info.ghost and holds_references(info.type, part)
                for declared in program.kinds.values()
                for info in declared.fields.values()
                for part in parts
            ):
                self.broken.add(Category("object", name))

    def _look_at(self, template: Template) -> None:
        loops = Loops(self.layout, template, self.faults)
        self.unordered |= {id(lowest) for lowest in loops.unordered()}
        for block in template.blocks:
            for instruction in block.instructions:
                self._execute(instruction, template)
            for condition in _condition(block):
                self._evaluate(condition, Known())

    def _execute(self, instruction: Instruction, template: Template) -> None:
        for value in values(instruction):
            formula = isinstance(instruction, Check) and value is instruction.condition
            self._evaluate(value, Known(), formula=formula)
        match instruction:
            case Assign(var=var, value=value):
                self._fits(value, template.variables[var])
            case Store(kind=kind, field=name, value=value):
                self._fits(value, self.layout.program.kinds[kind].fields[name].type)
            case Choose(var=var, options=options):
                self._fits(options, SetOf(template.variables[var]))
            case Spawn(process=process, args=args, cpu=cpu):
                target = self.layout.program.templates[process]
                for parameter, value in zip(target.parameters, args, strict=True):
                    self._fits(value, target.variables[parameter])
                if cpu is not None:
                    self._break(cpu.type)
            case _:
                pass

    def _judge(self, prop: Property) -> None:
        known = Known()
        wrong: set[str] = set()
        for cell, _, domain in prop.parameters:
            wrong |= self.faults.of(domain, known)
            self._evaluate(domain, known)
            known = known.within(cell, domain)
        self._evaluate(prop.formula, known, formula=True)
        if wrong | self.faults.of(prop.formula, known, formula=True):
            for _, _, domain in prop.parameters:
                self._break(domain.type)

    def _evaluate(self, expr: Expr, known: Known, *, formula: bool = False) -> None:
        """Look at an expression and all below it."""
        match expr:
            case Const():
                if not _is_nothing(expr):
                    self._break(expr.type)
            case Element(group=group, index=index):
                if self.layout.group(group)[1].role == "process":
                    if not isinstance(index.type, ProcessId):
                        self._break(ProcessId())
                else:
                    self._break(index.type)
            case Cond(then=then, other=other):
                self._fits(then, expr.type)
                self._fits(other, expr.type)
            case Op():
                self._operate(expr)
            case Quantifier():
                self._quantify(expr, known, formula=formula)
                known = known.within(expr.cell, expr.domain)
            case _:
                pass
        for child in children(expr):
            self._evaluate(child, known, formula=formula)

    def _quantify(self, expr: Quantifier, known: Known, *, formula: bool) -> None:
        """Look whether the order in which members come makes a difference."""
        if expr.what == "total" and not isinstance(expr.body.type, Counter):
            self._break(expr.body.type)
        domain = expr.domain.type
        if not isinstance(domain, SetOf):
            return  # a list or an array has an order of its own
        wrong = self.faults.inside(expr, known, formula=formula)
        if len(wrong) > (0 if expr.what in ("all", "any") else 1):
            self._break(domain)

    def _operate(self, expr: Op) -> None:
        """Look whether an operation only copies, compares and collects names."""
        types = [arg.type for arg in expr.args]
        if not any(map(names_things, (*types, expr.type))):
            return
        name = expr.name
        if name in ALIKE:
            one, other = expr.args
            self._fits(one, other.type) if _is_nothing(one) else self._fits(other, one.type)
        elif name in MEMBERS:
            self._fits(expr.args[1], getattr(types[0], "element", None))
        elif name == "array_get":
            self._break(types[1])
        elif name == "array_set":
            self._break(types[1])
            self._fits(expr.args[2], getattr(types[0], "element", None))
        elif name == "lowest":
            if id(expr) not in self.unordered:
                self._break(types[0])
        elif name not in ANY and name != "form_int":
            for kind in (*types, expr.type):
                self._break(kind)

    def _fits(self, value: Expr, kind: Type | None) -> None:
        """Look whether a value goes where values of its own type are."""
        if value.type != kind and not _is_nothing(value):
            self._break(value.type)
            self._break(kind)


def _is_nothing(expr: Expr) -> bool:
    """Tell whether an expression is a constant that names nothing."""
    if not isinstance(expr, Const):
        return False
    if isinstance(expr.type, Counter) or not names_things(expr.type):
        return True
    return not any(expr.value) if isinstance(expr.value, tuple) else expr.value == 0


def _condition(block: Block) -> Iterator[Expr]:
    if isinstance(block.terminator, Branch):
        yield block.terminator.condition
