"""The meaning of expressions: each is a function from a state and an instance to a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from kmcheck.diagnostics import Span
from kmcheck.ir.code import targets
from kmcheck.ir.expr import (
    Alive,
    And,
    Before,
    Bound,
    Closure,
    Cond,
    Const,
    Container,
    Element,
    Embedded,
    Expr,
    Initialised,
    LivesIn,
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Slots,
    Var,
)
from kmcheck.ir.layout import UNINITIALISED, Layout
from kmcheck.ir.types import Counter, Ref, SetOf, Type, first_code
from kmcheck.residual import Residual, conjunction, disjunction, negation
from kmcheck.semantics.faults import Fault, Undecided
from kmcheck.semantics.operations import PLAIN, Corrupt, form_operations, members, set_operations

Meaning = Callable[[list[Any], int], Any]
"""The value of an expression in a state, for an instance of the template it stands in."""


class Observer(Protocol):
    """Who wants to know what is loaded."""

    def loaded(self, kind: str, index: int, field: str, value: object, span: Span) -> None:
        """Note that a field was loaded."""


def index_of(
    reference: int, span: Span, kind: str, action: str = "followed", field: str = ""
) -> int:
    """Return the slot that a reference points to.

    Raises:
        Fault: it is null (`null-deref`), stale (`use-after-free`) or was never assigned.
    """
    if reference > 0 and not reference & 1:
        return (reference >> 1) - 1
    if reference == UNINITIALISED:
        raise Fault("uninitialised-read", f"a pointer that was never assigned is {action}", span)
    if reference == 0:
        raise Fault("null-deref", f"a NULL pointer to {kind} is {action}", span, field=field)
    thing = (kind, (reference >> 1) - 1)
    raise Fault(
        "use-after-free", f"a pointer to a freed {kind} is {action}", span, thing, field=field
    )


class Evaluator:
    """Turns the expressions of one template (or of the properties) into their meanings."""

    def __init__(
        self, layout: Layout, template: str | None, observer: Observer | None = None
    ) -> None:
        self.layout = layout
        self.template = template
        self.observer = observer
        self.cells = [0] * layout.program.cells
        self.previous: list[Any] = []
        self.forms = form_operations(layout.symbols)
        self.inside = _call_sites(layout)

    def of(self, expr: Expr) -> Meaning:
        """Return the meaning of an expression."""
        match expr:
            case Const(value):
                if isinstance(expr.type, Counter):
                    zero = self.layout.zero(expr.type)
                    return lambda s, p: zero
                return lambda s, p: value
            case Var(name):
                base = self.layout.variables[self.template or "", name]
                return lambda s, p: s[base + p]
            case Initialised(var):
                return self._initialised(var)
            case Bound(cell):
                cells = self.cells
                return lambda s, p: cells[cell]
            case Self():
                first = self.layout.first_process.get(self.template or "", 0) + 1
                return lambda s, p: first + p
            case Load():
                return self._load(expr)
            case Embedded(ref, kind, field):
                return self._embedded(self.of(ref), kind, field, expr.span)
            case Container(ref, kind, field):
                return self._container(self.of(ref), kind, field, expr.span)
            case LivesIn(ref, kind, field):
                return self._lives_in(self.of(ref), kind, field)
            case Element(group, index):
                return self._element(group, self.of(index), index, expr.span)
            case Op():
                return self._op(expr)
            case And(args):
                parts = [self.of(a) for a in args]
                return lambda s, p: all(f(s, p) for f in parts)
            case Or(args):
                parts = [self.of(a) for a in args]
                return lambda s, p: any(f(s, p) for f in parts)
            case Cond(test, then, other):
                t, a, b = self.of(test), self.of(then), self.of(other)
                return lambda s, p: a(s, p) if t(s, p) else b(s, p)
            case Quantifier():
                return self._quantifier(expr)
            case Alive(kind):
                return self._alive(kind)
            case Running():
                return self._running()
            case Closure(origin, kind, field):
                return self._closure(self.of(origin), kind, field)
            case Before(value):
                f = self.of(value)
                return lambda s, p: f(self.previous, p)
            case Position():
                return self._position(expr)
            case Slots(kind):
                pool = self.layout.pool(kind)
                return lambda s, p: pool

    def formula(self, expr: Expr) -> Meaning:
        """Return the meaning of a truth value that may depend on sizes: a residual."""
        match expr:
            case And(args):
                parts = [self.formula(a) for a in args]
                return lambda s, p: _until(False, parts, s, p, conjunction)
            case Or(args):
                parts = [self.formula(a) for a in args]
                return lambda s, p: _until(True, parts, s, p, disjunction)
            case Op(name="not", args=(inner,)):
                f = self.formula(inner)
                return lambda s, p: negation(f(s, p))
            case Cond(test, then, other):
                t, a, b = self.of(test), self.formula(then), self.formula(other)
                return lambda s, p: a(s, p) if t(s, p) else b(s, p)
            case Quantifier(what="all" | "any" as what, body=body):
                gather = conjunction if what == "all" else disjunction
                values = self._each(expr, self.formula(body))
                return lambda s, p: gather(list(values(s, p)))
            case Op(name="form_eq" | "form_ne" | "form_lt" | "form_le" | "form_gt" | "form_ge"):
                return self._op(expr)
            case _:
                f = self.of(expr)
                return lambda s, p: bool(f(s, p))

    def _initialised(self, var: Var) -> Meaning:
        base = self.layout.variables[self.template or "", var.name]

        def read(s: list[Any], p: int) -> Any:
            value = s[base + p]
            if value == UNINITIALISED:
                name = var.name.split("@")[0]
                raise Fault(
                    "uninitialised-read", f"`{name}` is read before it is assigned", var.span
                )
            return value

        return read

    def _load(self, expr: Load) -> Meaning:
        kind, field, span = expr.kind, expr.field, expr.span
        base = self.layout.fields[kind, field] - 1
        ref = self.of(expr.ref)
        checked = self.layout.program.kinds[kind].may_be_uninitialised

        def load(s: list[Any], p: int) -> Any:
            v = ref(s, p)
            if v <= 0 or v & 1:
                index_of(v, span, kind, field=field)
            return s[base + (v >> 1)]

        if self.observer is None and not checked:
            return load
        observer = self.observer

        def careful(s: list[Any], p: int) -> Any:
            value = load(s, p)
            index = (ref(s, p) >> 1) - 1
            if value == UNINITIALISED:
                message = f"{kind}.{field} is read before it is written"
                raise Fault("uninitialised-read", message, span, (kind, index))
            if observer is not None:
                observer.loaded(kind, index, field, value, span)
            return value

        return careful

    def _embedded(self, ref: Meaning, kind: str, field: str, span: Span) -> Meaning:
        _, group = self.layout.embedded(kind, field)
        shift = 2 * group.base

        def address(s: list[Any], p: int) -> int:
            v: int = ref(s, p)
            if v <= 0:
                index_of(v, span, kind)
            return v + shift

        return address

    def _container(self, ref: Meaning, kind: str, field: str, span: Span) -> Meaning:
        inner, group = self.layout.embedded(kind, field)
        low, high, shift = 2 * (group.base + 1), 2 * (group.base + group.count) + 1, 2 * group.base

        def address(s: list[Any], p: int) -> int:
            v: int = ref(s, p)
            if v <= 0:
                index_of(v, span, inner)
            if not low <= v <= high:
                message = f"container_of: this {inner} does not live in {kind}.{field}"
                raise Fault("assertion", message, span, (inner, (v >> 1) - 1))
            return v - shift

        return address

    def _lives_in(self, ref: Meaning, kind: str, field: str) -> Meaning:
        _, group = self.layout.embedded(kind, field)
        low, high = 2 * (group.base + 1), 2 * (group.base + group.count) + 1
        return lambda s, p: low <= ref(s, p) <= high

    def _element(self, name: str, index: Meaning, shown: Expr, span: Span) -> Meaning:
        _, group = self.layout.group(name)
        if group.role == "global" or (isinstance(shown, Const) and shown.value == 0):
            fixed = 2 * (group.base + 1)
            return lambda s, p: fixed
        first = group.base + (1 if group.role == "cpu" else 0)

        def address(s: list[Any], p: int) -> int:
            i = index(s, p)
            at = i if group.role == "cpu" else i - 1
            if not 0 <= at < group.count:
                raise Fault("range", f"there is no {name} number {at}", span)
            return 2 * (first + i)

        return address

    def _op(self, expr: Op) -> Meaning:
        args = [self.of(a) for a in expr.args]
        if expr.name == "array_get":
            return _array_get(args[0], args[1], expr.span)
        if expr.name == "array_set":
            return _array_set(args[0], args[1], args[2], expr.span)
        if expr.name == "form_is_zero":
            return _is_zero(args[0], expr.span)
        function = self._operation(expr)
        if len(args) == 2:  # noqa: PLR2004 - nearly all, and the fast case
            a, b = args
            plain: Meaning = lambda s, p: function(a(s, p), b(s, p))  # noqa: E731
        elif len(args) == 1:
            (a,) = args
            plain = lambda s, p: function(a(s, p))  # noqa: E731
        else:
            plain = lambda s, p: function(*[f(s, p) for f in args])  # noqa: E731
        if expr.name not in _MAY_CORRUPT:
            return plain
        return self._corruptible(plain, expr)

    def _operation(self, expr: Op) -> Callable[..., Any]:
        if expr.name in PLAIN:
            return PLAIN[expr.name]
        if expr.name in self.forms:
            return self.forms[expr.name]
        container = expr.type if isinstance(expr.type, SetOf) else expr.args[0].type
        element = container.element if isinstance(container, SetOf) else container
        return set_operations(first_code(element), references=isinstance(element, Ref))[expr.name]

    def _corruptible(self, plain: Meaning, expr: Op) -> Meaning:
        element = expr.args[1].type if len(expr.args) > 1 else expr.type

        def run(s: list[Any], p: int) -> Any:
            try:
                return plain(s, p)
            except Corrupt as corrupt:
                raise Fault(
                    "list-corruption", corrupt.message, expr.span, _thing(element, corrupt.member)
                ) from None

        return run

    def _quantifier(self, expr: Quantifier) -> Meaning:
        values = self._each(expr, self.of(expr.body))
        match expr.what:
            case "all":
                return lambda s, p: all(values(s, p))
            case "any":
                return lambda s, p: any(values(s, p))
            case "count":
                return lambda s, p: sum(1 for _ in values(s, p))
            case "filter":
                first = first_code(expr.type.element) if isinstance(expr.type, SetOf) else 0
                return lambda s, p: sum(1 << (v - first) for v in values(s, p))
            case "total" if isinstance(expr.type, Counter):
                zero, add = self.layout.zero(expr.type), self.forms["form_add"]

                def total(s: list[Any], p: int) -> Any:
                    result = zero
                    for value in values(s, p):
                        result = add(result, value)
                    return result

                return total
            case _:
                return lambda s, p: sum(values(s, p))

    def _each(self, expr: Quantifier, body: Meaning) -> Meaning:
        domain, where = self.of(expr.domain), self.of(expr.where)
        cells, cell = self.cells, expr.cell
        element = expr.domain.type
        if not isinstance(element, SetOf):

            def sequence(s: list[Any], p: int) -> Any:
                for value in domain(s, p):
                    cells[cell] = value
                    if where(s, p):
                        yield body(s, p)

            return sequence
        first = first_code(element.element)

        def values(s: list[Any], p: int) -> Any:
            for value in members(domain(s, p), first):
                cells[cell] = value
                if where(s, p):
                    yield body(s, p)

        return values

    def _alive(self, kind: str) -> Meaning:
        always, sometimes = 0, []
        for index in range(self.layout.pool(kind)):
            slot = self.layout.life_slot(kind, index)
            if slot is None:
                always |= 1 << 2 * index
            else:
                sometimes.append((slot, 1 << 2 * index))
        return lambda s, p: always | sum(bit for slot, bit in sometimes if s[slot])

    def _running(self) -> Meaning:
        places = [
            (self.layout.pc[name] + i, 1 << (self.layout.first_process[name] + i))
            for name in self.layout.processes
            for i in range(self.layout.instances(name))
        ]
        return lambda s, p: sum(bit for slot, bit in places if s[slot])

    def _closure(self, origin: Meaning, kind: str, field: str) -> Meaning:
        base = self.layout.fields[kind, field] - 1

        def reach(s: list[Any], p: int) -> int:
            v, mask = origin(s, p), 0
            while v > 0 and not v & 1 and not mask >> (v - 2) & 1:
                mask |= 1 << (v - 2)
                v = s[base + (v >> 1)]
            return mask

        return reach

    def _position(self, expr: Position) -> Meaning:
        process = self.of(expr.process)
        flags: list[frozenset[int]] = []
        slots: list[int] = []
        for name in self.layout.processes:
            template = self.layout.program.templates[name]
            match expr.what:
                case "ended":
                    marked = frozenset({0})
                case "begun":
                    first = {b + 1 for b in first_cuts(self.layout, name)}
                    marked = frozenset(set(range(len(template.blocks) + 1)) - first)
                case "inside":
                    marked = self.inside[name].get(expr.function, frozenset())
            for i in range(self.layout.instances(name)):
                flags.append(marked)
                slots.append(self.layout.pc[name] + i)

        def at(s: list[Any], p: int) -> bool:
            number = process(s, p) - 1
            return number >= 0 and s[slots[number]] in flags[number]

        return at


_MAY_CORRUPT = {
    "with",
    "remove",
    "list_append",
    "list_push",
    "list_remove",
    "list_after",
    "list_concat",
}


def _thing(element: Type, value: int) -> tuple[str, int] | None:
    return (element.kind, (value >> 1) - 1) if isinstance(element, Ref) and value > 0 else None


def _until(
    stop: bool,  # noqa: FBT001 - the neutral element's opposite
    parts: list[Meaning],
    s: list[Any],
    p: int,
    gather: Callable[[list[Residual]], Residual],
) -> Residual:
    found: list[Residual] = []
    for part in parts:
        value = part(s, p)
        if value is stop:
            return stop
        found.append(value)
    return gather(found)


def _array_get(items: Meaning, index: Meaning, span: Span) -> Meaning:
    def get(s: list[Any], p: int) -> Any:
        values, at = items(s, p), index(s, p)
        if not 0 <= at < len(values):
            raise Fault(
                "range", f"index {at} is outside of the array's {len(values)} elements", span
            )
        return values[at]

    return get


def _array_set(items: Meaning, index: Meaning, new: Meaning, span: Span) -> Meaning:
    def changed(s: list[Any], p: int) -> Any:
        values, at = items(s, p), index(s, p)
        if not 0 <= at < len(values):
            raise Fault(
                "range", f"index {at} is outside of the array's {len(values)} elements", span
            )
        return (*values[:at], new(s, p), *values[at + 1 :])

    return changed


def _is_zero(form: Meaning, span: Span) -> Meaning:
    def decide(s: list[Any], p: int) -> bool:
        value = form(s, p)
        if not any(value):
            return True
        if all(c >= 0 for c in value) or all(c <= 0 for c in value):
            return False
        raise Undecided(span)

    return decide


def first_cuts(layout: Layout, name: str) -> frozenset[int]:
    """Return the blocks at which a process may be that has not made a step yet."""
    from_entry, template = [layout.program.templates[name].entry], layout.program.templates[name]
    seen: set[int] = set()
    found: set[int] = set()
    while from_entry:
        at = from_entry.pop()
        if at < 0 or at in seen:
            continue
        seen.add(at)
        if template.blocks[at].cut:
            found.add(at)
        else:
            from_entry.extend(targets(template.blocks[at]))
    return frozenset(found)


def _call_sites(layout: Layout) -> dict[str, dict[str, frozenset[int]]]:
    """For each process, for each function: the positions inside a call of it."""
    found: dict[str, dict[str, frozenset[int]]] = {}
    for name in layout.processes:
        inside: dict[str, set[int]] = {}
        for number, block in enumerate(layout.program.templates[name].blocks):
            for call in block.calls:
                inside.setdefault(call.function, set()).add(number + 1)
        found[name] = {function: frozenset(blocks) for function, blocks in inside.items()}
    return found
