"""What names mean where an expression stands."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.builder import Builder
from kmcheck.frontend.conversions import convert, instead_of
from kmcheck.frontend.hints import did_you_mean, in_setup, unknown_name
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Frame, Local, Place, Static
from kmcheck.frontend.sizes import DEEPEST
from kmcheck.frontend.source import name_span, span_of
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
from kmcheck.frontend.vocabulary import (
    BUILTINS,
    EFFECTS,
    SIGNATURES,
)
from kmcheck.frontend.world import World
from kmcheck.ir.expr import (
    Const,
    Element,
    Expr,
    Initialised,
    Load,
    Op,
    Var,
)
from kmcheck.ir.types import (
    ArrayOf,
    Counter,
    Int,
    ListOf,
    Ref,
    Type,
    article,
)

CONTEXTS = {"setup": "setup", "property": "a property", "action": "an action"}

IN_SETUP = {
    "me()": "`start(...)` returns the process that it starts",
    "mine()": "write `records.of(process)`",
    "this_cpu()": "write `instances.on(cpu)`",
}
"""What to write instead of what only a process has."""


class Naming:
    """Knows what names mean. `role` says where: in a process, a property, setup, ..."""

    def __init__(self, world: World, builder: Builder, role: str) -> None:
        self.world = world
        self.builder = builder
        self.role = role
        self.frame: Frame
        self.dead = 0
        """How many enclosing branches are never taken because of a choice."""
        self.in_ghost = role == "property"
        self.quantifiers = 0
        """How many quantifiers deep."""
        self.last: ast.expr | None = None
        """What was returned last, to point at."""

    def span(self, node: ast.AST) -> Span:
        """Return where a node of the current function's file stands."""
        return span_of(self.frame.module.source, node)

    def refuse(
        self, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a node of the current function's file.

        Where that is a library's, the one to tell is who called the library.
        """
        definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        span = name_span(self.frame.module.source, node) if definition else self.span(node)
        return self.refuse_at(code, title, span, label, hint)

    def refuse_at(
        self, code: str, title: str, span: Span, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a piece of the current function's file."""
        frame, at = self.frame, span
        while frame.module.source.module and frame.caller is not None:
            frame, at = frame.caller, frame.at or at
        return self.world.reporter.report(code, title, at, label, hint)

    def refuse_in_ghost(self, name: str, node: ast.AST) -> None:
        """Refuse to let ghost code change a variable of the code around it."""
        if self.in_ghost and self.frame.real is not None and name in self.frame.real:
            hint = "give it a name of its own"
            raise self.refuse("K044", f"ghost code cannot change `{name}`", node, "", hint)

    def fit(self, value: Expr, wanted: Type, node: ast.AST, what: str) -> Expr:
        """Return a value as one of the type wanted.

        Raises:
            Refused: it is not one.
        """
        fitting = convert(value, wanted)
        if fitting is None:
            title = f"{what} is to be {article(wanted)}"
            label = f"this is {article(value.type)}"
            hint = instead_of(value, wanted) or self._inside(value, wanted, node)
            if isinstance(node, ast.BoolOp):
                hint = "`and` and `or` give True or False: write `a if a is not None else b`"
            raise self.refuse("K040", title, node, label, hint)
        return fitting

    def _inside(self, value: Expr, wanted: Type, node: ast.AST) -> str:
        """Return a hint where a part of an object is wanted, and the whole object is given."""
        if not isinstance(value.type, Ref) or not isinstance(wanted, Ref):
            return ""
        info = self.world.kinds[value.type.kind]
        there = [name for name, inner in info.embedded.items() if inner == wanted.kind]
        there += [name for name, declared in info.fields.items() if declared.type == wanted]
        return f"write `{ast.unparse(node)}.{there[0]}`" if there else ""

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
            return node.id if node.id in BUILTINS else ""
        return ""

    def pure(self, node: ast.expr) -> Expr:
        """Return the expression that a node means, evaluated in one go."""
        raise NotImplementedError

    def _name(self, node: ast.Name) -> Expr:
        span = self.span(node)
        match self.frame.names.get(node.id):
            case Local() as local:
                return self.variable(node.id, local, span)
            case Alias(value):
                self._refuse_unset(node, value)
                self._refuse_large(node, value)
                return value
            case Place() as place:
                return self.load_of(place, span)
            case Broken():
                raise Refused
            case Static():
                raise self.refuse(
                    "K041", f"`{node.id}` is no value", node, "", "call it, or pass it on"
                )
        match self.frame.module.symbols.get(node.id):
            case Broken():
                raise Refused
            case ConstantSymbol(value):
                return value
            case GlobalSymbol(name, kind, "system"):
                return Element(name, Const(0, Int(0, 0), span), Ref(kind), span)
            case GlobalSymbol(per=per):
                own, others = ("this_cpu", "on(cpu)") if per == "cpu" else ("mine", "of(process)")
                hint = f"write `{own}({node.id})` or `{node.id}.{others}`"
                raise self.refuse(
                    "K041", f"`{node.id}` is one object per {per}: which?", node, "", hint
                )
            case FunctionSymbol():
                raise self.refuse(
                    "K041", f"`{node.id}` is a function: call it, or store it in a field", node
                )
            case KindSymbol() | EnumSymbol() as kind:
                hint = f"name an object, or write `{node.id}()` for a new one"
                if isinstance(kind, EnumSymbol):
                    hint = f"name a member: `{node.id}.{kind.members[0]}`"
                raise self.refuse("K041", f"`{node.id}` is a class, not a value", node, "", hint)
            case Word() as word:
                how = EFFECTS.get(word.name) or SIGNATURES.get(word.name)
                hint = f"write `{how}`" if how else "it is a type, for annotations"
                raise self.refuse("K041", f"`{word.name}` is no value", node, "", hint)
        known = [*self.frame.names, *self.frame.module.symbols]
        if node.id in self.frame.assigned:
            hint = "assign it before"
            raise self.refuse(
                "K042", f"`{node.id}` has no value yet", node, "read before it is assigned", hint
            )
        raise self.refuse(
            "K042", f"there is no `{node.id}`", node, "unknown name", unknown_name(node.id, known)
        )

    def _refuse_large(self, node: ast.Name, value: Expr) -> None:
        """Refuse a name whose value, written out, is too much.

        Raises:
            GivenUp: all that was written out together is.
        """
        parts, levels = self.world.sizes.of(value)
        self.world.spend(parts)
        if levels > DEEPEST:
            title = f"`{node.id}`, written out, is nested more than {DEEPEST} levels deep"
            raise self.refuse("K003", title, node, "", "keep less in one value")

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

    def load_of(self, place: Place, span: Span) -> Expr:
        """Return the value of a place."""
        whole = self.world.kinds[place.kind].fields[place.field].type
        loaded = Load(place.ref, place.kind, place.field, whole, span)
        return (
            loaded
            if place.index is None
            else Op("array_get", (loaded, place.index), place.type, span)
        )

    def in_process(self, what: str, node: ast.AST) -> None:
        """Refuse what only a process has.

        Raises:
            Refused: this is no process.
        """
        if self.role not in ("process", "daemon"):
            where = CONTEXTS.get(self.role, "a property")
            hint = "ask it of every process: a parameter `p: Process`"
            if self.role == "setup":
                hint = IN_SETUP.get(what, "")
            frame = self.frame
            while frame.module.source.module and frame.caller is not None:
                what = f"{frame.function.name}()"
                hint = in_setup(frame.module.source) if self.role == "setup" else hint
                frame = frame.caller
            raise self.refuse("K056", f"{what} is for processes: {where} is none", node, "", hint)

    def group(self, node: ast.expr, per: str, word: str) -> GlobalSymbol:
        """Return the group of global objects that a name stands for."""
        symbol = self.symbol(node)
        if not isinstance(symbol, GlobalSymbol) or symbol.per != per:
            kind = "PerCpu" if per == "cpu" else "PerProcess"
            hint = ""
            if isinstance(symbol, GlobalSymbol) and symbol.per != "system":
                hint = f"write `{'mine' if symbol.per == 'process' else 'this_cpu'}({symbol.name})`"
            title = f"{word} takes a global declared with {kind}(...)"
            raise self.refuse("K057", title, node, "", hint)
        return symbol

    def kind(self, node: ast.expr) -> str:
        """Return the class that a name stands for."""
        symbol = self.symbol(node)
        if not isinstance(symbol, KindSymbol):
            known = [n for n, s in self.frame.module.symbols.items() if isinstance(s, KindSymbol)]
            hint = did_you_mean(node.id, known) if isinstance(node, ast.Name) else ""
            raise self.refuse("K058", "this is not a class of objects", node, "", hint)
        return symbol.name
