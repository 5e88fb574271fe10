"""The lives of objects: allocation and freeing, with the hooks of their classes."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.effects import NOTHING, Effects
from kmcheck.frontend.scope import Place
from kmcheck.frontend.symbols import FunctionSymbol
from kmcheck.ir.code import Alloc, Check, Free
from kmcheck.ir.expr import Const, Container, Embedded, Expr, LivesIn, Op, Or, Var
from kmcheck.ir.types import (
    BOOL,
    Ref,
    article,
)


class Objects(Effects):
    """Lowers allocation and freeing."""

    def inline(self, function: FunctionSymbol, node: ast.Call, receiver: Expr | None) -> Expr:
        """Run a function's code in place of the call."""
        raise NotImplementedError

    def allocate(self, kind: str, node: ast.Call, *, zeroed: bool) -> Expr:
        """Return a new object, its fields as given, the others zero (or uninitialised)."""
        span = self.span(node)
        info = self.world.kinds[kind]
        if self.role in ("property", "step"):
            raise self.refuse("K050", "a property allocates nothing", node)
        if self.in_ghost:
            raise self.refuse("K044", "ghost code allocates nothing", node)
        if zeroed and node.args:
            raise self.refuse(
                "K055",
                f"{kind} takes its fields by name",
                node.args[0],
                "",
                f"write `{kind}(field=...)`",
            )
        if self.role != "setup" and not self.dead:
            self.world.learn(self.world.allocated, kind)
            if info.limit is None:
                hint = f"write `class {info.symbol.node.name}(Object, limit=...)`"
                if info.symbol.module.source.module:
                    name = getattr(node, "kept_as", "") or "name"
                    hint = f"make it a field, `{name}: {kind}`, or a global, `{name} = {kind}()`"
                title = f"{kind} is allocated while processes run: how many may there be at once?"
                self.refuse("K069", title, node.func, "", hint)
        fields = []
        for keyword in node.keywords if zeroed else ():
            self.named_field(kind, keyword)
            name = str(keyword.arg)
            function = self.symbol(keyword.value)
            value = NOTHING if isinstance(function, FunctionSymbol) else self.held(keyword.value)
            fields.append((name, value, function, keyword.value))
        self.builder.cut(span)
        new = Var(self.builder.temporary(Ref(kind)), Ref(kind), span)
        hint = getattr(node, "kept_as", "")
        self.builder.emit(Alloc(new.name, kind, zeroed, hint, span))
        for name, value, function, at in fields:
            place = Place(new, kind, name, None, info.fields[name].type)
            stored = value
            if isinstance(function, FunctionSymbol):
                stored = self.function_value(function, place, at)
            ghost, self.in_ghost = self.in_ghost, self.in_ghost or info.fields[name].ghost
            self.store(place, self.fit(stored, place.type, at, f"`{name}` of {kind}"), at)
            self.in_ghost = ghost
        return new

    def free(self, thing: ast.expr, span: Span) -> None:
        """End the life of an object, after the hooks of its class and of all embedded in it."""
        value = self.held(thing)
        if not isinstance(value.type, Ref):
            label = f"this is {article(value.type)}"
            raise self.refuse("K040", "only an object can be freed", thing, label)
        self.builder.cut(span)
        self._free_value(value, value.type.kind, thing, span)

    def _free_value(self, value: Expr, kind: str, thing: ast.expr, span: Span) -> None:
        owners = [
            (o, f)
            for o, i in self.world.kinds.items()
            for f, inner in i.embedded.items()
            if inner == kind
        ]
        done = self.builder.draft(span)
        for owner, name in owners:
            yes, no = self.builder.draft(span), self.builder.draft(span)
            self.builder.branch(LivesIn(value, owner, name, BOOL, span), yes, no, span)
            self.builder.at(yes)
            container = self.keep(Container(value, owner, name, Ref(owner), span))
            self._free_value(container, owner, thing, span)
            self.builder.jump(done)
            self.builder.at(no)
        self._free_whole(value, kind, thing, span)
        self.builder.jump(done)
        self.builder.at(done)

    def _free_whole(self, value: Expr, kind: str, thing: ast.expr, span: Span) -> None:
        hooks = self._hooks(kind, value)
        if hooks:
            null = Op("same", (value, Const(0, value.type, span)), BOOL, span)
            fresh = Or((null, Op("is_alive", (value,), BOOL, span)), BOOL, span)
            self.builder.emit(
                Check(
                    fresh,
                    "double-free",
                    f"{kind} is freed a second time",
                    value,
                    self.builder.calls,
                    span,
                )
            )
            self.builder.atomic += 1
            for hook, receiver in hooks:
                fake = ast.copy_location(ast.Call(func=thing, args=[], keywords=[]), thing)
                self.inline(hook, fake, receiver)
            self.builder.atomic -= 1
        self.builder.emit(Free(value, kind, span))

    def _hooks(self, kind: str, value: Expr) -> list[tuple[FunctionSymbol, Expr]]:
        info = self.world.kinds[kind]
        found = (
            [(info.symbol.methods["on_free"], value)] if "on_free" in info.symbol.methods else []
        )
        for name, inner in info.embedded.items():
            address = Embedded(value, kind, name, Ref(inner), value.span)
            found += self._hooks(inner, address)
        return found
