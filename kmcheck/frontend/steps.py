"""Expressions in a process's code: each access to shared memory is a step of its own."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.pure import Pure
from kmcheck.frontend.scope import Alias, Place
from kmcheck.frontend.syntax import calls_in
from kmcheck.frontend.vocabulary import OPERANDS, PURE_METHODS, PURE_WORDS
from kmcheck.ir.code import Assign, Store
from kmcheck.ir.expr import (
    Alive,
    Closure,
    Const,
    Expr,
    Initialised,
    Load,
    Op,
    Position,
    Quantifier,
    Running,
    Var,
    walk,
)
from kmcheck.ir.types import BOOL, INT16, Counter, Int, ListOf, SetOf, Type

_WHOLE = (SetOf, ListOf, Counter)
"""What is looked at and changed as a whole."""


class Steps(Pure):
    """Lowers expressions with the steps that they take."""

    def value(self, node: ast.expr) -> Expr:
        """Return a node's value, after the steps that it takes to get there.

        The value may still have one access in it: it is to be used by the very next
        instruction, or kept with `hold`.
        """
        if self._only_looks(node):
            whole = self.pure(node)
            if self.builder.atomic:
                return whole
            loads = self.shared_loads(whole)
            if loads == 1:
                self.builder.cut(self.span(node))
                self.builder.here.plain = self._is_plain(node, whole)
            if loads <= 1:
                return whole
        return self._composed(node)

    def _is_plain(self, node: ast.expr, value: Expr) -> bool:
        """Tell whether a value with one load in it is loaded plainly, by the spec's own code.

        A set or a list stands for what its own lock guards: looking at it is no plain load.
        """
        marked = any(self.word(inner.func) == "READ_ONCE" for inner in calls_in(node))
        kinds = (part.type for part in walk(value) if isinstance(part, Load))
        whole = any(isinstance(kind, _WHOLE) for kind in kinds)
        return not marked and not whole and not self.frame.module.source.module

    def test(self, node: ast.expr) -> Expr:
        """Return whether a node's value is true, after the steps that it takes."""
        return self.as_condition(self.value(node), node)

    def hold(self, value: Expr) -> Expr:
        """Return a value that later steps can use: what memory it reads is read now."""
        if any(_may_change(e) for e in walk(value)):
            return self.keep(value)
        return value

    def keep(self, value: Expr) -> Var:
        """Return a temporary that holds the value."""
        name = self.builder.temporary(value.type)
        self.builder.emit(Assign(name, value, value.span))
        return Var(name, value.type, value.span)

    def held(self, node: ast.expr) -> Expr:
        """Return a node's value, kept."""
        return self.hold(self.value(node))

    def _only_looks(self, node: ast.expr) -> bool:
        for inner in calls_in(node):
            word = self.word(inner.func)
            if word:
                if word not in PURE_WORDS:
                    return False
            elif not isinstance(inner.func, ast.Attribute) or inner.func.attr not in PURE_METHODS:
                return False
        return True

    def _composed(self, node: ast.expr) -> Expr:
        span = self.span(node)
        match node:
            case ast.Attribute() | ast.Subscript():
                place = self.place_of(node)
                if not isinstance(place, Place):
                    return place
                self.access(place, span, plain=True)
                return self.load_of(place, span)
            case ast.BoolOp(op=op, values=values):
                return self._short_circuit(op, values, node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.negate(self.test(operand), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.arithmetic(
                    ast.Sub(), Const(0, Int(0, 0), span), self.value(operand), node
                )
            case ast.BinOp(left=left, op=op, right=right):
                first = self.held(left)
                return self.arithmetic(op, first, self.value(right), node)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                self.refuse_display(node)
                first_ones = [self.held(v) for v in (left, *rest[:-1])]
                return self.comparison(ops, [*first_ones, self.value(rest[-1])], node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._conditional(test, body, orelse, node)
            case ast.Call(func=ast.Attribute(attr=name)) if name in PURE_METHODS:
                return self._look(node) if self._only_looks(node) else self.call(node)
            case ast.Call():
                return self._look(node) if self.word(node.func) in PURE_WORDS else self.call(node)
        return self._too_much(node)

    def _too_much(self, node: ast.expr) -> Expr:
        self.pure(node)
        raise self.unknown(node)

    def call(self, node: ast.Call) -> Expr:
        """Return the value of a call, after the steps that it takes."""
        raise NotImplementedError

    def _look(self, node: ast.Call) -> Expr:
        """Return what a call that changes nothing gives: its operands first, each a step.

        Raises:
            Refused: with the operands at hand, it still reads memory more than once.
        """
        word = self.word(node.func)
        if word == "READ_ONCE" and len(node.args) == 1:
            return self._marked(node.args[0])
        if word == "bool" and len(node.args) == 1:
            return self.test(node.args[0])
        names = dict(self.frame.names)
        given = OPERANDS.get(word, 0) if word else len(node.args)
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute):
            owner = self._at_hand(func.value.value)
            whole = ast.copy_location(ast.Attribute(owner, func.value.attr, ast.Load()), func.value)
            func = ast.copy_location(ast.Attribute(whole, func.attr, ast.Load()), func)
        args = [self._at_hand(a) for a in node.args[:given]] + node.args[given:]
        call = ast.copy_location(ast.Call(func, args, node.keywords), node)
        try:
            value = self.pure(call)
        finally:
            self.frame.names = names
        loads = 0 if self.builder.atomic else self.shared_loads(value)
        if loads > 1:
            title = "this reads memory more than once, and others may come between"
            raise self.refuse("K083", title, node, "", "put it into `with atomic():`")
        if loads:
            self.builder.cut(self.span(node))
        return value

    def _marked(self, node: ast.expr) -> Expr:
        """Return the value of a place that is loaded as READ_ONCE() does."""
        if isinstance(node, ast.Name) and not isinstance(self.frame.names.get(node.id), Place):
            return self.value(node)
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            return self.value(node)
        place, span = self.place_of(node), self.span(node)
        if not isinstance(place, Place):
            return place
        self.access(place, span)
        return self.load_of(place, span)

    def _at_hand(self, node: ast.expr) -> ast.expr:
        """Return a name for a node's value, which is loaded here."""
        if isinstance(node, ast.Name) and node.id not in self.frame.names:
            return node
        name = f"@{len(self.frame.names)}"
        self.frame.names[name] = Alias(self.held(node))
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    # --- places ---------------------------------------------------------------------------------

    def place_of(self, node: ast.expr) -> Place | Expr:
        """Return the place that an attribute or an element names; what leads there is loaded."""
        match node:
            case ast.Name(id=name) if isinstance(self.frame.names.get(name), Place):
                return self.frame.names[name]  # type: ignore[return-value]
            case ast.Attribute(value=base, attr=name):
                return self.place(node, self.held(base), name)
            case ast.Subscript(value=base, slice=index):
                whole = self.place_of(base)
                if isinstance(whole, Place):
                    return self.element(whole, self.held(index), node)
        raise self.refuse(
            "K064", "this is no place in memory", node, "", "name a field: `object.field`"
        )

    def field_place(self, node: ast.expr) -> Place:
        """Return the place that a node names.

        Raises:
            Refused: it names a local or an embedded object.
        """
        place = self.place_of(node)
        if not isinstance(place, Place):
            title = "an embedded object is no value: it cannot be stored to"
            raise self.refuse("K064", title, node, "", self.changed_by(place.type))
        return place

    def access(self, place: Place, span: Span, note: str = "", *, plain: bool = False) -> None:
        """Begin the step that accesses a place, unless nobody else can see it.

        It is `plain` if it is a load or a store that is not marked: it may be a data race.
        """
        info = self.world.kinds[place.kind].fields[place.field]
        if not info.private and not info.ghost:
            self.builder.cut(span, note)
            ours = not self.frame.module.source.module and not isinstance(place.type, _WHOLE)
            self.builder.here.plain = plain and ours and not self.builder.atomic

    def store(self, place: Place, value: Expr, node: ast.AST) -> None:
        """Store a value to a place; the step has begun."""
        info = self.world.kinds[place.kind].fields[place.field]
        if self.in_ghost and not info.ghost:
            hint = f"declare it as `{place.field}: Ghost[...]`, or move this out of the ghost block"
            raise self.refuse(
                "K044",
                f"ghost code cannot write `{place.field}`, which is no ghost",
                node,
                "",
                hint,
            )
        span = self.span(node)
        if place.index is not None:
            array = self.world.kinds[place.kind].fields[place.field].type
            whole = Load(place.ref, place.kind, place.field, array, span)
            value = Op("array_set", (whole, place.index, value), array, span)
        self.builder.emit(Store(place.ref, place.kind, place.field, value, info.ghost, span))

    # --- control flow in expressions --------------------------------------------------------------

    def _short_circuit(self, op: ast.boolop, values: list[ast.expr], node: ast.expr) -> Expr:
        span = self.span(node)
        result = self.builder.temporary(BOOL)
        done = self.builder.draft(span)
        for value in values[:-1]:
            mark = self.builder.mark()
            test = self.test(value)
            stop, more = self.builder.draft(span), self.builder.draft(span)
            both = (more, stop) if isinstance(op, ast.And) else (stop, more)
            self.builder.branch(test, *both, span)
            self.builder.at(stop)
            self.builder.emit(Assign(result, Const(int(isinstance(op, ast.Or)), BOOL, span), span))
            self.builder.jump(done)
            self.builder.at(more)
            self.builder.release(mark)
        self.builder.emit(Assign(result, self.test(values[-1]), span))
        self.builder.jump(done)
        self.builder.at(done)
        return Var(result, BOOL, span)

    def _conditional(
        self, test: ast.expr, body: ast.expr, orelse: ast.expr, node: ast.expr
    ) -> Expr:
        span = self.span(node)
        condition = self.test(test)
        if isinstance(condition, Const):
            return self.value(body if condition.value else orelse)
        yes, no, done = (self.builder.draft(span) for _ in range(3))
        self.builder.branch(condition, yes, no, span)
        self.builder.at(yes)
        first = self.value(body)
        kind: Type = INT16 if isinstance(first.type, Int) else first.type
        result = self.builder.temporary(kind)
        self.builder.emit(Assign(result, first, span))
        self.builder.jump(done)
        self.builder.at(no)
        self.builder.emit(Assign(result, self.fit(self.value(orelse), kind, orelse, "this"), span))
        self.builder.jump(done)
        self.builder.at(done)
        return Var(result, kind, span)


def _may_change(part: Expr) -> bool:
    """Tell whether a part of a value may differ once other code has run."""
    if isinstance(part, Var):
        return part.name.startswith("@return")
    return isinstance(part, (Load, Alive, Running, Closure, Position, Quantifier, Initialised))
