"""The words of the language that only look."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.lock_classes import LockClasses
from kmcheck.frontend.quantifiers import Quantifiers
from kmcheck.frontend.report import Refused
from kmcheck.frontend.source import keyword_span
from kmcheck.frontend.symbols import (
    FunctionSymbol,
)
from kmcheck.frontend.vocabulary import (
    BLOCKS,
    EFFECTS,
    SIGNATURES,
)
from kmcheck.ir.expr import (
    Alive,
    Before,
    Bound,
    Closure,
    Const,
    Container,
    Element,
    Expr,
    LivesIn,
    Op,
    Or,
    Position,
    Quantifier,
    Running,
    Self,
    Var,
)
from kmcheck.ir.types import (
    BOOL,
    CPU,
    CPU_OR_NONE,
    LOCK_CLASS,
    PROCESS,
    VOID,
    ArrayOf,
    Int,
    ListOf,
    Ref,
    SetOf,
    article,
)


class Words(Quantifiers):
    """Lowers words that change nothing."""

    def _word(self, word: str, node: ast.Call) -> Expr:
        span = self.span(node)
        self.refuse_keywords(word, node)
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
                known = self.pure(thing)
                if not isinstance(known.type, Ref):
                    raise self.refuse(
                        "K040", f"is_alive takes an object, not {article(known.type)}", thing
                    )
                return Op("is_alive", (known,), BOOL, span)
            case "is_embedded", [thing]:
                return self._is_embedded(self.pure(thing), thing)
            case "closure", [origin, link]:
                return self._closure(origin, link, span)
            case "processes", []:
                return Running(SetOf(PROCESS), span)
            case ("begun" | "ended") as what, [who]:
                process = self.fit(self.pure(who), PROCESS, who, f"what {what} takes")
                return Position(what, process, "", BOOL, span)
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
            case "me", [] if self.role == "setup":
                return Const(0, PROCESS, span)  # nobody
            case "me", []:
                self.in_process("me()", node)
                return Self(PROCESS, span)
            case "mine", [records]:
                self.in_process("mine()", node)
                own = self.group(records, "process", "mine")
                return Element(own.name, Self(PROCESS, span), Ref(own.kind), span)
            case "this_cpu", [instances]:
                return self._this_cpu(instances, node)
            case "on_cpu", [] if not self.world.gates:
                return Const(0, BOOL, span)
            case "on_cpu", []:
                return Op("ge", (self._cpu("on_cpu()", node), Const(0, CPU, span)), BOOL, span)
            case "is_called", [function]:
                return self._is_called(function, word)
            case "lock_class", [lock, subclass]:
                if self.dead:
                    return Const(0, LOCK_CLASS, span)
                return LockClasses(self.world).number(self.pure(lock), self.pure(subclass), span)
            case "READ_ONCE", [place]:
                return self.pure(place)
            case "container_of", [pointer, kind, member]:
                return self._container(pointer, kind, member, span)
            case "slots", [kind]:
                raise self.refuse("K053", "slots() is for `limit=` only", node)
        if word in EFFECTS and word not in BLOCKS:
            title = f"`{word}` is a step, or changes something: it cannot stand here"
            raise self.refuse("K054", title, node, "", self.looks_only())
        raise self.misused(word, node)

    def _is_called(self, node: ast.expr, word: str) -> Expr:
        symbol = self.symbol(node)
        if not isinstance(symbol, FunctionSymbol):
            hint = f"name one: `{SIGNATURES[word]}`"
            raise self.refuse("K051", f"`{word}` asks for a function", node, "this is none", hint)
        self.world.questioned.add(symbol.key)
        return Const(int(symbol.key in self.world.made), BOOL, self.span(node))

    def _this_cpu(self, instances: ast.expr, node: ast.Call) -> Expr:
        cpu: Expr = self._cpu("this_cpu()", node)
        local = self.group(instances, "cpu", "this_cpu")
        if cpu.type != CPU:  # a process that is bound to none finds what CPU 0 has
            cpu = Op("max", (cpu, Const(0, CPU, cpu.span)), CPU, cpu.span)
        return Element(local.name, cpu, Ref(local.kind), cpu.span)

    def _cpu(self, what: str, node: ast.Call) -> Var:
        """Return the number of the running process's CPU; where there are gates, -1 if none."""
        self.in_process(what, node)
        kind = CPU_OR_NONE if self.world.gates else CPU
        self.builder.variables["@cpu"] = kind
        return Var("@cpu", kind, self.span(node))

    def refuse_keywords(self, word: str, node: ast.Call) -> None:
        """Refuse arguments that are given by name."""
        if node.keywords:
            title = f"`{word}` takes its arguments in order, not by name"
            at = keyword_span(self.frame.module.source, node.keywords[0])
            hint = f"write `{EFFECTS.get(word) or SIGNATURES.get(word) or word}`"
            raise self.refuse_at("K055", title, at, "", hint)

    def looks_only(self) -> str:
        """Return a hint for what changes something, where that cannot be."""
        if self.role in ("property", "step"):
            return "a property only looks"
        return "do it in a statement of its own, and assign the result to a name"

    def misused(self, word: str, node: ast.Call) -> Refused:
        """Say how a word of the language is written."""
        if word in BLOCKS:
            hint = f"write `{EFFECTS[word]}`"
            return self.refuse("K055", f"`{word}` is no call of its own", node, "", hint)
        arguments = EFFECTS.get(word) or SIGNATURES.get(word)
        if arguments is None:
            return self.refuse("K050", f"`{word}` cannot be called here", node)
        title = f"`{word}` is called with other arguments"
        return self.refuse("K055", title, node, "", f"write `{arguments}`")

    def _entered(self, word: str, node: ast.expr) -> str:
        """Return the key of a function that a process may be inside of."""
        symbol = self.symbol(node)
        if not isinstance(symbol, FunctionSymbol):
            hint = f"name one: `{SIGNATURES[word]}`"
            raise self.refuse("K051", f"`{word}` asks for a function", node, "this is none", hint)
        self.world.asked.append((self.span(node), symbol))
        return symbol.key

    def _closure(self, origin: ast.expr, link: ast.expr, span: Span) -> Expr:
        kind, name = self.member(link)
        if self.world.kinds[kind].fields.get(name, None) is None or self.world.kinds[kind].fields[
            name
        ].type != Ref(kind):
            raise self.refuse("K059", f"`{name}` does not lead from {kind} to {kind}", link)
        if self.world.kinds[kind].fields[name].ghost and not self.in_ghost:
            raise self.refuse("K044", f"`{name}` is a ghost: code must not depend on it", link)
        start = self.fit(self.pure(origin), Ref(kind), origin, "what closure starts from")
        return Closure(start, kind, name, SetOf(Ref(kind)), span)

    def _container(self, pointer: ast.expr, kind: ast.expr, member: ast.expr, span: Span) -> Expr:
        owner, name = self.member(member)
        if owner != self.kind(kind):
            raise self.refuse("K059", f"this is no field of {self.kind(kind)}", member)
        inner = self.world.kinds[owner].embedded.get(name)
        if inner is None:
            hint = "it holds a value: what `container_of` goes back from is an object's own place"
            title = f"no object is embedded in {owner}.{name}"
            raise self.refuse("K059", title, member, "", hint)
        at = self.fit(self.pure(pointer), Ref(inner), pointer, "the pointer")
        return Container(at, owner, name, Ref(owner), span)

    def _is_embedded(self, pointer: Expr, node: ast.expr) -> Expr:
        if not isinstance(pointer.type, Ref):
            label = f"this is {article(pointer.type)}"
            raise self.refuse("K040", "an object is expected here", node, label)
        places = [
            LivesIn(pointer, owner, name, BOOL, pointer.span)
            for owner, info in self.world.kinds.items()
            for name, inner in info.embedded.items()
            if inner == pointer.type.kind
        ]
        return Or(tuple(places), BOOL, pointer.span) if places else Const(0, BOOL, pointer.span)

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
