"""Expressions that are evaluated in one go: in properties, guards and atomic blocks."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Literal

from kmcheck.diagnostics import Span
from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.operators import Mismatch, as_form, binary, compare, convert, truth
from kmcheck.frontend.report import Refused, did_you_mean
from kmcheck.frontend.scope import Alias, Frame, Local, Place, Static
from kmcheck.frontend.source import span_of
from kmcheck.frontend.symbols import (
    Broken,
    ConstantSymbol,
    EnumSymbol,
    FunctionSymbol,
    GlobalSymbol,
    KindSymbol,
    Symbol,
    Word,
)
from kmcheck.frontend.world import World
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
    Load,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Var,
)
from kmcheck.ir.program import FieldInfo
from kmcheck.ir.types import (
    BOOL,
    INT16,
    PROCESS,
    VOID,
    ArrayOf,
    Bool,
    Counter,
    Function,
    Int,
    ListOf,
    ProcessId,
    Ref,
    SetOf,
    Size,
    Type,
    show,
)

CONTEXTS = {"setup": "setup", "property": "a property", "action": "an action"}


class Pure:
    """Lowers expressions that change nothing. `role` says where: in a process, a property, setup, ..."""

    def __init__(self, world: World, builder: Builder, role: str) -> None:
        self.world = world
        self.builder = builder
        self.role = role
        self.frame: Frame
        self.dead = 0
        """How many enclosing branches are never taken because of a choice."""
        self.in_ghost = role == "property"
        self.depth = 0
        """How many pure functions deep."""

    # --- reporting ------------------------------------------------------------------------------

    def span(self, node: ast.AST) -> Span:
        """Return where a node of the current function's file stands."""
        return span_of(self.frame.module.source, node)

    def refuse(
        self, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a node of the current function's file.

        Where that is a library's, the one to tell is who called the library.
        """
        frame, called = self.frame, None
        while frame.module.source.module and frame.caller is not None:
            frame, called = frame.caller, frame.at
        if called is not None:
            return self.world.reporter.report(code, title, called, label, hint)
        return self.world.loader.refuse(self.frame.module, code, title, node, label, hint)

    def fit(self, value: Expr, wanted: Type, node: ast.AST, what: str) -> Expr:
        """Return a value as one of the type wanted.

        Raises:
            Refused: it is not one.
        """
        fitting = convert(value, wanted)
        if fitting is None:
            title = f"{what} is to be {article(wanted)}, not {article(value.type)}"
            raise self.refuse("K040", title, node, f"this is {article(value.type)}")
        return fitting

    # --- names ----------------------------------------------------------------------------------

    def symbol(self, node: ast.expr) -> Symbol | None:
        """Return the top-level symbol that a name stands for, None if it is anything else.

        Raises:
            Refused: its definition was refused.
        """
        if not isinstance(node, ast.Name):
            return None
        binding = self.frame.names.get(node.id)
        if isinstance(binding, Static):
            return binding.symbol
        if binding is not None:
            return None
        symbol = self.frame.module.symbols.get(node.id)
        if isinstance(symbol, Broken):
            raise Refused
        return symbol

    def word(self, node: ast.expr) -> str:
        """Return the word of the language, or the Python builtin, that a name stands for."""
        symbol = self.symbol(node)
        if isinstance(symbol, Word):
            return symbol.name
        if symbol is None and isinstance(node, ast.Name) and node.id not in self.frame.names:
            return node.id if node.id in _BUILTINS else ""
        return ""

    def _name(self, node: ast.Name) -> Expr:
        span = self.span(node)
        match self.frame.names.get(node.id):
            case Local() as local:
                return self.variable(node.id, local, span)
            case Alias(value):
                self._refuse_unset(node, value)
                return value
            case Place() as place:
                return self.load_of(place, span)
            case Broken():
                raise Refused
            case Static():
                raise self.refuse("K041", f"`{node.id}` is no value", node)
        match self.frame.module.symbols.get(node.id):
            case Broken():
                raise Refused
            case ConstantSymbol(value):
                return value
            case GlobalSymbol(name, kind, "system"):
                return Element(name, Const(0, Int(0, 0), span), Ref(kind), span)
            case GlobalSymbol(per=per):
                hint = (
                    "write `this_cpu(x)` or `x.on(cpu)`"
                    if per == "cpu"
                    else "write `mine(x)` or `x.of(process)`"
                )
                raise self.refuse(
                    "K041", f"`{node.id}` is one object per {per}: which?", node, "", hint
                )
            case FunctionSymbol():
                raise self.refuse(
                    "K041", f"`{node.id}` is a function: call it, or store it in a field", node
                )
            case KindSymbol() | EnumSymbol():
                raise self.refuse("K041", f"`{node.id}` is a class, not a value", node)
            case Word() as word:
                raise self.refuse("K041", f"`{word.name}` is no value", node)
        known = [*self.frame.names, *self.frame.module.symbols]
        if node.id in self.frame.assigned:
            hint = "assign it before"
            raise self.refuse(
                "K042", f"`{node.id}` has no value yet", node, "read before it is assigned", hint
            )
        raise self.refuse(
            "K042", f"there is no `{node.id}`", node, "unknown name", did_you_mean(node.id, known)
        )

    def _refuse_unset(self, node: ast.Name, value: Expr) -> None:
        local = node.id in self.frame.assigned and isinstance(value, Element)
        if local and node.id not in self.frame.sure:
            hint = "assign it on every way that leads here"
            raise self.refuse("K042", f"`{node.id}` may have no value here", node, "", hint)

    def variable(self, name: str, local: Local, span: Span) -> Expr:
        """Return a variable's value; noticed, where it may not have been assigned."""
        value = Var(local.slot, local.type, span)
        if name in self.frame.sure or isinstance(local.type, (ListOf, ArrayOf, Counter)):
            return value
        self.frame.unset.add(local.slot)
        return Initialised(value, local.type, span)

    # --- places and loads -----------------------------------------------------------------------

    def load_of(self, place: Place, span: Span) -> Expr:
        """Return the value of a place."""
        whole = self.world.kinds[place.kind].fields[place.field].type
        loaded = Load(place.ref, place.kind, place.field, whole, span)
        return (
            loaded
            if place.index is None
            else Op("array_get", (loaded, place.index), place.type, span)
        )

    def place(self, node: ast.expr, base: Expr, name: str) -> Place | Expr:
        """Return the field `name` of `base` as a place, or the address of an object embedded there."""
        if not isinstance(base.type, Ref):
            title = f"{article(base.type)} has no field `{name}`"
            raise self.refuse("K043", title, node, "not an object")
        info = self.world.kinds[base.type.kind]
        if name in info.embedded:
            return Embedded(base, base.type.kind, name, Ref(info.embedded[name]), self.span(node))
        if name in info.broken:
            raise Refused
        if name not in info.fields:
            if name in info.symbol.methods:
                raise self.refuse("K041", f"`{name}` is a method: call it", node)
            known = [*info.fields, *info.embedded, *info.symbol.methods]
            hint = did_you_mean(name, known)
            title = f"{info.symbol.name} has no field `{name}`"
            raise self.world.reporter.report(
                "K012", title, self.tail(node, name), "unknown field", hint
            )
        if not _is_own(base):
            self.world.touch(base.type.kind, name)
        if info.fields[name].ghost and not self.in_ghost:
            hint = "read it in a property, or write it under `with ghost():`"
            raise self.refuse(
                "K044", f"`{name}` is a ghost: code must not depend on it", node, "", hint
            )
        return Place(base, base.type.kind, name, None, info.fields[name].type)

    def named_field(self, kind: str, keyword: ast.keyword) -> FieldInfo:
        """Return the field that `Kind(field=...)` gives a value.

        Raises:
            Refused: there is no such field, or it is an embedded object.
        """
        info = self.world.kinds[kind]
        if keyword.arg is None:
            raise self.refuse(
                "K046", "`**` is not in the spec language", keyword, "", "name the fields"
            )
        if keyword.arg in info.broken:
            raise Refused
        if keyword.arg in info.fields:
            return info.fields[keyword.arg]
        start = self.span(keyword)
        span = replace(start, end_line=start.line, end_column=start.column + len(keyword.arg))
        if keyword.arg in info.embedded:
            title = f"`{keyword.arg}` is embedded in {info.symbol.name}: it begins as zero"
            hint = "give its fields their values one by one, in setup"
            raise self.world.reporter.report("K020", title, span, "an object, not a value", hint)
        title = f"{info.symbol.name} has no field `{keyword.arg}`"
        hint = did_you_mean(keyword.arg, info.fields)
        raise self.world.reporter.report("K012", title, span, "unknown field", hint)

    def tail(self, node: ast.expr, name: str) -> Span:
        """Return the place of the last `name` characters of a node: the attribute itself."""
        span = self.span(node)
        return Span(
            span.source, span.end_line, span.end_column - len(name), span.end_line, span.end_column
        )

    def element(self, place: Place, index: Expr, node: ast.expr) -> Place:
        """Return an element of an array as a place."""
        if not isinstance(place.type, ArrayOf):
            raise self.refuse(
                "K045", f"only an array has elements: this is {article(place.type)}", node
            )
        at = self.fit(index, INT16, node, "an index")
        return Place(place.ref, place.kind, place.field, at, place.type.element)

    # --- expressions ----------------------------------------------------------------------------

    def pure(self, node: ast.expr) -> Expr:
        """Return the expression that a node means, evaluated in one go."""
        span = self.span(node)
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant(value=None):
                return Const(0, VOID, span)
            case ast.Constant(value=bool() | int()):
                return self.world.loader.constant(self.frame.module, node)
            case ast.Attribute(value=base, attr=name):
                return self._attribute(node, base, name)
            case ast.Subscript(value=base, slice=index):
                return self._subscript(node, base, index)
            case ast.BoolOp(op=op, values=values):
                return self.connect(op, [self.condition(v) for v in values], span)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.negate(self.condition(operand), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.arithmetic(
                    ast.Sub(), Const(0, Int(0, 0), span), self.pure(operand), node
                )
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(op, self.pure(left), self.pure(right), node)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                values = [self.pure(v) for v in (left, *rest)]
                return self.comparison(ops, values, node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.either(self.condition(test), self.pure(body), self.pure(orelse), node)
            case ast.Call():
                return self._call(node)
        raise self.unknown(node)

    def unknown(self, node: ast.expr) -> Refused:
        """Say that a piece of Python is not in the language."""
        name = _UNKNOWN.get(type(node).__name__, type(node).__name__.lower())
        return self.refuse(
            "K046",
            f"{name} is not in the spec language",
            node,
            "",
            _INSTEAD.get(type(node).__name__, ""),
        )

    def condition(self, node: ast.expr) -> Expr:
        """Return whether a node's value is true."""
        return self.as_condition(self.pure(node), node)

    def as_condition(self, value: Expr, node: ast.expr) -> Expr:
        """Return whether a value is true."""
        try:
            return truth(value)
        except Mismatch as mismatch:
            raise self.refuse("K047", str(mismatch), node) from None

    def connect(self, op: ast.boolop, parts: list[Expr], span: Span) -> Expr:
        """Return `and` or `or` of conditions, constants folded."""
        stop = 0 if isinstance(op, ast.And) else 1
        left: list[Expr] = []
        for part in parts:
            if isinstance(part, Const) and part.value != stop:
                continue
            left.append(part)
            if isinstance(part, Const):
                break
        if not left:
            return Const(1 - stop, BOOL, span)
        if len(left) == 1 or isinstance(left[0], Const):
            return left[0]
        return (And if stop == 0 else Or)(tuple(left), BOOL, span)

    def negate(self, value: Expr, span: Span) -> Expr:
        """Return `not value`."""
        return (
            Const(int(not value.value), BOOL, span)
            if isinstance(value, Const)
            else Op("not", (value,), BOOL, span)
        )

    def arithmetic(self, op: ast.operator, left: Expr, right: Expr, node: ast.AST) -> Expr:
        """Return `left op right`."""
        try:
            return binary(op, left, right, self.span(node))
        except Mismatch as mismatch:
            raise self.refuse("K048", str(mismatch), node) from None

    def comparison(self, ops: list[ast.cmpop], values: list[Expr], node: ast.expr) -> Expr:
        """Return `a < b < c`, each pair compared."""
        span = self.span(node)
        try:
            parts = [compare(op, values[i], values[i + 1], span) for i, op in enumerate(ops)]
        except Mismatch as mismatch:
            raise self.refuse("K049", str(mismatch), node) from None
        return self.connect(ast.And(), parts, span)

    def either(self, test: Expr, then: Expr, other: Expr, node: ast.expr) -> Expr:
        """Return `then if test else other`."""
        kind = self.join(then, other, node)
        then, other = self.fit(then, kind, node, "this"), self.fit(other, kind, node, "this")
        if isinstance(test, Const):
            return then if test.value else other
        return Cond(test, then, other, kind, self.span(node))

    def join(self, a: Expr, b: Expr, node: ast.AST) -> Type:
        """Return the type that both values have."""
        if isinstance(a.type, Int) and isinstance(b.type, Int):
            return Int(min(a.type.lo, b.type.lo), max(a.type.hi, b.type.hi))
        for kind, other in ((a.type, b), (b.type, a)):
            if convert(other, kind) is not None:
                return kind
        raise self.refuse(
            "K040", f"one of them is {article(a.type)}, the other {article(b.type)}", node
        )

    def _attribute(self, node: ast.expr, base: ast.expr, name: str) -> Expr:
        symbol = self.symbol(base)
        if isinstance(symbol, EnumSymbol):
            return self.world.loader.enum_member(self.frame.module, symbol, name, node)
        place = self.place(node, self.pure(base), name)
        return self.load_of(place, self.span(node)) if isinstance(place, Place) else place

    def _subscript(self, node: ast.expr, base: ast.expr, index: ast.expr) -> Expr:
        if isinstance(base, ast.Attribute):
            whole = self.place(base, self.pure(base.value), base.attr)
            if isinstance(whole, Place):
                return self.load_of(self.element(whole, self.pure(index), node), self.span(node))
        value = self.pure(base)
        if not isinstance(value.type, ArrayOf):
            raise self.refuse(
                "K045", f"only an array has elements: this is {article(value.type)}", node
            )
        at = self.fit(self.pure(index), INT16, index, "an index")
        return Op("array_get", (value, at), value.type.element, self.span(node))

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Expr:
        word = self.word(node.func)
        if word:
            return self._word(word, node)
        if isinstance(node.func, ast.Attribute):
            found = self._method(node, node.func)
            if found is not None:
                return found
        function = self.symbol(node.func)
        if isinstance(function, FunctionSymbol):
            return self.apply(function, node, None)
        if isinstance(function, KindSymbol):
            raise self.refuse(
                "K050", "an object cannot be allocated here: this is evaluated in one go", node
            )
        if isinstance(node.func, ast.Name):
            self._name(node.func)
        raise self.refuse("K050", "this cannot be called here", node)

    def _word(self, word: str, node: ast.Call) -> Expr:
        span = self.span(node)
        match word, node.args:
            case ("all" | "any" | "sum" | "total" | "count") as what, [
                ast.GeneratorExp() as generator
            ]:
                return self._quantifier(what, generator, node)
            case "len", [group]:
                return self._length(self.pure(group), node)
            case ("min" | "max") as name, [first, second]:
                return self._extreme(name, self.pure(first), self.pure(second), node)
            case "bool", [value]:
                return self.condition(value)
            case "SetOf", []:
                return Const(0, SetOf(VOID), span)
            case "alive", [kind]:
                name_ = self.kind(kind)
                return Alive(name_, SetOf(Ref(name_)), span)
            case "is_alive", [thing]:
                value = self.pure(thing)
                if not isinstance(value.type, Ref):
                    raise self.refuse(
                        "K040", f"is_alive takes an object, not {article(value.type)}", thing
                    )
                return Op("is_alive", (value,), BOOL, span)
            case "closure", [origin, link]:
                return self._closure(self.pure(origin), link, span)
            case "processes", []:
                return Running(SetOf(PROCESS), span)
            case ("begun" | "ended") as what, [who]:
                process = self.fit(self.pure(who), PROCESS, who, f"what {what} takes")
                return Position(what, process, "", BOOL, span)  # type: ignore[arg-type]
            case "inside", [who, function]:
                process = self.fit(self.pure(who), PROCESS, who, "what inside takes")
                return Position("inside", process, self._entered(word, function), BOOL, span)
            case "within", [function]:
                cell = self.world.cell()
                runner = Bound(cell, PROCESS, span)
                here = Position("inside", runner, self._entered(word, function), BOOL, span)
                running = Running(SetOf(PROCESS), span)
                return Quantifier("filter", cell, running, here, runner, SetOf(PROCESS), span)
            case "before", [value]:
                if self.role != "step":
                    raise self.refuse("K052", "`before` is for @step properties", node)
                inner = self.pure(value)
                return Before(inner, inner.type, span)
            case "me", []:
                self.in_process("me()", node)
                return Self(PROCESS, span)
            case "mine", [records]:
                self.in_process("mine()", node)
                group = self.group(records, "process", "mine")
                return Element(group.name, Self(PROCESS, span), Ref(group.kind), span)
            case "this_cpu", [instances]:
                self.in_process("this_cpu()", node)
                group = self.group(instances, "cpu", "this_cpu")
                self.builder.variables["@cpu"] = Int(0, 63)
                from_cpu = Var("@cpu", Int(0, 63), span)
                return Element(group.name, from_cpu, Ref(group.kind), span)
            case "READ_ONCE", [place]:
                return self.pure(place)
            case "container_of", [pointer, kind, member]:
                return self._container(self.pure(pointer), kind, member, span)
            case "slots", [kind]:
                raise self.refuse("K053", "slots() is for `limit=` only", node)
        if word in _EFFECTS:
            raise self.refuse(
                "K054", f"`{word}` changes something: it cannot stand here", node, "", _PURE_HINT
            )
        arguments = _SIGNATURES.get(word)
        if arguments:
            raise self.refuse(
                "K055", f"`{word}` is called with other arguments", node, "", f"write `{arguments}`"
            )
        raise self.refuse("K050", f"`{word}` cannot be called here", node)

    def _entered(self, word: str, node: ast.expr) -> str:
        """Return the key of a function that a process may be inside of."""
        symbol = self.symbol(node)
        if not isinstance(symbol, FunctionSymbol):
            hint = f"name one: `{_SIGNATURES[word]}`"
            raise self.refuse("K051", f"`{word}` asks for a function", node, "this is none", hint)
        self.world.asked.append((self.span(node), symbol))
        return symbol.key

    def in_process(self, what: str, node: ast.AST) -> None:
        """Refuse what only a process has.

        Raises:
            Refused: this is no process.
        """
        if self.role not in ("process", "daemon"):
            where = CONTEXTS.get(self.role, "a property")
            raise self.refuse("K056", f"{what} is for processes: {where} is none", node)

    def group(self, node: ast.expr, per: str, word: str) -> GlobalSymbol:
        """Return the group of global objects that a name stands for."""
        symbol = self.symbol(node)
        if not isinstance(symbol, GlobalSymbol) or symbol.per != per:
            kind = "PerCpu" if per == "cpu" else "PerProcess"
            raise self.refuse("K057", f"{word} takes a global declared with {kind}(...)", node)
        return symbol

    def kind(self, node: ast.expr) -> str:
        """Return the class that a name stands for."""
        symbol = self.symbol(node)
        if not isinstance(symbol, KindSymbol):
            known = [n for n, s in self.frame.module.symbols.items() if isinstance(s, KindSymbol)]
            hint = did_you_mean(node.id, known) if isinstance(node, ast.Name) else ""
            raise self.refuse("K058", "this is not a class of objects", node, "", hint)
        return symbol.name

    def member(self, node: ast.expr) -> tuple[str, str]:
        """Return the class and the field that `Class.field` names."""
        if not isinstance(node, ast.Attribute):
            raise self.refuse("K059", "name the field on its class", node, "", "as `Memcg.parent`")
        kind = self.kind(node.value)
        info = self.world.kinds[kind]
        if node.attr in info.broken:
            raise Refused
        if node.attr not in info.fields and node.attr not in info.embedded:
            hint = did_you_mean(node.attr, [*info.fields, *info.embedded])
            raise self.world.reporter.report(
                "K012",
                f"{kind} has no field `{node.attr}`",
                self.tail(node, node.attr),
                "unknown field",
                hint,
            )
        return kind, node.attr

    def _closure(self, origin: Expr, link: ast.expr, span: Span) -> Expr:
        kind, name = self.member(link)
        if self.world.kinds[kind].fields.get(name, None) is None or self.world.kinds[kind].fields[
            name
        ].type != Ref(kind):
            raise self.refuse("K059", f"`{name}` does not lead from {kind} to {kind}", link)
        start = self.fit(origin, Ref(kind), link, "what closure starts from")
        return Closure(start, kind, name, SetOf(Ref(kind)), span)

    def _container(self, pointer: Expr, kind: ast.expr, member: ast.expr, span: Span) -> Expr:
        owner, name = self.member(member)
        if owner != self.kind(kind):
            raise self.refuse("K059", f"this is no field of {self.kind(kind)}", member)
        inner = self.world.kinds[owner].embedded.get(name)
        if inner is None:
            raise self.refuse("K059", f"no object is embedded in {owner}.{name}", member)
        at = self.fit(pointer, Ref(inner), member, "the pointer")
        return Container(at, owner, name, Ref(owner), span)

    def _length(self, group: Expr, node: ast.expr) -> Expr:
        match group.type:
            case SetOf():
                return Op("size", (group,), Int(0, 64), self.span(node))
            case ListOf():
                return Op("list_len", (group,), Int(0, 64), self.span(node))
            case ArrayOf(length=length):
                return Const(length, Int(length, length), self.span(node))
        raise self.refuse("K040", f"{article(group.type)} has no length", node)

    def _extreme(self, name: str, a: Expr, b: Expr, node: ast.expr) -> Expr:
        if not isinstance(a.type, Int) or not isinstance(b.type, Int):
            raise self.refuse("K040", f"`{name}` takes two integers", node)
        pick = min if name == "min" else max
        kind = Int(pick(a.type.lo, b.type.lo), pick(a.type.hi, b.type.hi))
        return Op("min" if name == "min" else "max", (a, b), kind, self.span(node))

    def _quantifier(self, what: str, generator: ast.GeneratorExp, node: ast.expr) -> Expr:
        first, *others = generator.generators
        names = dict(self.frame.names)
        try:
            return self._level(what, generator, [first, *others], node)
        finally:
            self.frame.names = names

    def _level(
        self,
        what: str,
        generator: ast.GeneratorExp,
        levels: list[ast.comprehension],
        node: ast.expr,
    ) -> Expr:
        span = self.span(node)
        level, *inner = levels
        if not isinstance(level.target, ast.Name):
            raise self.refuse("K060", "a quantifier has one variable", level.target)
        domain = self.domain(level.iter)
        element = domain.type.element if isinstance(domain.type, (SetOf, ListOf, ArrayOf)) else VOID
        cell = self.world.cell()
        self.frame.names[level.target.id] = Alias(Bound(cell, element, self.span(level.target)))
        where = self.connect(ast.And(), [self.condition(c) for c in level.ifs], span)
        if inner:
            body = self._level(what, generator, inner, node)
            outer: str = {"sum": "total", "count": "total"}.get(what, what)
        else:
            body = self._body(what, generator.elt)
            outer = "total" if what == "sum" else what
        kind: Type = BOOL if what in ("all", "any") else body.type
        if what == "count":
            kind = Int(0, 4096)
        elif isinstance(kind, Int):
            kind = Int(min(0, kind.lo * 64), max(0, kind.hi * 64))
        picked: Literal["all", "any", "count", "total"] = outer  # type: ignore[assignment]
        return Quantifier(picked, cell, domain, where, body, kind, span)

    def _body(self, what: str, node: ast.expr) -> Expr:
        match what:
            case "all" | "any":
                return self.condition(node)
            case "count":
                return self.pure(node)
        value = self.pure(node)
        if isinstance(value.type, Bool):
            raise self.refuse(
                "K040", f"`{what}` adds numbers: to count, write `count(x for ... if ...)`", node
            )
        if isinstance(value.type, Int):
            return value
        form = as_form(value)
        if form is None:
            raise self.refuse(
                "K040", f"`{what}` adds numbers or sizes, not {article(value.type)}", node
            )
        return form

    def domain(self, node: ast.expr) -> Expr:
        """Return the values that a quantifier ranges over."""
        if isinstance(node, ast.Call) and self.word(node.func) == "range":
            ends = [self.world.loader.constant(self.frame.module, a).value for a in node.args]
            lo, hi = (0, ends[0]) if len(ends) == 1 else (ends[0], ends[-1])
            if len(ends) > 2 or not isinstance(lo, int) or not isinstance(hi, int) or hi - lo > 64:  # noqa: PLR2004
                raise self.refuse(
                    "K060", "a quantifier's range is `range(n)` or `range(a, b)`, small", node
                )
            return Const(
                (1 << max(0, hi - lo)) - 1, SetOf(Int(lo, max(lo, hi - 1))), self.span(node)
            )
        symbol = self.symbol(node)
        if isinstance(symbol, EnumSymbol):
            from_enum = self.world.loader.enum_member(
                self.frame.module, symbol, symbol.members[0], node
            )
            return Const((1 << len(symbol.members)) - 1, SetOf(from_enum.type), self.span(node))
        value = self.pure(node)
        if not isinstance(value.type, (SetOf, ListOf, ArrayOf)):
            hint = "write `alive(Type)`, or a field that is a set, a list or an array"
            raise self.refuse(
                "K060", f"{article(value.type)} cannot be looped over", node, "", hint
            )
        return value

    # --- methods on values ----------------------------------------------------------------------

    def _method(self, node: ast.Call, target: ast.Attribute) -> Expr | None:
        span, name = self.span(node), target.attr
        symbol = self.symbol(target.value)
        if isinstance(symbol, GlobalSymbol) and symbol.per != "system":
            return self._other_instance(symbol, name, node)
        base = self.pure(target.value)
        match base.type, name, node.args:
            case SetOf(), "copy", []:
                return base
            case ListOf(element=element), "first", []:
                return Op("list_first", (base,), element, span)
            case ListOf(element=element), "after", [member]:
                at = self.fit(self.pure(member), element, member, "a member")
                return Op("list_after", (base, at), element, span)
            case Counter(), "is_zero", []:
                return Op("form_is_zero", (base,), BOOL, span)
            case ((SetOf() | ListOf() | Counter() | ArrayOf() | Size() | ProcessId()), _, _):
                if name in _MUTATORS:
                    title = f"`.{name}()` changes something: it cannot stand here"
                    raise self.refuse("K054", title, node, "", _PURE_HINT)
                raise self.refuse("K061", f"{article(base.type)} has no method `{name}`", node)
            case Ref(kind=kind), _, _:
                method = self.world.kinds[kind].symbol.methods.get(name)
                if method is not None:
                    return self.apply(method, node, base)
                if self.world.holds_functions(kind, name):
                    hint = "call it in a statement of its own, outside of conditions"
                    raise self.refuse(
                        "K054", "a call through a field cannot stand here", node, "", hint
                    )
                info = self.world.kinds[kind]
                hint = did_you_mean(name, info.symbol.methods)
                raise self.refuse("K061", f"{kind} has no method `{name}`", node, "", hint)
        raise self.refuse("K061", f"{article(base.type)} has no method `{name}`", node)

    def _other_instance(self, symbol: GlobalSymbol, name: str, node: ast.Call) -> Expr:
        expected = "on" if symbol.per == "cpu" else "of"
        if name != expected or len(node.args) != 1:
            hint = f"write `.{expected}({'cpu' if symbol.per == 'cpu' else 'process'})`"
            raise self.refuse("K061", f"{symbol.name} has no method `{name}`", node, "", hint)
        wanted: Type = Int(0, 63) if symbol.per == "cpu" else PROCESS
        which = self.fit(self.pure(node.args[0]), wanted, node.args[0], f"what .{name}() takes")
        return Element(symbol.name, which, Ref(symbol.kind), self.span(node))

    # --- functions of one expression ------------------------------------------------------------

    def apply(self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None) -> Expr:
        """Return the value of a call of a function that only computes."""
        if self.depth > _DEEPEST_CALL:
            raise self.refuse(
                "K062", f"`{function.name}` calls itself: there is no recursion", node
            )
        frame = Frame(function, function.module, caller=self.frame, at=self.span(node))
        self.world.met.add(function.key)
        self.bind(frame, function, node, receiver)
        outer, self.frame = self.frame, frame
        self.depth += 1
        try:
            value = self.returned(list(function.node.body), function)
        finally:
            self.frame = outer
            self.depth -= 1
        return value

    def bind(
        self, frame: Frame, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> None:
        """Give the parameters of a pure function their values."""
        parameters = self.parameters(function, node, receiver)
        annotations = Annotations(self.world.loader, function.module)
        given: list[ast.expr] = list(node.args)
        if receiver is not None:
            frame.names[parameters[0].arg] = Alias(receiver)
            parameters = parameters[1:]
        for parameter, argument in zip(parameters, given, strict=True):
            static = self.symbol(argument)
            if isinstance(static, (KindSymbol, FunctionSymbol)):
                frame.names[parameter.arg] = Static(static)
                continue
            value = self.pure(argument)
            wanted = (
                annotations.argument(parameter.annotation).type if parameter.annotation else None
            )
            if wanted is not None:
                value = self.fit(value, wanted, argument, f"`{parameter.arg}` of {function.name}")
            frame.names[parameter.arg] = Alias(value)

    def parameters(
        self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None
    ) -> list[ast.arg]:
        """Return a function's parameters, as many as the call gives."""
        parameters = function.node.args.args
        expected = len(parameters) - (1 if receiver is not None else 0)
        if len(node.args) != expected or node.keywords:
            names = ", ".join(p.arg for p in parameters[len(parameters) - expected :])
            title = f"`{function.name}` takes {expected} argument{'' if expected == 1 else 's'}"
            raise self.refuse(
                "K055", title, node, f"{len(node.args)} given", f"write `{function.name}({names})`"
            )
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.unknown(argument)
        return parameters

    def returned(self, body: list[ast.stmt], function: FunctionSymbol) -> Expr:
        """Return the value that a function of assignments, `if` and `return` computes."""
        for number, statement in enumerate(body):
            match statement:
                case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                    pass
                case ast.Return(value=ast.expr() as value):
                    return self.pure(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._name_value(name, value, None)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._name_value(name, value, statement.annotation)
                case ast.If(test=test, body=then, orelse=other):
                    rest = body[number + 1 :]
                    names = dict(self.frame.names)
                    condition = self.condition(test)
                    if isinstance(condition, Const):
                        return self.returned(
                            [*(then if condition.value else other), *rest], function
                        )
                    yes = self.returned([*then, *rest], function)
                    self.frame.names = dict(names)
                    no = self.returned([*other, *rest], function)
                    self.frame.names = names
                    return self.either(condition, yes, no, test)
                case _:
                    hint = (
                        "assignments to locals, `if` and `return` are what such a function may have"
                    )
                    title = (
                        f"`{function.name}` does more than compute, and this is evaluated in one go"
                    )
                    raise self.refuse("K054", title, statement, "", hint)
        raise self.refuse("K063", f"`{function.name}` does not return a value here", function.node)

    def _name_value(self, name: str, node: ast.expr, annotation: ast.expr | None) -> None:
        """Give a local of a pure function its value."""
        self.frame.names[name] = Broken()
        with self.world.reporter.going_on():
            value = self.pure(node)
            if annotation is not None:
                annotations = Annotations(self.world.loader, self.frame.module)
                value = self.fit(value, annotations.variable(annotation), node, f"`{name}`")
            self.frame.names[name] = Alias(value)

    # --- kinds of results -----------------------------------------------------------------------

    def shared_loads(self, value: Expr) -> int:
        """Return how many accesses to shared memory the value takes: two stands for any more."""
        return _count_loads(value, self.world)


def _count_loads(value: Expr, world: World) -> int:
    match value:
        case Load(ref=ref, kind=kind, field=name):
            info = world.kinds[kind].fields[name]
            return _count_loads(ref, world) + (0 if info.private or info.ghost else 1)
        case Quantifier(domain=domain, where=where, body=body):
            inside = sum(_count_loads(e, world) for e in (where, body))
            return _count_loads(domain, world) + (2 if inside else 0)
        case Alive() | Running():
            return 1
        case Closure(origin=origin):
            return _count_loads(origin, world) + 2
    from_parts = 0
    for part in _parts(value):
        from_parts += _count_loads(part, world)
    return from_parts


def _parts(value: Expr) -> tuple[Expr, ...]:
    match value:
        case Op(args=args) | And(args=args) | Or(args=args):
            return args
        case Cond(test, then, other):
            return (test, then, other)
        case Embedded(ref=inner) | Container(ref=inner) | Element(index=inner):
            return (inner,)
        case Position():
            return (value.process, Running(SetOf(PROCESS), value.span))
        case Before(value=inner):
            return (inner,)
    return ()


def _is_own(base: Expr) -> bool:
    return isinstance(base, Element) and isinstance(base.index, Self)


def article(kind: Type) -> str:
    """Spell a type with its article: `an integer`, `a Page`."""
    text = show(kind)
    match kind:
        case Int():
            return "an integer"
        case Bool():
            return "a bool"
        case Function():
            return "a function"
        case Ref() if text[0] in "AEIO":
            return f"an {text}"
        case _ if kind == VOID:
            return "None"
    return f"a {text}"


_BUILTINS = {"all", "any", "bool", "int", "len", "max", "min", "range", "sum"}
_DEEPEST_CALL = 30
_EFFECTS = {
    "start", "free", "uninitialised", "check", "wait_until", "choose", "may_fail", "WRITE_ONCE", "xchg", "cmpxchg",
    "test_and_set", "test_and_clear", "fetch_add", "add_return", "atomic", "ghost", "each", "pause",
}  # fmt: skip
_MUTATORS = {
    "add",
    "remove",
    "discard",
    "update",
    "clear",
    "append",
    "push",
    "pop",
    "splice",
    "sub",
    "move_to",
}
_PURE_HINT = "conditions of wait_until and properties only look; assign the result to a name first"
_SIGNATURES = {
    "alive": "alive(Type)",
    "is_alive": "is_alive(thing)",
    "closure": "closure(thing, Type.field)",
    "count": "count(x for x in ... if ...)",
    "total": "total(x.size for x in ...)",
    "sum": "sum(x.n for x in ...)",
    "all": "all(... for x in ...)",
    "any": "any(... for x in ...)",
    "len": "len(group)",
    "min": "min(a, b)",
    "max": "max(a, b)",
    "inside": "inside(process, function)",
    "within": "within(function)",
    "begun": "begun(process)",
    "ended": "ended(process)",
    "before": "before(value)",
    "me": "me()",
    "mine": "mine(records)",
    "this_cpu": "this_cpu(instances)",
    "processes": "processes()",
    "READ_ONCE": "READ_ONCE(place)",
    "container_of": "container_of(pointer, Type, Type.field)",
    "SetOf": "SetOf()",
    "range": "range(n)",
}
_UNKNOWN = {
    "Lambda": "a lambda", "Dict": "a dictionary", "Set": "a set display", "List": "a list display",
    "ListComp": "a list comprehension", "SetComp": "a set comprehension", "DictComp": "a dictionary comprehension",
    "GeneratorExp": "a generator outside of a quantifier", "Await": "`await`", "Yield": "`yield`",
    "YieldFrom": "`yield from`", "JoinedStr": "an f-string", "Tuple": "a tuple", "Starred": "`*`",
    "NamedExpr": "`:=`", "Constant": "this constant", "Slice": "a slice", "UnaryOp": "this operator",
}  # fmt: skip
_INSTEAD = {
    "Lambda": "define a function, and name it",
    "JoinedStr": "messages are plain strings",
    "Set": "write `SetOf()`, and `.add(...)`",
    "List": "a list is a field: `ListOf[Type]`",
    "Tuple": "return one value; keep several in an object",
    "NamedExpr": "assign in a statement of its own",
    "SetComp": "write a quantifier: `all`, `any`, `count`, `total`",
    "ListComp": "write a quantifier: `all`, `any`, `count`, `total`",
}
